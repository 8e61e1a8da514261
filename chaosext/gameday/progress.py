"""How a day goes, on a terminal as a list that is redrawn, elsewhere as plain lines."""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from ..report.svg.markup import clean
from ..report.words import seconds
from ..result import Verdict
from .runner import Ran

__all__ = ["Live", "Plain", "progress_for"]

_SIGNS = {
    Verdict.VERIFIED: ("✓", "32"),
    Verdict.SYSTEM_FAILED: ("✕", "31"),
    Verdict.TOOL_ERROR: ("✕", "31"),
    Verdict.FAULT_NOT_LANDED: ("!", "33"),
    Verdict.NO_DATA: ("!", "33"),
    Verdict.NOT_RUN: ("!", "33"),
}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_REDRAW_SECONDS = 0.2
# [2026-11-24 03:20:16 INFO] and the like, and colours: what Chaos Toolkit's logger puts around a message.
_DECORATION = re.compile(r"^(?:\x1b\[[0-9;]*m)*\[[^\]]*\]\s*|\x1b\[[0-9;]*m")


def progress_for(experiments: Sequence[str], style: str) -> Plain | Live:
    """Return the display: `plain`, `live`, or `auto`, which is live for more than one on a terminal."""
    live = style == "live" or (style == "auto" and sys.stdout.isatty() and len(experiments) > 1)
    return Live(experiments, sys.stdout) if live else Plain(len(experiments))


def _result(ran: Ran) -> str:
    v = ran.verification
    times = [
        f"{word} {seconds(value)}"
        for word, value in (
            ("detected after", v.time_to_detect_seconds),
            ("recovered after", v.time_to_recover_seconds),
        )
        if value is not None
    ]
    return ", ".join([f"{v.verdict} in {seconds(v.duration_seconds)}", *times])


class Plain:
    """Lines, one for each thing that happens; the experiments' own output stays where it is."""

    def __init__(self, total: int) -> None:
        self._total, self._count = total, 0

    def waiting(self, experiment: str) -> None:
        """Say that the day waits."""
        self._say(f"waiting for steady SLIs before {experiment}")

    def started(self, experiment: str) -> None:
        """Say which experiment starts; its output is printed as it is."""
        self._count += 1
        if self._total > 1:
            self._say(f"[{self._count}/{self._total}] {experiment}")

    def ended(self, ran: Ran) -> None:
        """Say the verdict, and where the report is."""
        self._say(f"{ran.verification.experiment}: {_result(ran)}; {ran.folder}/report.html")
        for reason in ran.verification.reasons:
            self._say(f"  {reason}")

    def not_started(self, experiment: str, reason: str) -> None:
        """Say why an experiment was left out."""
        self._count += 1
        print(f"{clean(experiment)}: {clean(reason)}", file=sys.stderr, flush=True)

    def said(self, text: str) -> None:
        """Say it."""
        self._say(text)

    def close(self) -> None:
        """Nothing is held."""

    def _say(self, text: str) -> None:
        print(clean(text), flush=True)


class Live:
    """A list of all experiments, redrawn in place: what ended and how, what runs, what is left."""

    def __init__(self, experiments: Sequence[str], out: TextIO) -> None:
        self._out = out
        self._names = list(experiments)
        self._results: dict[str, tuple[Verdict, str]] = {}
        self._running: tuple[str, float, str] | None = None
        self._notes: list[str] = []
        self._drawn = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._redraw, name="progress", daemon=True)
        self._thread.start()

    def waiting(self, experiment: str) -> None:
        """Show that the day waits."""
        self._set(experiment, "waiting for steady SLIs")

    def started(self, experiment: str) -> Callable[[str], None]:
        """Show the experiment as running, and its latest message beside it."""
        self._set(experiment, "starting")

        def latest(line: str) -> None:
            message = clean(_DECORATION.sub("", line)).strip()
            with self._lock:
                if message and self._running is not None:
                    self._running = (*self._running[:2], message)

        return latest

    def ended(self, ran: Ran) -> None:
        """Show the verdict."""
        v = ran.verification
        reasons = f": {v.reasons[0]}" if v.reasons else ""
        self._end(v.experiment, v.verdict, _result(ran) + reasons)

    def not_started(self, experiment: str, reason: str) -> None:
        """Show why an experiment was left out."""
        name = experiment.rpartition("/")[2].removesuffix(".json")
        self._end(name, Verdict.NOT_RUN, reason)

    def said(self, text: str) -> None:
        """Show it below the list."""
        with self._lock:
            self._notes = [*self._notes[-2:], clean(text)]

    def close(self) -> None:
        """Draw the last state, and leave it there."""
        self._ended.set()
        self._thread.join()
        with self._lock:
            self._running = None
            self._draw()

    def _set(self, experiment: str, doing: str) -> None:
        with self._lock:
            began = self._running[1] if self._running and self._running[0] == experiment else time.monotonic()
            self._running = (experiment, began, doing)

    def _end(self, experiment: str, verdict: Verdict, text: str) -> None:
        with self._lock:
            self._results[experiment], self._running = (verdict, clean(text)), None

    def _redraw(self) -> None:
        while not self._ended.wait(_REDRAW_SECONDS):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        """Write the list over the one before; called with the lock held."""
        columns, rows = shutil.get_terminal_size()
        # What does not fit into the window cannot be written over: the oldest results scroll out.
        lines = self._lines(columns - 1)[-(rows - 1) :]
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        self._out.write(up + "".join(f"\x1b[2K{line}\n" for line in lines) + "\x1b[J")
        self._out.flush()
        self._drawn = len(lines)

    def _lines(self, width: int) -> list[str]:
        total = len(self._names)
        spent = int(time.monotonic() - self._began)
        lines = [f"{len(self._results)} of {total} experiments, {spent // 60}:{spent % 60:02d}"[:width]]
        longest = max(len(name) for name in self._names)
        for name in self._names:
            sign, colour, text = self._state(name)
            line = f"  {sign} {name.ljust(longest)}  {text}"[:width]
            lines.append(f"\x1b[{colour}m{line}\x1b[0m" if colour else line)
        return [*lines, *(f"  {note}"[:width] for note in self._notes)]

    def _state(self, name: str) -> tuple[str, str, str]:
        """Return an experiment's sign, colour and text."""
        if name in self._results:
            verdict, text = self._results[name]
            return (*_SIGNS[verdict], text)
        if self._running is not None and self._running[0] == name:
            spent = int(time.monotonic() - self._running[1])
            frame = _SPINNER[int(time.monotonic() / _REDRAW_SECONDS) % len(_SPINNER)]
            return frame, "36", f"{spent // 60}:{spent % 60:02d}  {self._running[2]}"
        return "·", "2", ""
