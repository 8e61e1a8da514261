"""junit.xml, report.md, the JSON Schema, and all of them from verification.json."""

import json
import xml.etree.ElementTree as ET

import jsonschema
import pytest

from chaosext.errors import BadInput
from chaosext.report.checks import Met, checks
from chaosext.report.files import FORMATS, write_reports
from chaosext.report.history import Comparison
from chaosext.report.junit import render_junit
from chaosext.report.markdown import render_markdown
from chaosext.report.schema import SCHEMA_FILE, schema_text
from chaosext.result import EXIT_CODES, Outcome, Rollback, Verdict, read, write

from .made import HOSTILE, RESULTS, made, real, sli


def parse(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - it was made here


@pytest.mark.parametrize("verdict", Verdict)
def test_junit_passes_only_what_is_verified(verdict):
    suites = parse(render_junit("day", [made(verdict)]))
    cases = list(suites.iter("testcase"))
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    assert bool(bad) == (EXIT_CODES[verdict] != 0)
    assert (bad[0].get("name") == "verdict") if bad else True
    kind = {Verdict.SYSTEM_FAILED: "failure", Verdict.FAULT_NOT_LANDED: "failure"}.get(verdict, "error")
    if bad:
        assert bad[0].find(kind).get("message") == f"this is why it is {verdict}"


@pytest.mark.parametrize("verdict", Verdict)
def test_junit_counts_what_it_has(verdict):
    runs = [made(verdict), made()]
    suites = parse(render_junit("day", runs, [("cart-data", Verdict.NOT_RUN, "not started: stopped")]))
    assert len(list(suites)) == 3
    for element in [suites, *suites]:
        for key, name in (
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert int(element.get(key)) == len(list(element.iter(name)))
    assert suites[2].find("testcase/error").get("message") == "not started: stopped"


def test_hostile_text_leaves_xml_and_markdown_whole():
    hostile = made(
        Verdict.SYSTEM_FAILED,
        title=HOSTILE,
        experiment=HOSTILE,
        reasons=[HOSTILE],
        slis=[sli("a", display_name=HOSTILE, outcome=Outcome.UNEXPECTED)],
        rollback=Rollback(proved=False, differences=[HOSTILE]),
    )
    suite = parse(render_junit(HOSTILE, [hostile]))[0]
    assert suite.get("name").startswith('<script>alert(1)</script> & "quoted"')
    text = render_markdown(hostile)
    # Within a block of code markup is text, as long as nothing ends the block.
    heading, plots, rest = text.split("```")
    assert "<script" not in heading + rest
    assert plots.count("<script") == 1
    assert "\x1b" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "alert(1)" in line]
    # A bar of its own would be one more column.
    assert {line.replace("\\|", "").count("|") for line in rows} <= {3, 10}


@pytest.mark.parametrize("verdict", Verdict)
def test_markdown_says_what_to_do_unless_it_is_verified(verdict):
    text = render_markdown(made(verdict))
    assert f"**{verdict}**" in text
    assert ("\n1. " in text) == (verdict is not Verdict.VERIFIED)
    # GitHub takes a megabyte in a job's summary.
    assert len(text.encode()) < 20_000


def test_markdown_has_the_timeline_versions_and_earlier_runs():
    compared = [Comparison("Time to detect", "seconds", 6.0, (5.0,) * 5, 4.0, 7.0)]
    text = render_markdown(made(), compared)
    assert "- 0:14 The fault landed: its effect shows" in text
    assert "| Time to detect | 6.0 s | 4.0 s to 7.0 s | 5 | **as usual** |" in text
    assert "| Grafana | http://grafana.example:3000/d/services-overview?from=" in text


@pytest.mark.parametrize("verdict", Verdict)
def test_checks_tell_met_missed_and_unknown_apart(verdict):
    found = checks(made(verdict))
    by_kind = {check.kind: check.met for check in found}
    assert next(c.met for c in found if c.kind == "sli") is {
        Verdict.VERIFIED: Met.MET,
        Verdict.SYSTEM_FAILED: Met.MISSED,
        Verdict.FAULT_NOT_LANDED: Met.MISSED,
    }.get(verdict, Met.UNKNOWN)
    if verdict is Verdict.VERIFIED:
        assert set(by_kind.values()) == {Met.MET}
        assert set(by_kind) == {"sli", "alert", "budget", "recovery", "rollback"}
    if verdict in {Verdict.TOOL_ERROR, Verdict.NOT_RUN}:
        assert {"recovery", "rollback"}.isdisjoint(by_kind)


def test_the_published_schema_is_the_model_s():
    assert SCHEMA_FILE.read_text() == schema_text(), "run: python -m chaosext.report.schema"


@pytest.mark.parametrize("verdict", Verdict)
def test_the_schema_accepts_what_is_written(verdict, tmp_path):
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    written = json.loads(write(tmp_path, made(verdict)).read_text())
    jsonschema.validate(written, schema)
    assert read(tmp_path) == made(verdict)
    del written["verdict"]
    with pytest.raises(jsonschema.ValidationError, match="'verdict' is a required property"):
        jsonschema.validate(written, schema)


@pytest.mark.parametrize("file", sorted(RESULTS.glob("*.json")), ids=lambda p: p.stem)
def test_the_schema_accepts_what_runs_have_left(file):
    jsonschema.validate(json.loads(file.read_text()), json.loads(schema_text()))


def test_all_formats_are_made_from_the_json_again(tmp_path):
    folder = tmp_path / "20261124T100000Z-payment"
    folder.mkdir()
    write(folder, real("payment"))
    names = {path.name for path in write_reports(folder, read(folder))}
    assert names == {"report.html", "report.md", "junit.xml"}
    assert {path.name for path in folder.iterdir()} == {*names, "verification.json", "history.json"}
    before = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    assert [path.name for path in write_reports(folder, read(folder), ["html"])] == ["report.html"]
    assert (folder / "report.html").read_text() == before
    assert FORMATS == ("html", "md", "junit")


def test_a_report_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "report.html.partial").mkdir()
    with pytest.raises(BadInput, match=r"report.html: the report cannot be written: Is a directory"):
        write_reports(tmp_path, made())
