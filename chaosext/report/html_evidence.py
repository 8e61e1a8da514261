"""The evidence of a run in report.html: log lines, error rates by service, the worst trace, the root cause."""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import LogEvidence, RootCause, ServiceErrors, TraceEvidence, TraceSpan
from ..result import Verification
from .page import card, notice, pill, table
from .svg.markup import Child, Markup, tag
from .svg.scale import clock
from .svg.waterfall import WaterfallSpan, waterfall

__all__ = ["evidence_cards", "root_cause_pill"]

_LINE, _MOST_LINES = 420, 3
_MOST_STATEMENTS = 5


def root_cause_pill(v: Verification) -> Markup | None:
    """Return who is to blame, as a label beside the verdict; None when nobody is, or nobody was looked for."""
    cause = v.evidence.root_cause
    if cause is None or cause.service is None:
        return None
    return pill(f"Probable root cause: {cause.service}{_held_against(cause)}", _tone(cause))


def _held_against(cause: RootCause) -> str:
    if cause.expected is None:
        return ""
    return ", as expected" if cause.met else f" ({cause.expected} was expected)"


def _tone(cause: RootCause) -> str:
    return "none" if cause.expected is None else "good" if cause.met else "bad"


def evidence_cards(v: Verification) -> list[Markup]:
    """Return the sections; none for a run that never came to its fault."""
    evidence = v.evidence
    if not evidence.collected and not evidence.not_collected:
        return []
    cards = [_overview(v), _logs(evidence.logs), _services(evidence.services)]
    if evidence.worst_trace is not None:
        cards.append(_worst(evidence.worst_trace, evidence.root_cause))
    return [one for one in cards if one is not None]


def _overview(v: Verification) -> Markup:
    """Say who is to blame and why, and what could not be collected."""
    evidence, cause = v.evidence, v.evidence.root_cause
    said: list[Child] = [
        notice(f"No evidence from {name}: {why}.") for name, why in sorted(evidence.not_collected.items())
    ]
    if cause is not None:
        who = cause.service or "none"
        said.append(
            tag(
                "p", "Probable root cause: ", tag("b", who), f"{_held_against(cause)}. ", _sentence(cause.words)
            )
        )
    note = "What logs and traces say about the fault, asked from Grafana when the system was healed."
    return card("Evidence", *said, note=note)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def _logs(logs: list[LogEvidence]) -> Markup | None:
    if not logs:
        return None
    note = "The lines that this experiment expects, counted from the fault's start, and the first of them."
    return card("What the logs say", *(part for log in logs for part in _log(log)), note=note, long=True)


def _log(log: LogEvidence) -> Iterator[Markup]:
    state = pill("found", "good") if log.found else pill("missing", "bad")
    yield tag("h3", log.name, " ", state, class_="apart")
    if log.count is None:
        yield notice(f"Could not be asked: {log.missing or 'no reason was given'}.")
    else:
        first = "" if log.first_at is None else f", the first {clock(log.first_at)} after the start of the run"
        lines = "line" if log.count == 1 else "lines"
        yield tag("p", f"{log.count} {lines}, of at least {log.at_least} expected{first}.")
    yield tag("p", tag("code", log.query), class_="soft small")
    if log.samples:
        yield tag(
            "ol", [tag("li", tag("code", _cut(line))) for line in log.samples[:_MOST_LINES]], class_="lines"
        )


def _cut(line: str) -> str:
    return line if len(line) <= _LINE else f"{line[:_LINE]}… ({len(line) - _LINE} more in verification.json)"


def _services(services: list[ServiceErrors]) -> Markup | None:
    if not services:
        return None
    rows: list[list[Child]] = [
        [one.service, str(one.requests), str(one.failed), f"{one.rate:.1%}", _bar(one)] for one in services
    ]
    note = "Of the requests that each service answered in a sample of the fault's traces; the worst first."
    header = ("Service", "Requests", "Failed", "Share", "")
    return card("Error rate by service", table("Requests that failed", header, rows, 3), note=note, long=True)


def _bar(one: ServiceErrors) -> Markup:
    drawn = tag("i", class_="spent", style=f"width:{one.rate:.1%}") if one.failed else None
    return tag("span", drawn, class_="bar", role="img", aria_label=f"{one.rate:.1%} failed")


def _worst(trace: TraceEvidence, cause: RootCause | None) -> Markup:
    first = _first_to_look_at(trace, cause)
    kind = "a failed" if trace.failed else "the slowest"
    label = f"The worst trace, {kind} {trace.name} of {trace.service}, as a waterfall of its spans"
    drawn = waterfall([_span(span, span is first) for span in trace.spans], label, trace.left_out)
    note = (
        f"Trace {trace.id}, begun {clock(trace.at)} after the start of the run, took {trace.duration:.3g} s. "
        f"{'✕ and an outline mark spans that failed.' if trace.failed else 'No span of it failed.'}"
    )
    # The one to look at first in full: a drawing cuts its texts.
    facts = table("The span to look at first", ("", ""), _facts(trace, first)) if first else None
    return card("The worst trace", drawn, facts, note=note, long=True)


def _first_to_look_at(trace: TraceEvidence, cause: RootCause | None) -> TraceSpan | None:
    """Return the deepest failure; where nothing failed, the longest span of the service that became slower."""
    blamed = next((span for span in trace.spans if span.to_blame), None)
    if blamed is not None or cause is None or cause.service is None:
        return blamed
    slow = [span for span in trace.spans if cause.service in {span.peer, span.service}]
    # Of a call's two ends the one that answered says more than the one that waited.
    return max(slow, key=lambda span: (span.service == cause.service, span.duration), default=None)


def _span(span: TraceSpan, blamed: bool) -> WaterfallSpan:
    return WaterfallSpan(
        service=span.service,
        name=_name(span),
        start=span.start * 1000,
        duration=span.duration * 1000,
        depth=span.depth,
        failed=span.failed,
        detail=span.exception or span.statement,
        blamed=blamed,
    )


def _name(span: TraceSpan) -> str:
    return f"{span.name} → {span.peer}" if span.peer else span.name


def _facts(trace: TraceEvidence, span: TraceSpan) -> list[tuple[str, Child]]:
    own = [span.statement] if span.statement else []
    beside = [one.statement for one in trace.spans if one.statement and one.service == span.service]
    statements = own or list(dict.fromkeys(beside))[:_MOST_STATEMENTS]
    found: list[tuple[str, Child]] = [
        ("Span", f"{span.service} {_name(span)}"),
        ("Version", span.version),
        ("Error", span.exception or ("failed" if span.failed else "")),
        (
            "Its statement" if own else "Statements of its service in this trace",
            [tag("p", tag("code", text)) for text in statements] if statements else "",
        ),
    ]
    return [(what, said) for what, said in found if said]
