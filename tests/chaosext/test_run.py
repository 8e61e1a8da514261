import re

import click
import pytest
from click.testing import CliRunner

from chaosext import run
from chaosext.errors import BadInput


@pytest.fixture(autouse=True)
def _forget_the_run():
    yield
    run._current = None


def test_paths_resolve_from_the_folder_of_the_experiment_that_chaos_was_given(tmp_path, monkeypatch):
    experiment = tmp_path / "experiments" / "payment.json"
    experiment.parent.mkdir()
    experiment.write_text("{}")
    (tmp_path / "app.yaml").write_text("")
    monkeypatch.chdir("/")

    @click.command()
    @click.argument("source")
    def chaos_run(source):
        begun = run.begin()
        click.echo(f"{begun.experiment} {run.resolve('../app.yaml')} {run.current() is begun}")

    result = CliRunner().invoke(chaos_run, [str(experiment)])
    assert result.output == f"payment {tmp_path / 'app.yaml'} True\n"


def test_without_chaos_the_folder_is_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_text("")
    run.begin()
    assert run.resolve("x") == tmp_path / "x"
    with pytest.raises(BadInput, match=r"\.\./nothing: no such file"):
        run.resolve("../nothing")


def test_a_run_id_is_a_label_value_and_new_each_time(tmp_path):
    ids = {run.Run(folder=tmp_path).run_id for _ in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", i) for i in ids)
