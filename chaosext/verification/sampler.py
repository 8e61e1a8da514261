"""Samples every SLI on a thread of its own through the phases of a run."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ..environment import Windows
from ..errors import ChaosextError
from ..grafana.client import Grafana
from ..result import Phase, Sample, Tolerance
from ..slo.model import Slo
from ..slo.sli import SETTLE_SECONDS, Measurement, measure
from .alerts import AlertWatch
from .burn import Burn

__all__ = ["Sampler", "with_enough_events"]

logger = logging.getLogger("chaostoolkit")
_STOP_SECONDS = 10.0


class Sampler:
    """Takes one sample an interval: all SLIs in one request to Grafana, and the alerts in another.

    `grafana` must be this thread's own client. Sample times are seconds since `zero`, a time.monotonic() value;
    a sample is of SETTLE_SECONDS before it is taken. A request that fails is a sample without data, with the
    reason. The states of the alerts go to `alerts`, from the rules of the source `ruler` (None: no alert is
    expected). Each sample is also a line of `file`. While the fault lasts, `burn` is asked whether too much is
    spent, and `abort` is called once with what it says. `died` holds an error that ended the thread.
    """

    def __init__(
        self,
        grafana: Grafana,
        slos: Mapping[str, Slo],
        tolerances: Mapping[str, Tolerance],
        windows: Windows,
        zero: float,
        alerts: AlertWatch,
        burn: Burn,
        abort: Callable[[str], None],
    ) -> None:
        self._grafana = grafana
        self._alerts = alerts
        self._burn = burn
        self._abort: Callable[[str], None] | None = abort
        self.ruler: str | None = None
        self.file: Path | None = None
        self._slos = slos
        self._tolerances = tolerances
        self._windows = windows
        self._zero = zero
        self._samples: list[Sample] = []
        self._stopping = threading.Event()
        # A daemon: a run that crashes must not be kept alive by its observer.
        self._thread = threading.Thread(target=self._run, name="sli-sampler", daemon=True)
        self.phase = Phase.BASELINE
        self.died: str | None = None

    def start(self) -> None:
        """Begin sampling."""
        self._thread.start()

    def stop(self) -> None:
        """End sampling; a sample under way is waited for, bounded by Grafana's time-out."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    @property
    def samples(self) -> list[Sample]:
        """The samples so far."""
        return list(self._samples)

    def _run(self) -> None:
        due = time.monotonic()
        try:
            while not self._stopping.is_set():
                self._keep(self._sample())
                self._ask_alerts()
                self._ask_burn()
                due = max(due + self._windows.sample_interval_seconds, time.monotonic())
                self._stopping.wait(due - time.monotonic())
        except Exception as error:
            self.died = f"{type(error).__name__}: {error}"

    def _sample(self) -> Sample:
        phase, at = self.phase, time.monotonic() - self._zero - SETTLE_SECONDS
        try:
            measured = measure(self._grafana, self._slos.values(), self._windows.short_window_seconds)
        except ChaosextError as error:
            return Sample(
                at=max(at, 0.0),
                phase=phase,
                values=dict.fromkeys(self._slos),
                missing=dict.fromkeys(self._slos, str(error)),
                failed=list(self._slos),
            )
        checked = with_enough_events(measured, self._tolerances)
        return Sample(
            at=max(at, 0.0),
            phase=phase,
            values={name: found.value for name, found in checked.items()},
            events={name: round(found.total, 2) for name, found in checked.items() if found.total is not None},
            missing={name: found.no_data for name, found in checked.items() if found.no_data},
            failed=[name for name, found in checked.items() if found.failed],
        )

    def _ask_burn(self) -> None:
        if self.phase is not Phase.FAULT or self._abort is None:
            return
        began = next((s.at for s in self._samples if s.phase is Phase.FAULT), None)
        with contextlib.suppress(ChaosextError):  # what cannot be asked now is asked again soon
            since = 0.0 if began is None else time.monotonic() - self._zero - began
            if (said := self._burn.excess(self._grafana, since)) is not None:
                abort, self._abort = self._abort, None
                abort(said)

    def _keep(self, sample: Sample) -> None:
        """Keep a sample in memory, and in the file in case that the run is killed."""
        self._samples.append(sample)
        if self.file is None:
            return
        try:
            with self.file.open("a", encoding="utf-8") as file:
                file.write(sample.model_dump_json() + "\n")
        except OSError as error:
            logger.warning("%s: samples are no longer kept there: %s", self.file.name, error.strerror or error)
            self.file = None

    def _ask_alerts(self) -> None:
        if self.ruler is None:
            return
        try:
            rules = self._grafana.alert_rules(self.ruler)
        except ChaosextError as error:
            self._alerts.failed(str(error))
        else:
            self._alerts.observe(time.monotonic() - self._zero, rules)


def with_enough_events(
    measured: Mapping[str, Measurement], tolerances: Mapping[str, Tolerance]
) -> dict[str, Measurement]:
    """Take the value from what rests on fewer events than its tolerance asks for; one event without any."""
    return {
        name: found.over(tolerances[name].min_events if name in tolerances else 1)
        for name, found in measured.items()
    }
