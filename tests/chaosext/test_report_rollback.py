"""The rollback's proof in the reports: what was found, that it is gone, and who else healed."""

import json

import pytest

from chaosext.kubernetes.aftermath import Healed
from chaosext.report.files import write_reports
from chaosext.report.rollback import rollback_card, rollback_section
from chaosext.result import Phase, Rollback, Verdict

from .made import HOSTILE, made
from .test_report_html import Page

CHANGED = "deployment/payment: spec.template.spec.containers[payment].env[FAILURES] is extra"


def texts(run, healed=None):
    """The card's text and the section, both on one line."""
    page = Page(str(rollback_card(run, healed)))
    assert page.open == []
    return page.text, " ".join(rollback_section(run, healed).split())


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([CHANGED], "1 difference was found just before, gone now:"),
        ([CHANGED, "job/hog: a run created it"], "2 differences were found just before, gone now:"),
        ([], "Just before, nothing differed from the manifest"),
        (None, "What there was to undo before the rollback is not known."),
    ],
)
def test_a_proof_says_what_was_found_and_that_it_is_gone(found, said):
    for text in texts(made(rollback=Rollback(proved=True, found=found))):
        assert said in text
        assert "roved" in text
        for difference in found or []:
            assert difference in text


def test_what_is_left_is_told_from_what_was_found():
    proof = Rollback(proved=False, differences=["what is left"], found=["what was changed"])
    for text in texts(made(Verdict.SYSTEM_FAILED, rollback=proof)):
        places = [text.index(part) for part in ("what is left", "was found just before:", "what was changed")]
        assert places == sorted(places)


def test_a_run_that_never_came_to_its_fault_had_nothing_to_undo():
    run = made(Verdict.NOT_RUN)
    assert Phase.FAULT not in run.phases
    for text in texts(run):
        assert "to undo" not in text


def test_who_healed_whom_is_told():
    healed = Healed(
        run_id="r",
        experiment="payment",
        ended="2026-11-24T10:10:00+00:00",
        reason="the runner died",
        differences=[CHANGED],
        remaining=[],
        seconds=1.5,
    )
    for text in texts(made(healed_before=["service/cart: it does not exist"]), healed):
        assert "The watchdog restored the system (the runner died); it took 1.5 s" in text
        assert "The watchdog found:" in text
        assert CHANGED in text
        assert "this run healed what one that died had left:" in text
        assert "service/cart: it does not exist" in text
    broken = healed.model_copy(update={"remaining": [HOSTILE]})
    for text in texts(made(rollback=Rollback(proved=False, found=[CHANGED])), broken):
        assert "it could not undo everything:" in text
        assert "The watchdog found:" not in text  # it is what was found before


@pytest.mark.parametrize("content", ["{", "[]", '{"reason": 1}'])
def test_a_healed_json_that_is_none_is_let_be(tmp_path, content):
    (tmp_path / "healed.json").write_text(content)
    write_reports(tmp_path, made())
    assert "watchdog" not in (tmp_path / "report.md").read_text()


def test_healed_json_comes_into_the_reports(tmp_path):
    content = {"run_id": "r", "experiment": "payment", "ended": "now", "reason": "a reason"}
    content |= {"differences": ["x differs"], "remaining": [], "seconds": 2}
    (tmp_path / "healed.json").write_text(json.dumps(content))
    write_reports(tmp_path, made())
    for name in ("report.md", "report.html"):
        assert "The watchdog restored the system (a reason); it took 2 s" in (tmp_path / name).read_text()
