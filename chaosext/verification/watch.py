"""Watches one run from its baseline to its recovery, and keeps the record that the verdict is judged from."""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
import time
from typing import Any

from ..errors import ChaosextError, GrafanaError
from ..evidence import Evidence
from ..grafana.client import Grafana
from ..kubernetes.aftermath import SAMPLES_FILE
from ..kubernetes.cluster import Cluster
from ..kubernetes.manifests import namespaces
from ..kubernetes.proof import prove, to_undo
from ..kubernetes.safety import check_opt_in, check_restorable
from ..kubernetes.watchdog import Orders
from ..polling import poll
from ..result import About, BudgetResult, Phase, Rollback, Sample
from ..run import Run
from ..slo.sli import Measurement, measure
from .alerts import AlertWatch, ruler_of
from .annotation import FaultAnnotation
from .assemble import assemble
from .budgets import count_budgets
from .burn import Burn, check_floor
from .evidence import WAIT_SECONDS, Moments, collect
from .guard import Guard
from .record import Record
from .sampler import Sampler, with_enough_events
from .settings import Settings
from .tolerances import unsteady

__all__ = ["Watch"]

logger = logging.getLogger("chaostoolkit")
_HTTP_ERROR = 400
STEADY_SAMPLES = 2
"""Consecutive samples in tolerance that count as steady: one could be luck."""


