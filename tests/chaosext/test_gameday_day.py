"""Game days of real `chaos run` processes, whose experiments' verdicts are made up."""

import json
import re
import shutil
import subprocess
import threading
import time
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chaosext.cli.gameday_commands import gameday
from chaosext.gameday.day import DayRecord, DayRun
from chaosext.gameday.notify import message, notify
from chaosext.gameday.pages import render_day
from chaosext.gameday.progress import Live
from chaosext.gameday.runner import Ran
from chaosext.gameday.score import score
from chaosext.gameday.summary import gather
from chaosext.report.history import write_entry
from chaosext.result import FILE_NAME, Verdict, write

from .day_world import CHAOS
from .made import HOSTILE, ROOT, made
from .test_report_html import Page


def test_a_day_leaves_a_summary_junit_and_every_run_s_report(world):
    world.experiment("a", Verdict.VERIFIED)
    world.experiment("b", Verdict.FAULT_NOT_LANDED)
    done = world.run(world.plan("a", "b"))
    assert done.returncode == 3, done.stderr
    folder, record = world.day()
    assert [(run.experiment, run.verdict) for run in record.runs] == [
        ("a", "verified"),
        ("b", "fault-not-landed"),
    ]
    assert {path.name for path in folder.iterdir()} == {"day.json", "index.html", "summary.md", "junit.xml"}
    links = [a["href"] for a in Page((folder / "index.html").read_text()).all("a")]
    assert len(links) == 2
    assert all((folder / link).is_file() for link in links)
    suites = ET.parse(folder / "junit.xml").getroot()  # noqa: S314 - it was made here
    assert [suite.get("name") for suite in suites] == ["a", "b"]
    assert "| ✅ | a | **verified** |" in (folder / "summary.md").read_text()
    assert "[1/2] a" in done.stdout
    assert "1 of 2 experiments verified, resilience score 100% (1 not judged)" in done.stdout


def test_fail_on_chooses_what_fails(world):
    path = world.experiment("a", Verdict.NOT_RUN)
    assert world.run("--fail-on", "system-failed,tool-error", path).returncode == 0


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ("failed", "verdicts are verified, system-failed"),
        ("", "'' names no failure"),
        (" , ", "names no failure"),
        ("verified", "'verified' names no failure"),
    ],
)
def test_verdicts_that_nothing_could_have_are_refused(world, verdicts, said):
    wrong = world.run("--fail-on", verdicts, world.experiment("a", Verdict.SYSTEM_FAILED))
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert said in wrong.stderr
    assert not world.reports.exists()


def test_two_experiments_of_one_name_are_refused_so_that_no_verdict_hides_the_other(world):
    first = world.experiment("a", Verdict.SYSTEM_FAILED)
    (world.folder / "b").mkdir()
    other = shutil.copy(first, world.folder / "b" / "a.json")
    for second in (first, str(other)):
        done = world.run(first, second)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.splitlines() == [
            f"chaos run: {second}: a day can have one experiment named 'a', by which its verdict is known"
        ]


