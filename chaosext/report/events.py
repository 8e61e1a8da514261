"""What happened when: the moments of a run, for its timeline."""

from __future__ import annotations

from dataclasses import dataclass

from ..result import Phase, Verification

__all__ = ["Event", "events", "length"]


@dataclass(frozen=True)
class Event:
    """A moment, in seconds since the start; `kind` is a CSS class of the timeline's marks."""

    at: float
    kind: str
    text: str


def events(v: Verification) -> list[Event]:
    """Return a run's moments in the order of time."""
    found = [
        Event(at, "phase", text)
        for phase, text in (
            (Phase.BASELINE, "Sampling begins: the baseline"),
            (Phase.FAULT, "The fault begins"),
            (Phase.RECOVERY, "The rollback begins"),
        )
        if (at := v.phases.get(phase)) is not None
    ]
    if v.fault_applied_seconds is not None:
        found.append(Event(v.fault_applied_seconds, "applied", "The last action of the fault has ended"))
    landed = v.fault_landed_seconds
    if landed is not None:
        found.append(Event(landed, "landed", "The fault landed: its effect shows"))
        for alert in v.alerts:
            for after, kind in (
                (alert.pending_after_seconds, "pending"),
                (alert.firing_after_seconds, "firing"),
            ):
                if after is not None:
                    found.append(Event(landed + after, kind, f"Alert {alert.display_name} is {kind}"))
    if Phase.RECOVERY in v.phases and v.time_to_recover_seconds is not None:
        at = v.phases[Phase.RECOVERY] + v.time_to_recover_seconds
        found.append(Event(at, "recovered", "Every SLI is back within its tolerance"))
    return sorted(found, key=lambda event: event.at)


def length(v: Verification) -> float:
    """Return how long the timeline is, in seconds: to the last sample or the last moment."""
    ends = [event.at for event in events(v)]
    if v.samples:
        ends.append(v.samples[-1].at)
    return max([*ends, 1.0])
