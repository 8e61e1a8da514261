"""What is asked of Grafana before an experiment of a day: steady SLIs, and error budget left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from chaosext.errors import BadInput
from chaosext.gameday.plan import Pause
from chaosext.gameday.steady import Gate, budget_refusal, open_gate, wait_until_steady
from chaosext.result import Verdict

from .conftest import TOKEN, Reply, ScriptedGrafana, frame
from .day_world import World
from .made import ROOT

PAY = "payment-success"
GOOD, BAD, FEW, NONE = (100.0, 100.0), (50.0, 100.0), (5.0, 5.0), (None, None)
"""Good and all payments in a window; the hypothesis asks for 95% of at least 30."""
LONG = Pause(steady_windows=0, within_windows=15)
QUERY = "/api/ds/query"


def windows(folder: Path) -> str:
    """A window table whose windows are as short as they may be."""
    table = yaml.safe_load((ROOT / "manifests" / "windows.yaml").read_text())
    table["environments"]["lab"] |= {"short_window_seconds": 4, "sample_interval_seconds": 0.1}
    path = folder / "windows.yaml"
    path.write_text(yaml.safe_dump(table))
    return str(path)


def measuring(path: Path) -> Path:
    """Let an experiment ask for payments, and nothing else."""
    payment = json.loads((ROOT / "experiments" / "payment.json").read_text())
    content = json.loads(path.read_text()) if path.exists() else {"title": "x"}
    content["configuration"] = {
        **content.get("configuration", {}),
        "grafana_url": payment["configuration"]["grafana_url"],
        "slo_file": str(ROOT / "manifests" / "slo.yaml"),
        "windows_file": windows(path.parent),
    }
    content["secrets"] = payment["secrets"]
    hypothesis = payment["steady-state-hypothesis"]
    content["steady-state-hypothesis"] = {**hypothesis, "probes": hypothesis["probes"][:1]}
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def gate(tmp_path: Path, grafana_server: ScriptedGrafana, monkeypatch: pytest.MonkeyPatch) -> Gate:
    for name, value in environment(grafana_server).items():
        monkeypatch.setenv(name, value)
    return open_gate(measuring(tmp_path / "a.json"))


def environment(server: ScriptedGrafana) -> dict[str, str]:
    return {"GRAFANA_URL": server.url, "GRAFANA_TOKEN": TOKEN, "CHAOS_ENVIRONMENT": "lab"}


def answered(good: float | None, total: float | None) -> Callable[[object], Reply]:
    values = {f"{PAY}:part": good, f"{PAY}:total": total}

    def reply(body: dict) -> Reply:
        return Reply(
            {"results": {q["refId"]: {"frames": [frame(values[q["refId"]])]} for q in body["queries"]}}
        )

    return reply


def script(server: ScriptedGrafana, *answers: tuple[float | None, float | None] | Reply) -> None:
    """Answer one request after another; the last answer is all later ones' too."""

    def each() -> Iterator[tuple[float | None, float | None] | Reply]:
        yield from answers
        while True:
            yield answers[-1]

    left = each()

    def reply(body: dict) -> Reply:
        answer = next(left)
        return answer if isinstance(answer, Reply) else answered(*answer)(body)

    server.replies[QUERY] = reply


def asked(server: ScriptedGrafana) -> int:
    return sum(path == QUERY for _, path, _ in server.requests)


def test_what_is_steady_is_not_waited_for(gate, grafana_server):
    script(grafana_server, GOOD)
    assert wait_until_steady(gate, LONG) is None
    assert asked(grafana_server) == 1


@pytest.mark.parametrize("before", [BAD, FEW, NONE, Reply({"message": "down"}, 500)], ids=repr)
def test_what_is_not_steady_is_waited_for(gate, grafana_server, before):
    script(grafana_server, before, before, GOOD)
    assert wait_until_steady(gate, LONG) is None
    assert asked(grafana_server) == 3