class Watch:
    """The watch of one run.

    Methods are called by the control, in the order of the run, on Chaos Toolkit's main thread.
    """

    def __init__(self, run: Run, settings: Settings) -> None:
        self._run = run
        self._settings = settings
        self._zero = time.monotonic()
        self._zero_epoch = time.time()
        self.reached: Grafana | None = None
        """The Grafana, once it has answered."""
        # Threads that ask the hypothesis: it may be asked beside the method.
        self._asking: set[int] = set()
        self.cluster = Cluster()
        self._guard = Guard(run, settings.manifest, self._unguarded)
        self._annotation = FaultAnnotation(settings.grafana, run)
        self._alerts = AlertWatch(settings.expectations.alerts)
        self._limits = {
            limit.slo: settings.windows.seconds(limit.spend_at_most_per_window_second)
            for limit in settings.expectations.budget
        }
        self._sampler = Sampler(
            settings.sampling_grafana,
            settings.slos,
            settings.tolerances,
            settings.windows,
            self._zero,
            self._alerts,
            Burn(settings.slos, self._limits, settings.windows.scrape_interval_seconds),
            self._abort,
        )
        self.record = Record(
            window_seconds=settings.windows.short_window_seconds,
            expectations=settings.expectations,
            slos=settings.slos,
            tolerances=settings.tolerances,
            alerts=self._alerts,
        )

    def preflight(self) -> None:
        """Ask whether the run may begin: opt-in, known kinds, a Grafana that answers. Raises ChaosextError."""
        touched = [*self._settings.manifest, *self._settings.applied]
        check_opt_in(self.cluster, [*namespaces(touched), *self._settings.foreign_namespaces])
        for document in touched:
            self.cluster.check_kind(document)
        check_restorable(self.cluster, self._settings.applied, self._settings.manifest)
        self._settings.grafana.prometheus()
        self.reached = self._settings.grafana
        slos = [self._settings.slos[name] for name in self._limits]
        table = self._settings.windows
        check_floor(self._settings.grafana, slos, table.budget_floor, table.scrape_interval_seconds)
        try:
            self._sampler.ruler = ruler_of(self._settings.grafana, self._settings.expectations.alerts)
        except GrafanaError as error:
            # A data source that is down is no data, which the baseline tells from a suite that is broken.
            self._alerts.failed(str(error))
            self._sampler.ruler = self._settings.grafana.prometheus().uid

    def guard(self, title: str, about: About) -> None:
        """Take the Lease, heal what a dead run left, and set the watchdog. Raises ChaosextError."""
        unfinished = assemble(self._run, title, self._settings.windows, self.record, 0.0, False)
        orders = Orders(
            manifest=str(self._settings.manifest_path),
            reports=None if self._run.reports is None else str(self._run.reports),
            deadline_seconds=self._settings.deadline_seconds,
            # A report is made of it too, should the run die.
            unfinished=unfinished.model_copy(update={"about": about}),
            grafana_url=self._settings.grafana.url,
            grafana_token=self._settings.grafana.token,
        )
        try:
            self._guard.begin(self.cluster, orders)
        finally:
            self.record.healed_before = self._guard.healed_before
        self._sampler.file = self._run.reports and self._run.reports / SAMPLES_FILE

    def baseline(self) -> None:
        """Start sampling and wait until the steady-state hypothesis holds, or the time for it is over."""
        self.record.phases[Phase.BASELINE] = self._now()
        self._sampler.start()
        limit = self._settings.windows.seconds(self._settings.expectations.baseline_within_windows)
        logger.info("Waiting for a steady baseline, at most %g s", limit)
        missing = self._wait_until_steady(0.0, limit, hold=0.0, calm=True)
        self.record.steady = missing is None
        self.record.unsteady = missing
        if missing is None:
            logger.info("The baseline is steady after %.1f s", self._now())

    def fault_begins(self) -> None:
        """Mark the method's start, in the record and in Grafana."""
        self._enter(Phase.FAULT)
        self._alerts.fault_begins(self.record.phases[Phase.FAULT])
        self._annotation.begin()

    def hypothesis_begins(self) -> None:
        """Tell the hypothesis's probes from the method's, which may have a tolerance as well."""
        self._asking.add(threading.get_ident())

    def hypothesis_ended(self) -> None:
        """Take note that what follows in this thread is the method, or the rollbacks."""
        self._asking.discard(threading.get_ident())

    def activity_ended(self, activity: dict[str, Any], result: dict[str, Any] | None) -> None:
        """Take note of a method's or a rollback's activity: when the fault landed, and what failed."""
        if threading.get_ident() in self._asking:
            self._hypothesis_probe_ended(activity, result)
            return
        name = activity.get("name", "an activity")
        if activity.get("type") == "probe" and name == self._settings.expectations.landed_when:
            self._landing_probed(name, result)
            return
        if result is not None and result.get("status") == "failed":
            self._failed(f"{activity.get('type')} {name!r} failed: {_last_line(result.get('exception'))}")
        elif result is not None and (code := _bad_exit(activity, result)) is not None:
            self._failed(f"{activity.get('type')} {name!r} failed: it ended with {code}")
        provider = activity.get("provider") or {}
        mine = str(provider.get("module", "")).startswith("chaosext.verification")
        if self._sampler.phase is Phase.FAULT and activity.get("type") == "action" and not mine:
            self.record.applied = self._now()
            if (
                name == self._settings.expectations.landed_when
                and result
                and result.get("status") == "succeeded"
            ):
                self.record.shown = self._now()

    def _landing_probed(self, name: str, result: dict[str, Any] | None) -> None:
        """Take note of what the probe said that shows whether the fault landed."""
        if result is None:
            return
        if result.get("status") == "succeeded" and result.get("output"):
            self.record.shown = self._now()
            return
        said = f"answered {result.get('output')!r}"
        if result.get("status") != "succeeded":
            said = _last_line(result.get("exception"))
        self.record.not_shown = f"{name}: {said}"

    def _hypothesis_probe_ended(self, activity: dict[str, Any], result: dict[str, Any] | None) -> None:
        """Keep why the hypothesis may have stopped the method; later, the samples say what became of an SLI."""
        if result is not None and self._sampler.phase is Phase.BASELINE:
            said = f"answered {result.get('output')}"
            if result.get("status") == "failed":
                said = _last_line(result.get("exception"))
            self.record.last_probe = f"{activity.get('name')!r} {said}"

    def fault_ends(self) -> None:
        """Measure every SLI over the fault as it had settled."""
        if self._sampler.phase is not Phase.FAULT:
            return
        # The first half window belongs to connections that the replaced pods still answered.
        start = (self.record.applied or self.record.phases[Phase.FAULT]) + self.record.window_seconds / 2
        measured = self._measure(max(self._now() - start, 1.0))
        self.record.settled = with_enough_events(measured, self._settings.tolerances)

    def rollback_begins(self) -> None:
        """Look what the rollbacks have to undo, then mark their start, from which the time to recover counts.

        From here on no signal stops the run.
        """
        self._guard.interruption.hold()
        if Phase.FAULT in self.record.phases:
            self.record.found = self._to_undo()
        self._enter(Phase.RECOVERY)
        if self.interrupted:
            logger.warning("The run was interrupted: the system is restored before it ends")

    def rollback_ended(self) -> None:
        """Wait until every SLI is back within its tolerance and stays for a window, or the time is over."""
        limit = self._settings.windows.seconds(self._settings.expectations.recover_within_windows)
        self.record.recover_within = limit
        start = self.record.phases[Phase.RECOVERY]
        if Phase.FAULT not in self.record.phases or self.interrupted:
            return
        with self._guard.interruption.obeyed():
            self._wait_for_recovery(start, limit)

    def _wait_for_recovery(self, start: float, limit: float) -> None:
        logger.info("Waiting for every SLI to be back, at most %g s from the rollback's start", limit)
        hold = self.record.window_seconds
        missing = self._wait_until_steady(start, max(0.0, start + limit + hold - self._now()), hold)
        steady: list[Sample] = []
        if missing is None:
            self._sampler.stop()  # what comes after the recovery is no part of it
            steady = self._steady_run(start)
        if steady:
            self.record.recovered = recovered = steady[0].at
            logger.info("Every SLI is back %.1f s after the rollback's start, and stays", recovered - start)
        else:
            logger.warning("Not recovered: %s", missing or "an SLI left its tolerance again")

    def end(self) -> None:
        """Stop sampling, prove the rollback, count the budget, close the annotation, give the Lease up."""
        try:
            self._end()
        finally:
            broken = Phase.FAULT in self.record.phases and not self.record.rollback.proved
            self.record.left = self._guard.end("the rollback is not proved" if broken else None)

    @property
    def interrupted(self) -> bool:
        """Whether a signal came to end the run."""
        return self._guard.interruption.came

    def _end(self) -> None:
        self._sampler.stop()
        self.record.samples = self._sampler.samples
        if self._sampler.died:
            self.record.tool_errors.append(f"sampling ended early: {self._sampler.died}")
        if self.record.steady is not None:
            self.record.rollback = self._prove()
            self.record.budget = self._count_budgets()
        recovery = self.record.phases.get(Phase.RECOVERY, self._now())
        self._annotation.end(self._zero_epoch + recovery)
        if Phase.FAULT in self.record.phases:
            # Last: by now the system is healed, and the spans and lines of its fault have arrived.
            self.record.evidence = self._collect_evidence(recovery)

    def _collect_evidence(self, recovery: float) -> Evidence:
        """Ask logs and traces about the fault; lines count for a window more, until its pods are gone."""
        phases, window = self.record.phases, self.record.window_seconds
        moments = Moments(
            zero=self._zero_epoch,
            baseline=self._zero_epoch + phases[Phase.BASELINE] - window,
            fault=self._zero_epoch + phases[Phase.FAULT],
            end=self._zero_epoch + recovery,
            until=self._zero_epoch + min(recovery + window, self._now()),
        )
        # A fault that was cut short is not judged by its evidence, so that none is waited for.
        short = self.interrupted or self.record.aborted is not None or not self.record.settled
        with self._guard.interruption.obeyed():
            return collect(
                self._settings.evidence,
                self._settings.expectations.evidence,
                moments,
                0.0 if short else WAIT_SECONDS,
            )

    def _abort(self, reason: str) -> None:
        """Stop the run as Ctrl-C would, from the sampler's thread: Chaos Toolkit then plays the rollbacks."""
        self.record.aborted = reason
        logger.error("%s", reason)
        os.kill(os.getpid(), signal.SIGINT)

    def _unguarded(self) -> None:
        """End a run whose watchdog is no more, unless it is restoring already."""
        said = "the watchdog ended before the run: nobody would have healed the system, had the run died too"
        if self._sampler.phase is Phase.RECOVERY:
            logger.warning("%s", said)
            return
        self.record.tool_errors.append(said)
        logger.error("%s", said)
        os.kill(os.getpid(), signal.SIGINT)

    def _count_budgets(self) -> list[BudgetResult]:
        fault = self.record.phases.get(Phase.FAULT)
        seconds = None if fault is None else self._now() - fault
        return count_budgets(self._settings, seconds)

    def _failed(self, what: str) -> None:
        """Note an activity that failed: the suite's failure in the method, the system's in the rollbacks."""
        failures = (
            self.record.tool_errors if self._sampler.phase is not Phase.RECOVERY else self.record.not_restored
        )
        failures.append(what)

    def _now(self) -> float:
        return time.monotonic() - self._zero

    def _enter(self, phase: Phase) -> None:
        self._sampler.phase = phase
        self.record.phases[phase] = self._now()

    def _wait_until_steady(
        self, since: float, seconds: float, hold: float, *, calm: bool = False
    ) -> str | None:
        """Wait until the samples taken after `since` end in steady ones that span `hold` seconds.

        With `calm`, the expected alerts must be inactive too. Returns what is missing, None when nothing is.
        """

        def missing() -> str | None:
            if self._sampler.died:
                return f"sampling ended early: {self._sampler.died}"
            run = self._steady_run(since)
            if len(run) >= STEADY_SAMPLES and run[-1].at - run[0].at >= hold:
                return self._alerts.unsteady() if calm and self._sampler.ruler else None
            last = next((s for s in reversed(self._sampler.samples) if s.at >= since), None)
            return "no sample was taken yet" if last is None else self._unsteady(last) or "not steady for long"

        return poll(missing, seconds, interval=min(0.2, self._settings.windows.sample_interval_seconds / 2))

    def _steady_run(self, since: float) -> list[Sample]:
        """Return the steady samples, taken after `since`, that nothing unsteady has followed yet."""
        run: list[Sample] = []
        for sample in self._sampler.samples:
            if sample.at >= since:
                run = [*run, sample] if self._unsteady(sample) is None else []
        return run

    def _unsteady(self, sample: Sample) -> str | None:
        return unsteady(self._settings.tolerances, sample.values, sample.missing)

    def _measure(self, seconds: float) -> dict[str, Measurement]:
        try:
            return measure(self._settings.grafana, self._settings.slos.values(), seconds)
        except ChaosextError as error:
            return {name: Measurement(no_data=str(error), failed=True) for name in self._settings.slos}

    def _prove(self) -> Rollback:
        try:
            found = prove(self.cluster, self._settings.manifest, self._run.selector)
        except ChaosextError as error:
            return Rollback(proved=False, differences=[str(error)], found=self.record.found)
        return Rollback(proved=not found, differences=found, found=self.record.found)

    def _to_undo(self) -> list[str] | None:
        try:
            return to_undo(self.cluster, self._settings.manifest, self._run.selector)
        except ChaosextError as error:
            logger.warning("What the fault changed is not known: %s", error)
            return None


def _bad_exit(activity: dict[str, Any], result: dict[str, Any]) -> str | None:
    """Return how a process or HTTP action failed that Chaos Toolkit takes for a success; None: it did not."""
    kind = (activity.get("provider") or {}).get("type")
    output = result.get("output")
    status = output.get("status") if isinstance(output, dict) and activity.get("type") == "action" else None
    if kind == "process" and status not in {None, 0}:
        return f"exit code {status}"
    if kind == "http" and isinstance(status, int) and status >= _HTTP_ERROR:
        return f"status {status}"
    return None


def _last_line(exception: list[str] | str | None) -> str:
    text = exception if isinstance(exception, str) else "".join(exception or [])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Python's name of the exception's class is no part of its message.
    return re.sub(r"^((chaosext|chaoslib)\.[\w.]+: )+", "", lines[-1]) if lines else "no reason given"