def test_reports_are_rebuilt_from_json(world):
    world.experiment("a", Verdict.SYSTEM_FAILED)
    world.experiment("b", Verdict.VERIFIED)
    world.run(world.plan("a", "b", abort={"not_restored": False}))
    folder, _ = world.day()
    made_of_it = [p for p in world.reports.rglob("*") if p.suffix in {".html", ".md", ".xml"}]
    before = {path: path.read_text() for path in made_of_it}
    for path in made_of_it:
        path.unlink()
    done = subprocess.run([*CHAOS, "report", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_text() for path in made_of_it} == before
    wrong = subprocess.run([*CHAOS, "report", str(world.folder)], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "give a run's or a day's folder" in wrong.stderr


def days(reports, **changes):
    """A day of one verified run, one that failed, one that was not started, one whose result is lost."""
    for minute, name, verdict in ((1, "a", Verdict.VERIFIED), (2, "b", Verdict.SYSTEM_FAILED)):
        folder = reports / f"20261124T10{minute:02d}00Z-{name}"
        folder.mkdir()
        run = made(verdict, experiment=name, **changes)
        write(folder, run)
        write_entry(folder, run)
    runs = [
        DayRun(experiment="a", folder="20261124T100100Z-a", verdict="verified"),
        DayRun(experiment="b", folder="20261124T100200Z-b", verdict="system-failed"),
        DayRun(experiment="c", verdict="not-run", not_started="too little budget"),
        DayRun(experiment="d", folder="20261124T100400Z-d", verdict="verified"),
    ]
    record = DayRecord(
        title="A day",
        started="2026-11-24T10:00:00+00:00",
        environment="lab",
        stale_after_days=14,
        planned=["a", "b", "c", "d", "e"],
        runs=runs,
        ended="2026-11-24T11:00:00+00:00",
    )
    return gather(record, reports)


def test_a_score_counts_what_was_judged_and_names_the_rest(tmp_path):
    day = days(tmp_path)
    assert (day.score.met, day.score.missed) == (7 + 5, 2)
    assert day.score.value == pytest.approx((1 + 5 / 7) / 2)
    assert str(day.score) == "85.7%"
    assert day.score.not_judged == ("c", "d", "e")
    assert [name for name, _, _ in day.not_run] == ["c", "d", "e"]
    assert "its result is lost" in day.not_run[1][2]


def test_a_score_of_nothing_is_no_data():
    for verdict in (Verdict.NO_DATA, Verdict.NOT_RUN, Verdict.TOOL_ERROR, Verdict.FAULT_NOT_LANDED):
        found = score([made(verdict)])
        assert (found.value, str(found), found.not_judged) == (None, "no data", ("payment",))


def test_a_component_that_nobody_tested_is_stale(tmp_path):
    by_name = {c.component: c for c in days(tmp_path).coverage}
    assert (by_name["payment"].stale, by_name["payment"].experiment) == (False, "b")
    assert (by_name["content"].stale, by_name["content"].started) == (True, None)
    assert "load" not in by_name
    (tmp_path / "later").mkdir()
    late = days(tmp_path / "later", started="2026-10-01T10:00:00+00:00")
    assert all(c.stale for c in late.coverage)


def test_components_are_named_when_every_run_died_before_it_knew_them(world):
    """As a cluster that is away makes it: the drawing is the experiment's own file."""
    world.experiment("a", "nothing")
    (world.folder / "drawing").mkdir()
    shutil.copy(ROOT / "manifests" / "architecture.yaml", world.folder / "drawing" / "architecture.yaml")
    path = world.folder / "a.json"
    content = json.loads(path.read_text())
    content["configuration"]["architecture_file"] = "drawing/architecture.yaml"
    path.write_text(json.dumps(content))
    world.run(world.plan("a"))
    folder, _ = world.day()
    assert "Components tested" in Page((folder / "index.html").read_text()).text
    assert "Not tested for 14 days, or never: Storefront" in (folder / "summary.md").read_text()


def test_hostile_text_is_text_in_a_day_too(tmp_path):
    day = days(tmp_path, title=HOSTILE, reasons=[HOSTILE])
    record = day.record.model_copy(update={"title": HOSTILE, "planned": [HOSTILE]})
    text = render_day(gather(record, tmp_path))
    assert Page(text).open == []
    assert "<script" not in text


@pytest.fixture
def webhook():
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.server.authorization = self.headers["Authorization"]
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(self.server.answer)))
            self.send_header("Location", self.path)
            self.end_headers()
            self.wfile.write(self.server.answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.answer, server.got = 200, b"ok", got
    server.url = f"http://127.0.0.1:{server.server_address[1]}/services/T0/B0/secret-of-the-hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_slack_is_told_how_the_day_went(world, webhook):
    world.experiment("a", Verdict.NO_DATA)
    done = world.run(world.plan("a", notify="failure"), SLACK_WEBHOOK_URL=webhook.url)
    assert done.returncode == 4
    (told,) = webhook.got
    assert told["text"].startswith("A made up day (lab): 0 of 1 experiments verified, resilience score no data")
    header, section = told["blocks"]
    assert (header["type"], header["text"]["type"]) == ("header", "plain_text")
    assert (section["text"]["type"], section["text"]["text"]) == ("mrkdwn", "a: no-data")
    assert "secret-of-the-hook" not in done.stdout + done.stderr


@pytest.mark.parametrize("status", [302, 404, 500, None])
def test_a_failure_to_notify_is_a_warning_without_the_address(webhook, monkeypatch, status):
    webhook.status = status or 200
    url = webhook.url if status else "http://127.0.0.1:1/secret-of-the-hook"
    monkeypatch.setenv("SLACK_WEBHOOK_URL", url)
    problem = notify("a headline", [])
    assert problem.startswith("nobody was told: ")
    assert "SLACK_WEBHOOK_URL" in problem
    assert "secret" not in problem
    assert len(webhook.got) == (1 if status else 0)


@pytest.fixture
def bot(webhook, monkeypatch):
    """Slack, for a bot; its methods are on this machine."""
    monkeypatch.setattr("chaosext.gameday.notify.POST_MESSAGE", webhook.url)
    monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
    monkeypatch.setenv("SLACK_TOKEN", "xoxb-secret-of-the-bot")
    monkeypatch.setenv("SLACK_CHANNEL", "#gamedays")
    webhook.answer = b'{"ok": true, "ts": "1.2"}'
    return webhook


def test_a_bot_tells_its_channel(bot):
    assert notify("a headline", ["a: verified"]) is None
    (told,) = bot.got
    assert (told["channel"], told["text"]) == ("#gamedays", "a headline")
    assert told["blocks"][1]["text"]["text"] == "a: verified"
    assert bot.authorization == "Bearer xoxb-secret-of-the-bot"


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (200, b'{"ok": false, "error": "channel_not_found"}', "Slack refused it: channel_not_found"),
        (200, b"<html>", "SLACK_TOKEN was answered with something that is not Slack's"),
        (200, b"[]", "SLACK_TOKEN was answered with something that is not Slack's"),
        (429, b"", "SLACK_TOKEN was answered with status 429"),
    ],
)
def test_a_bot_that_slack_refuses_is_a_warning_without_the_token(bot, status, answer, said):
    bot.status, bot.answer = status, answer
    assert notify("a headline", []) == f"nobody was told: {said}"


