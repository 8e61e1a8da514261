"""The watchdog: a process that outlives the runner, and restores the system when the runner dies.

It is started before the fault and holds the reading end of a pipe. The kernel closes the writing end however
the runner ends, so that no signal, crash or closed terminal goes unseen, where a pid could be another process
by then. It leads a session of its own, which a hang-up or a killed process group does not reach.

What it reads: one line of JSON, its Orders; then `done` from a runner that has restored the system itself, or
`heal` and why from one that could not. What cannot be restored now, for want of an API that answers, it tries
again for HEALING_SECONDS. Last, `chaos gameday report` makes the run's reports of what is known.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, Field

from ..errors import ChaosextError, KubernetesError
from ..grafana.client import Grafana
from ..polling import poll
from ..result import Verification
from ..run import current
from .aftermath import HEALED_FILE, write_healed
from .cluster import Cluster
from .healing import Healing, heal, leases
from .lease import RENEW_SECONDS, Lease
from .manifests import load_manifest

__all__ = ["HEALING_SECONDS", "LOG_FILE", "Orders", "Watchdog", "at_work", "main"]

HEALING_SECONDS = 600.0
LOG_FILE = "watchdog.log"
_READY, _DONE, _HEAL = "ready", "done", "heal "
_START_SECONDS = 30.0
_END_SECONDS = 10.0
_AGAIN_SECONDS = 2.0
_REPORT_SECONDS = 60.0


class Orders(BaseModel):
    """What a watchdog must know; the token comes this way, and never as an argument.

    `deadline_seconds` counts from the watchdog's start, `manifest` and `reports` are absolute paths,
    `unfinished` is the result of a run of which nothing is known but that it began.
    """

    model_config = ConfigDict(extra="forbid")

    manifest: str
    reports: str | None
    deadline_seconds: float
    unfinished: Verification
    grafana_url: str
    grafana_token: str = Field(repr=False)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.unfinished.run_id

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return self.unfinished.experiment


class Watchdog:
    """The runner's side: starts the process, and tells it when there is nothing left to do."""

    def __init__(self, orders: Orders) -> None:
        """Start it and wait until it could heal. Raises KubernetesError when it cannot."""
        self._log = Path(orders.reports) / LOG_FILE if orders.reports else Path(os.devnull)
        with self._log.open("wb") as log:
            # The process inherits the lock with its log, and holds it as long as it lives: see at_work. Not
            # every file system has locks.
            with contextlib.suppress(OSError):
                if orders.reports:
                    fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._tell(orders.model_dump_json())
        if _line(self._process.stdout, _START_SECONDS) != _READY:
            self._process.kill()
            self._process.wait()
            raise KubernetesError(f"the watchdog did not start: {self._last_words()}")

    def dismiss(self) -> None:
        """Say that the run has ended and restored what it had to; wait until the watchdog has gone."""
        self._tell(_DONE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)

    @property
    def gone(self) -> bool:
        """Whether the process has ended, which it must not before it is told to."""
        return self._process.poll() is not None

    def take_over(self, reason: str, seconds: float) -> bool:
        """Have it restore the system in the runner's place; return whether it has within `seconds`."""
        self._tell(f"{_HEAL}{reason}")
        try:
            return self._process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return False

    def _tell(self, line: str) -> None:
        # A watchdog that is gone is met when its answer is read.
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def _last_words(self) -> str:
        text = self._log.read_text(encoding="utf-8", errors="replace").strip()
        return (text.splitlines() or ["no reason given"])[-1]


def at_work(reports: Path) -> bool:
    """Tell whether the watchdog of the run with this folder is still there; False when it never had one."""
    try:
        with (reports / LOG_FILE).open("rb") as log:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def main() -> int:
    """Wait for the runner's end or the deadline, then heal; return 0 unless the healing failed."""
    orders_line = _line(sys.stdin.buffer, _START_SECONDS)
    if not orders_line:
        return 0  # the runner died before it changed anything
    orders = Orders.model_validate_json(orders_line)
    documents, cluster = load_manifest(Path(orders.manifest)), Cluster()
    print(_READY, flush=True)
    said = _line(sys.stdin.buffer, orders.deadline_seconds)
    if said == _DONE:
        return 0
    if said is None:
        reason = f"the runner overran its deadline of {orders.deadline_seconds:g} s"
    else:
        reason = said.removeprefix(_HEAL) or "the runner died"
    code = _heal(orders, cluster, documents, reason)
    # A runner that asked to be relieved, and is still there, writes its reports itself.
    if orders.reports and (said is None or _runner_is_gone()):
        _write_reports(Path(orders.reports))
    return code


