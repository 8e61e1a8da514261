"""Earlier runs, and what is outside of what they vary by."""

import json

import pytest

from chaosext.report.history import ENOUGH, Entry, compare, earlier, entry_of, every, latest, write_entry
from chaosext.result import Verdict, write

from .made import made, real


def keep(reports, minute, **changes):
    run = made(**({"run_id": f"run-{minute}", "started": f"2026-11-24T09:{minute:02d}:00+00:00"} | changes))
    folder = reports / f"20261124T09{minute:02d}00Z-{run.experiment}"
    folder.mkdir()
    write_entry(folder, run)
    return folder


def test_earlier_runs_are_the_verified_ones_of_the_same_experiment_and_environment(tmp_path):
    keep(tmp_path, 1)
    keep(tmp_path, 2)
    keep(tmp_path, 3, verdict=Verdict.SYSTEM_FAILED)
    keep(tmp_path, 4, environment="gke")
    keep(tmp_path, 5, experiment="slow-payment")
    keep(tmp_path, 6, started="2026-11-24T11:00:00+00:00")  # later than the run that is compared
    (tmp_path / "20261124T090700Z-payment").mkdir()
    (tmp_path / "a file").write_text("")
    assert [entry.run_id for entry in earlier(made(), tmp_path)] == ["run-1", "run-2"]
    assert latest(tmp_path, "payment").run_id == "run-6"
    assert latest(tmp_path, "cart-data") is None
    assert len(every(tmp_path)) == 6
    assert earlier(made(), tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("started", "last Tuesday", "started: 'last Tuesday' is not a time in ISO 8601 with its zone"),
        ("started", "2026-11-24T10:00:00", "is not a time in ISO 8601 with its zone"),
        ("started", "0001-01-01T00:00:00+14:00", "is not a time in ISO 8601 with its zone"),
        ("time_to_detect_seconds", float("nan"), "time_to_detect_seconds: Input should be a finite number"),
        ("worst", {"payment-success": "bad"}, "worst.payment-success: Input should be a valid number"),
    ],
)
def test_an_entry_that_is_none_is_let_be_with_one_line(tmp_path, caplog, key, value, said):
    keep(tmp_path, 1)
    folder = keep(tmp_path, 2)
    content = json.loads((folder / "history.json").read_text())
    (folder / "history.json").write_text(json.dumps({**content, key: value}))
    with caplog.at_level("WARNING", "chaostoolkit"):
        assert [entry.run_id for entry in earlier(made(), tmp_path)] == ["run-1"]
        assert [entry.run_id for entry in every(tmp_path)] == ["run-1"]
    (line,) = caplog.messages
    assert line.startswith(f"{folder / 'history.json'} is let be, and counts as no earlier run: ")
    assert said in line
    assert "\n" not in line


def test_times_of_other_zones_are_in_their_order(tmp_path):
    keep(tmp_path, 1, started="2026-11-24T11:30:00+02:00")
    keep(tmp_path, 2, started="2026-11-24T09:30:00-02:00")  # later than the run that is compared
    assert [entry.started for entry in earlier(made(), tmp_path)] == ["2026-11-24T09:30:00+00:00"]


def test_files_of_another_form_are_read_as_far_as_they_go(tmp_path):
    folder = keep(tmp_path, 1)
    content = json.loads((folder / "history.json").read_text())
    (folder / "history.json").write_text(json.dumps({**content, "of the future": 1}))
    old = tmp_path / "20261124T090200Z-payment"
    old.mkdir()
    write(old, real("old-form"))
    stripped = json.loads((old / "verification.json").read_text())
    del stripped["alerts"], stripped["phases"]
    (old / "verification.json").write_text(json.dumps({**stripped, "experiment": "payment"}))
    for minute, text in ((3, "{"), (4, "[]"), (5, '{"slis": 7}'), (6, '"x"')):
        broken = tmp_path / f"20261124T09{minute:02d}00Z-payment"
        broken.mkdir()
        (broken / "history.json").write_text(text)
    found = earlier(made(), tmp_path)
    assert sorted(entry.run_id for entry in found) == ["20261124t032202-e5db62", "run-1"]
    assert next(e for e in found if e.run_id != "run-1").worst["payment-success"] == 0.6


def entry(recover=10.0, worst=0.7):
    return Entry(
        experiment="payment",
        environment="lab",
        run_id="x",
        started="2026-11-24T10:00:00Z",
        verdict="verified",
        time_to_recover_seconds=recover,
        worst={"payment-success": worst},
        units={"payment-success": "ratio"},
    )


BEFORE = [
    entry(recover, worst) for recover, worst in ((9, 0.7), (10, 0.72), (11, 0.68), (10.5, 0.7), (9.5, 0.71))
]


@pytest.mark.parametrize(
    ("recover", "worst", "said"),
    [
        (10.2, 0.7, ["as usual", "as usual"]),
        (40.0, 0.7, ["worse than usual", "as usual"]),
        (1.0, 0.3, ["better than usual", "worse than usual"]),
        (10.0, 0.99, ["as usual", "better than usual"]),
    ],
)
def test_a_number_is_judged_by_what_earlier_ones_vary_by(recover, worst, said):
    found = compare(entry(recover, worst), BEFORE)
    assert [c.judged for c in found] == said
    assert [c.regressed for c in found] == [text == "worse than usual" for text in said]


def test_one_odd_run_does_not_widen_what_is_usual():
    odd = [*BEFORE, entry(500.0)]
    assert compare(entry(40.0), odd)[0].regressed


def test_equal_runs_leave_room_for_noise():
    same = [entry(10.0) for _ in range(10)]
    assert compare(entry(10.9), same)[0].judged == "as usual"
    assert compare(entry(13.0), same)[0].judged == "worse than usual"


def test_too_few_runs_say_nothing():
    (recover, _) = compare(entry(99.0), BEFORE[: ENOUGH - 1])
    assert recover.judged == f"too few earlier runs to tell ({ENOUGH - 1} of {ENOUGH})"
    assert not recover.regressed
    assert recover.low is None


def test_an_entry_knows_what_it_tested():
    assert entry_of(made()).components == ["payment"]
    assert entry_of(made(experiment="product-data")).components == ["payment", "product-data"]
    assert entry_of(real("session-data")).components == ["web-gateway", "session-data"]