@pytest.mark.parametrize("token", ["xoxb-secret\n", "xoxb-secret-\u20ac"])
def test_a_token_that_no_header_can_carry_is_a_warning_without_it(bot, monkeypatch, token):
    monkeypatch.setenv("SLACK_TOKEN", token)
    problem = notify("a headline", [])
    assert problem.startswith("nobody was told: Slack cannot be reached with SLACK_TOKEN")
    assert "secret" not in problem
    assert bot.got == []


@pytest.mark.parametrize("lacking", ["SLACK_TOKEN", "SLACK_CHANNEL"])
def test_nobody_is_told_without_an_address_or_a_token_and_its_channel(bot, monkeypatch, lacking):
    monkeypatch.delenv(lacking)
    said = "nobody was told: set SLACK_WEBHOOK_URL, or SLACK_TOKEN and SLACK_CHANNEL"
    assert notify("a headline", []) == said
    assert bot.got == []


def test_a_webhook_goes_before_a_bot(bot, monkeypatch):
    monkeypatch.setenv("SLACK_WEBHOOK_URL", bot.url)
    bot.answer = b"ok"
    assert notify("a headline", []) is None
    assert (bot.authorization, "channel" in bot.got[0]) == (None, False)


def test_a_message_escapes_and_stays_within_slack_s_limits(monkeypatch):
    monkeypatch.setenv("CHAOS_REPORT_URL", "https://ci.example/1")
    found = message("h" * 200, [f"<!channel> & {HOSTILE}"] * 100)
    assert len(found["blocks"][0]["text"]["text"]) == 150
    text = found["blocks"][1]["text"]["text"]
    assert len(text) < 3000
    assert "<!channel>" not in text
    assert text.endswith("\n<https://ci.example/1|Reports>")


@pytest.mark.parametrize("lines", [["&" * 9000], ["&" * 9000] * 9, ["x" * 2899, "y"], []])
def test_however_long_its_lines_are_a_message_is_cut_between_them(lines):
    text = message("headline", lines)["blocks"][1]["text"]["text"]
    assert 0 < len(text) < 3000
    assert not text.replace("&amp;", "").strip("xy…\n-")


class Terminal:
    """A terminal that keeps what is written."""

    def __init__(self):
        self.written = ""

    def write(self, text):
        self.written += text

    def flush(self):
        pass


def test_the_live_display_shows_every_experiment_and_ends_with_the_verdicts(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "30")
    out = Terminal()
    live = Live(["payment", "other", "third"], out)
    live.waiting("payment")
    live.started("payment")("\x1b[32m[2026-11-24 03:20:16 INFO] Action: apply\x1b[0m")
    deadline = time.monotonic() + 30
    while "0:00  Action: apply\x1b" not in re.sub(r"\d:\d\d  A", "0:00  A", out.written):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    live.ended(Ran(made(Verdict.SYSTEM_FAILED), tmp_path, interrupted=False))
    live.not_started("experiments/other.json", "no such experiment")
    live.said("a note")
    live.close()
    last = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", out.written.rpartition("\x1b[J")[0].rpartition("\x1b[J")[2])
    first, pay, other, third, note = last.splitlines()
    assert first.startswith("2 of 3 experiments")
    assert pay.startswith("  ✕ payment  system-failed in 62.5 s, detected after 6.0 s: this is why")
    assert other.strip() == "! other    no such experiment"
    assert third.strip() == "· third"
    assert note.strip() == "a note"
    assert all(len(line) <= 99 for line in last.splitlines())


def test_the_catalogue_says_what_breaks_what_is_expected_and_the_last_result(tmp_path):
    folder = tmp_path / "20261124T100000Z-payment"
    folder.mkdir()
    write_entry(folder, made())
    done = subprocess.run(
        [*CHAOS, "list", "--reports", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    entries = dict(re.findall(r"^(\S+)  \((.*)\)$", done.stdout, re.M))
    assert set(entries) == {path.stem for path in (ROOT / "experiments").glob("*.json")}
    assert entries["payment"].startswith("last: verified, ")
    assert entries["cart-data"] == "never run"
    assert "fault: apply_manifest(path=../manifests/variants/payment-failures.yaml)" in done.stdout
    assert "payment-success deviates to 60% to 88%" in " ".join(done.stdout.split())


def test_every_command_has_help():
    assert {"run", "list", "report", "lint", "schema", "heal"} <= set(gameday.commands)
    assert all(command.help for command in gameday.commands.values())


def test_a_result_that_a_watchdog_left_gets_its_report(world):
    """It writes verification.json only; the day makes the rest."""
    done = world.run(world.experiment("a", Verdict.NOT_RUN))
    assert done.returncode == 5
    (folder,) = world.reports.iterdir()
    assert {path.name for path in folder.iterdir()} == {
        *(FILE_NAME, "report.html", "report.md", "junit.xml", "history.json"),
    }
