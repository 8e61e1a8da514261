"""Follows the expected alerts through a run: when each was pending, and when it fired."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import BadInput, GrafanaError
from ..grafana.alerts import AlertRule, worst_of
from ..grafana.client import Grafana
from .expectations import AlertExpectation

__all__ = ["AlertWatch", "ruler_of"]

_GRAFANA = "grafana"


def ruler_of(grafana: Grafana, expected: Sequence[AlertExpectation]) -> str | None:
    """Return the source whose rules have every expected alert; None when no alert is expected.

    A source is the uid of the Prometheus data source, or `grafana` for the rules that Grafana itself manages.
    Raises BadInput that names an alert which no rule stands for, GrafanaError when a source that could not be
    asked may have it.
    """
    if not expected:
        return None
    sources = (grafana.prometheus().uid, _GRAFANA)
    found: dict[str, list[AlertRule]] = {}
    errors: list[GrafanaError] = []
    for source in sources:
        try:
            found[source] = grafana.alert_rules(source)
        except GrafanaError as error:
            errors.append(error)
    lacking = {source: [str(e) for e in expected if not _known(rules, e)] for source, rules in found.items()}
    best = min(lacking, key=lambda source: len(lacking[source]), default=None)
    if errors and (best is None or lacking[best]):
        raise errors[0]  # the one that could not be asked may have what the other lacks
    if best is not None and lacking[best]:
        raise BadInput(
            f"extensions.chaosext.alerts: no rule named {', '.join(lacking[best])} in {grafana.url}: load the "
            "rules that `chaos slo rules` writes, or correct the name"
        )
    return best


class AlertWatch:
    """What was seen of the expected alerts; times are seconds since the run's start.

    It is asked by the sampler's thread and read by the run's, which only ever replace whole values.
    """

    def __init__(self, expected: Sequence[AlertExpectation]) -> None:
        self._expected = expected
        self._fault_began: float | None = None
        self.pending: list[float | None] = [None] * len(expected)
        self.firing: list[float | None] = [None] * len(expected)
        self.states: list[str | None] = [None] * len(expected)
        self.fired: list[str | None] = [None] * len(expected)
        """The name of the first alert that fired: of those that a `*` stands for, which one it was."""
        self.error: str | None = None

    def fault_begins(self, at: float) -> None:
        """From now on an alert counts as the fault's."""
        self._fault_began = at

    def observe(self, at: float, rules: list[AlertRule]) -> None:
        """Take note of the alerts' states at a moment."""
        self.error = None
        for index, expectation in enumerate(self._expected):
            name, state = worst_of(rules, expectation.alert, expectation.labels) or (None, None)
            self.states[index] = state
            if self._fault_began is None or at < self._fault_began:
                continue
            if state in {"pending", "firing"} and self.pending[index] is None:
                self.pending[index] = at
            if state == "firing" and self.firing[index] is None:
                self.firing[index], self.fired[index] = at, name

    def failed(self, reason: str) -> None:
        """Take note that the alerts could not be asked."""
        self.error = reason

    def unsteady(self) -> str | None:
        """Say what keeps a fault from being told by its alerts: one of them is active, or was not seen yet."""
        if self.error:
            return f"the alerts could not be asked: {self.error}"
        for expectation, state in zip(self._expected, self.states, strict=True):
            if state is None:
                return f"alert {expectation} was not seen yet"
            if state != "inactive":
                return f"alert {expectation} is {state} before the fault"
        return None


def _known(rules: list[AlertRule], expectation: AlertExpectation) -> bool:
    return worst_of(rules, expectation.alert, expectation.labels) is not None