def _heal(orders: Orders, cluster: Cluster, documents: list[dict[str, Any]], reason: str) -> int:
    """Restore, again and again until it is done or HEALING_SECONDS are over, and report it."""
    holder = f"{orders.run_id}-watchdog"
    mine = leases(cluster, documents, holder, orders.experiment)
    done: Healing | None = None
    found: dict[str, None] = {}
    last = ""

    def missing() -> str | None:
        nonlocal done, last
        said = None
        try:
            done = _attempt(cluster, documents, mine, (orders.run_id, holder), reason)
            if done is not None:
                found.update(dict.fromkeys(done.differences))
                said = "; ".join(done.remaining) or None
        except ChaosextError as error:
            said = str(error)
        if said is not None and said != last:
            _say(f"{reason}; not restored yet: {said}")
            last = said
        return said

    missed = poll(missing, HEALING_SECONDS, _AGAIN_SECONDS)
    if done is None and missed is None:
        _say(f"{reason}, and nothing was done: the run no longer held its Lease")
        return 0
    left = [] if missed is None else [missed]
    seconds = 0.0 if done is None else done.seconds
    done = Healing(reason=reason, differences=list(found), remaining=left, seconds=seconds)
    _report(orders, done)
    return 0 if done.healed else 1


def _attempt(
    cluster: Cluster,
    documents: list[dict[str, Any]],
    mine: list[Lease],
    holders: tuple[str, str],
    reason: str,
) -> Healing | None:
    """Take the Leases of the run, or of an attempt before, heal, and give them up.

    They are kept while something is left to do: whoever finds them stale heals first. Returns None when another
    one has them: it has healed, or is at it. Raises ChaosextError.
    """
    taken = [lease for lease in mine if any(lease.take_from(holder) for holder in holders)]
    if not taken:
        return None
    done = heal(cluster, documents, _renewing(taken), reason)
    for lease in taken if done.healed else []:
        lease.release()
    return done


def _renewing(taken: list[Lease]) -> Callable[[], None]:
    """Return a check that also renews the Leases now and then, as long as it is asked."""
    renewed = time.monotonic()

    def check() -> None:
        nonlocal renewed
        due = time.monotonic() - renewed > RENEW_SECONDS
        for lease in taken:
            lease.renew() if due else lease.check()
        renewed = time.monotonic() if due else renewed

    return check


def _report(orders: Orders, done: Healing) -> None:
    """Write what was done beside the run's report, and into Grafana."""
    left = "; ".join(done.remaining)
    outcome = f"restored in {done.seconds:g} s" if done.healed else f"NOT restored: {left}"
    _say(f"{outcome}; {len(done.differences)} differences were found")
    tags = ["chaos", "healed", orders.experiment, orders.run_id]
    if orders.reports:
        try:
            found = write_healed(Path(orders.reports), orders.unfinished, done)
            if found is not None and _runner_is_gone():
                tags += ["verdict", str(found.verdict)]
        except (OSError, ChaosextError) as error:
            _say(f"what was done could not be written: {error}")
    text = f"Watchdog of {orders.experiment} (run {orders.run_id}): {done.reason}; {outcome}"
    try:
        grafana = Grafana(orders.grafana_url, orders.grafana_token)
        grafana.annotate(text, tags, time.time())
    except ChaosextError as error:
        _say(f"no annotation in Grafana: {error}")


def _write_reports(folder: Path) -> None:
    """Have the run's reports made of what is known, by a process: who heals must not know how reports look."""
    if not (folder / HEALED_FILE).exists():
        return
    words = ["-m", "chaostoolkit", "--no-version-check", "--no-log-file", "gameday", "report", str(folder)]
    try:
        subprocess.run(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=_REPORT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        _say(f"no report was written: {error}")


def _runner_is_gone() -> bool:
    """Tell whether the runner's end of the pipe is closed: it gives no verdict any more."""
    return _line(sys.stdin.buffer, 0) == ""


def _line(pipe: IO[bytes] | None, seconds: float) -> str | None:
    """Return the next line of a pipe without its end, "" at its end, None when `seconds` have passed."""
    assert pipe is not None  # noqa: S101 - a pipe was asked for
    readable, _, _ = select.select([pipe], [], [], seconds)
    return pipe.readline().decode(errors="replace").strip() if readable else None


def _say(text: str) -> None:
    # The disk of the log may be full: that must not keep anything from being healed.
    with contextlib.suppress(OSError):
        print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    current().experiment = "watchdog"
    try:
        sys.exit(main())
    except ChaosextError as error:
        _say(str(error))
        sys.exit(1)