def test_steady_slis_must_stay_so_and_a_dip_begins_anew(gate, grafana_server):
    script(grafana_server, GOOD, BAD, GOOD)
    assert wait_until_steady(gate, Pause(steady_windows=0.1, within_windows=15)) is None
    assert asked(grafana_server) >= 4  # the dip, and from there two that are far enough apart


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (BAD, "payment-success is 0.5, outside 0.95 to 1"),
        (FEW, "payment-success has no data (5 events, fewer than 30)"),
        (NONE, "payment-success has no data (the total is absent: no traffic, or not yet scraped)"),
        (Reply({"message": "down"}, 500), "answered 500"),
    ],
    ids=["outside", "few", "none", "Grafana is down"],
)
def test_what_does_not_get_steady_in_time_is_said(gate, grafana_server, answer, said):
    script(grafana_server, answer)
    assert said in wait_until_steady(gate, Pause(steady_windows=0, within_windows=0.1))


def test_steady_for_too_short_a_time_is_said_too(gate, grafana_server):
    script(grafana_server, GOOD)
    said = wait_until_steady(gate, Pause(steady_windows=100, within_windows=0.1))
    assert said.startswith("steady for ")
    assert said.endswith(" s of 400 s")


@pytest.mark.parametrize(("failed", "left"), [(0, None), (249, None), (251, "50%"), (600, "-20%")])
def test_an_experiment_needs_the_plan_s_floor_of_every_budget(gate, grafana_server, failed, left):
    script(grafana_server, (10000.0 - failed, 10000.0))  # of 500 failures a month
    said = budget_refusal(gate, 0.5)
    if left is None:
        assert said is None
    else:
        assert f"{left} of the error budget of payment-success is left, where a run needs 50%" in said


def test_without_a_floor_no_budget_is_asked_for(gate, grafana_server):
    assert budget_refusal(gate, 0) is None
    assert asked(grafana_server) == 0


@pytest.mark.parametrize("answer", [NONE, Reply({"message": "down"}, 500)], ids=["no data", "down"])
def test_a_budget_that_is_not_known_is_none_to_spend(gate, grafana_server, answer):
    script(grafana_server, answer)
    assert budget_refusal(gate, 0.5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: e["configuration"].update(slo_file="none.yaml"), "none.yaml"),
        (lambda e: e["configuration"].update(windows_file="none.yaml"), "none.yaml"),
        (
            lambda e: e["configuration"]["grafana_url"].update(key="NOWHERE", default=""),
            "GRAFANA_URL is not set",
        ),
        (lambda e: e["secrets"]["grafana"]["token"].update(key="NOWHERE"), "NOWHERE"),
        (lambda e: e.update({"steady-state-hypothesis": 7}), "a.json: "),
    ],
)
def test_a_gate_that_cannot_be_opened_says_why_in_one_line(tmp_path, gate, change, said):
    path = tmp_path / "a.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(BadInput) as caught:
        open_gate(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def day(world: World, server: ScriptedGrafana, **plan: object):
    """Run a day of two experiments that measure payments."""
    for name in ("a", "b"):
        measuring(Path(world.experiment(name, Verdict.VERIFIED)))
    done = world.run(world.plan("a", "b", **plan), **environment(server))
    _, record = world.day()
    return done, record


def test_between_two_experiments_a_day_waits_for_steady_slis_and_not_for_ever(world, grafana_server):
    script(grafana_server, BAD)
    done, record = day(world, grafana_server, pause={"steady_windows": 0.1, "within_windows": 0.2})
    assert done.returncode == 0, done.stderr
    assert "waiting for steady SLIs before a" not in done.stdout
    assert "waiting for steady SLIs before b" in done.stdout
    assert "b: not steady before it begins: payment-success is 0.5, outside 0.95 to 1" in done.stdout
    assert [str(run.verdict) for run in record.runs] == ["verified", "verified"]


def test_an_experiment_for_which_too_little_budget_is_left_is_left_out(world, grafana_server):
    script(grafana_server, (9600.0, 10000.0))
    done, record = day(world, grafana_server, budget_floor=0.5, abort={"failures": 1})
    assert done.returncode == 5, done.stderr
    (run,) = record.runs
    assert (run.experiment, str(run.verdict), run.folder) == ("a", "not-run", None)
    assert run.not_started.startswith("refused: 20% of the error budget of payment-success is left")
    assert record.stopped == "1 experiments are not verified (abort.failures)"


def test_without_a_rule_a_day_goes_on_after_what_was_left_out(world, grafana_server):
    script(grafana_server, (9600.0, 10000.0))
    done, record = day(world, grafana_server, budget_floor=0.5)
    assert done.returncode == 5, done.stderr
    assert ([run.experiment for run in record.runs], record.stopped) == (["a", "b"], None)
