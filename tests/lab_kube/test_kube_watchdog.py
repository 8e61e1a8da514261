"""The watchdog, as processes: a runner that dies in any way, and what is left of its fault afterwards."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from chaosext import run
from chaosext.kubernetes.actions import apply_manifest
from chaosext.kubernetes.cluster import Cluster
from chaosext.kubernetes.lease import LEASE_NAME, Lease
from chaosext.kubernetes.probes import manifest_is_live
from chaosext.kubernetes.watchdog import at_work
from chaosext.result import Phase, Rollback, Sample, Verdict, Verification, read, write

RUNNER = textwrap.dedent(
    """
    import signal
    import sys
    from pathlib import Path
    from chaosext import run
    from chaosext.kubernetes.actions import apply_manifest
    from chaosext.kubernetes.cluster import Cluster
    from chaosext.kubernetes.lease import Lease
    from chaosext.kubernetes.watchdog import Orders, Watchdog
    from chaosext.result import Rollback, Verdict, Verification

    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also when the tests themselves run under nohup
    namespace, grafana, deadline = sys.argv[1:]
    mine = run.current()
    mine.run_id, mine.experiment = "run-1", "payment"
    Lease(Cluster(), namespace, "run-1", "payment").acquire()
    unfinished = Verification(
        experiment="payment", title="A run that dies", run_id="run-1", environment="lab",
        compressed_windows=True, short_window_seconds=10, duration_seconds=0,
        started=mine.started.isoformat(timespec="seconds"),
        verdict=Verdict.NOT_RUN, reasons=[], slis=[], rollback=Rollback(proved=False),
    )
    watchdog = Watchdog(
        Orders(
            manifest=str(Path("app.yaml").resolve()), reports=str(Path("reports").resolve()),
            deadline_seconds=float(deadline), unfinished=unfinished, grafana_url=grafana,
            grafana_token="glsa_a-token-that-nobody-may-see",
        )
    )
    apply_manifest("fault.yaml")
    print("the fault is in", flush=True)
    for line in sys.stdin:
        if line.strip() == "dismiss":
            watchdog.dismiss()
            print("dismissed", flush=True)
    """
)


class Runner:
    """A run's process in the shop's folder, after its fault."""

    def __init__(self, folder: Path, namespace: str, deadline: float) -> None:
        (folder / "reports").mkdir(exist_ok=True)
        self.reports = folder / "reports"
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, namespace, "http://127.0.0.1:1", str(deadline)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout.readline() == "the fault is in\n"

    def log(self) -> str:
        return (self.reports / "watchdog.log").read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def runner(shop, namespace):
    started: list[Runner] = []

    def start(deadline: float = 300) -> Runner:
        started.append(Runner(shop, namespace, deadline))
        return started[-1]

    yield start
    for one in started:
        one.end()


def wait(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP], ids=["killed", "terminal closed"])
def test_a_runner_that_dies_is_healed_by_its_watchdog(cluster, namespace, shop, runner, number):
    one = runner()
    assert manifest_is_live("app.yaml") is False
    samples = [Sample(at=at, phase=phase, values={"x": 1.0}) for at, phase in ((1, "baseline"), (4, "fault"))]
    lines = [sample.model_dump_json() for sample in samples]
    (one.reports / "samples.jsonl").write_text("\n".join([*lines, lines[0][:20]]))
    # The whole group, as a closed terminal or an impatient CI job does it.
    os.killpg(one.process.pid, number)
    assert at_work(one.reports)
    wait((one.reports / "verification.json").exists, "the watchdog's result")
    assert manifest_is_live("app.yaml") is True
    wait(lambda: not holder(cluster, namespace), "the Lease is given up")
    wait(lambda: not at_work(one.reports), "the watchdog's end")
    healed = json.loads((one.reports / "healed.json").read_text())
    assert (healed["reason"], healed["run_id"], healed["remaining"]) == ("the runner died", "run-1", [])
    assert any("VERSION" in difference for difference in healed["differences"])
    found = read(one.reports)
    assert found.verdict is Verdict.NOT_RUN
    assert found.reasons == ["the runner died, and the watchdog healed in its place: the system is restored"]
    assert found.rollback.proved
    assert found.rollback.found == healed["differences"]
    journal = json.loads((one.reports / "journal.json").read_text())
    assert (journal["status"], journal["verification"]["verdict"]) == ("aborted", "not-run")
    assert journal["reason"].startswith("the runner died: Chaos Toolkit died without a journal")
    assert {"report.html", "report.md", "junit.xml"} <= {path.name for path in one.reports.iterdir()}
    assert "gone now" in (one.reports / "report.md").read_text()
    assert found.samples == samples
    assert found.phases == {Phase.BASELINE: 1, Phase.FAULT: 4}
    assert not (one.reports / "samples.jsonl").exists()
    assert "no annotation in Grafana: http://127.0.0.1:1/api/annotations cannot be reached" in one.log()
    assert not any("glsa_" in path.read_text() for path in one.reports.iterdir())


def holder(cluster, namespace):
    return cluster.get("lease", LEASE_NAME, "-n", namespace)["spec"].get("holderIdentity")


def test_a_runner_that_hangs_is_healed_at_its_deadline_and_may_not_write_any_more(
    cluster, namespace, shop, runner
):
    one = runner(deadline=1)
    one.process.send_signal(signal.SIGSTOP)
    wait((one.reports / "healed.json").exists, "the watchdog's report")
    healed = json.loads((one.reports / "healed.json").read_text())
    assert healed["reason"] == "the runner overran its deadline of 1 s"
    assert manifest_is_live("app.yaml") is True
    one.process.send_signal(signal.SIGCONT)
    wait(lambda: not holder(cluster, namespace), "the Lease is given up")


def test_what_was_written_in_the_run_s_place_gives_way_and_its_own_result_stays(
    cluster, namespace, shop, runner
):
    one = runner()
    guess = Verification(
        experiment="payment",
        title="A guess",
        run_id="unknown",
        environment="lab",
        compressed_windows=True,
        short_window_seconds=10,
        duration_seconds=0,
        started="2026-11-24T10:00:00Z",
        verdict=Verdict.TOOL_ERROR,
        reasons=[],
        slis=[],
        rollback=Rollback(proved=False),
    )
    write(one.reports, guess)
    (one.reports / "journal.json").write_text('{"half of')
    one.process.kill()
    wait(lambda: not at_work(one.reports), "the watchdog's end")
    assert read(one.reports).run_id == "run-1"
    assert json.loads((one.reports / "journal.json").read_text())["status"] == "aborted"


def test_a_dismissed_watchdog_touches_nothing(cluster, namespace, runner):
    one = runner()
    one.process.stdin.write("dismiss\n")
    one.process.stdin.flush()
    assert one.process.stdout.readline() == "dismissed\n"
    one.process.kill()
    one.process.wait()
    assert manifest_is_live("app.yaml") is False
    assert holder(cluster, namespace) == "run-1"
    assert [path.name for path in one.reports.iterdir()] == ["watchdog.log"]
    assert not at_work(one.reports)


def test_a_watchdog_without_its_run_s_lease_touches_nothing(cluster, namespace, shop, runner):
    one = runner()
    # The next run came first: it has healed already, and has put its own fault in.
    Lease(Cluster(), namespace, "run-2", "payment").seize()
    run.current().run_id = "run-2"
    apply_manifest("fault.yaml")
    one.process.kill()
    wait(lambda: "nothing was done: the run no longer held its Lease" in one.log(), "the watchdog's word")
    assert manifest_is_live("app.yaml") is False
    assert holder(cluster, namespace) == "run-2"
    assert not (one.reports / "healed.json").exists()


def test_no_token_is_in_any_argument_list(runner):
    runner()
    words = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words += path.read_bytes()
        except OSError:
            continue
    assert b"chaosext.kubernetes.watchdog" in words
    assert b"glsa_a-token" not in words.replace(RUNNER.encode(), b"")
