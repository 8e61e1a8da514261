"""The evidence of a run as Markdown: log lines, error rates, the worst trace, the probable root cause."""

from __future__ import annotations

from ..evidence import Evidence, LogEvidence, TraceEvidence, TraceSpan
from ..result import Verification
from .markdown_parts import markdown_code, markdown_table, markdown_text

__all__ = ["evidence_section"]

_LINE = 240
_PLACES = 32


def evidence_section(v: Verification) -> str:
    """Return the section; "" for a run that never came to its fault."""
    evidence = v.evidence
    if not evidence.collected and not evidence.not_collected:
        return ""
    parts = [
        "## Evidence",
        "\n".join(
            f"- {name} not collected: {markdown_text(why)}" for name, why in evidence.not_collected.items()
        ),
        _root_cause(evidence),
        _log_table(evidence),
        *(_samples(log) for log in evidence.logs if log.samples),
        _service_table(evidence),
        _waterfall(evidence.worst_trace),
    ]
    return "\n\n".join(part for part in parts if part)


def _root_cause(evidence: Evidence) -> str:
    cause = evidence.root_cause
    if cause is None:
        return ""
    expected = "" if cause.expected is None else f" ({markdown_text(cause.expected)} was expected)"
    service = markdown_text(cause.service or "none")
    return f"Probable root cause: **{service}**{expected}: {markdown_text(cause.words)}."


def _log_table(evidence: Evidence) -> str:
    rows = [
        (
            log.name,
            log.query,
            log.missing or "not asked" if log.count is None else str(log.count),
            str(log.at_least),
            "-" if log.first_at is None else f"{log.first_at:.1f} s",
            "**found**" if log.found else "**missing**",
        )
        for log in evidence.logs
    ]
    header = ("Log lines", "Query", "Came", "At least", "First after the start", "Outcome")
    return markdown_table(header, rows) if rows else ""


def _samples(log: LogEvidence) -> str:
    return f"The first lines of {markdown_text(log.name)}:\n\n{markdown_code(log.samples, _LINE)}"


def _service_table(evidence: Evidence) -> str:
    rows = [(s.service, str(s.requests), str(s.failed), f"{s.rate:.1%}") for s in evidence.services]
    header = ("Service", "Requests in the sampled traces", "Failed", "Share")
    return markdown_table(header, rows) if rows else ""


def _waterfall(trace: TraceEvidence | None) -> str:
    """Draw the trace: a line for each span, a bar where it lay, the deepest failure marked."""
    if trace is None:
        return ""
    kind = "with a failure" if trace.failed else "of all"
    more = f"; {trace.left_out} more spans are left out" if trace.left_out else ""
    head = (
        f"The slowest trace {kind}: {trace.id}, {trace.duration:.3f} s, {trace.at:.1f} s after the start{more}."
    )
    width = max(len(_name(span)) for span in trace.spans)
    lines = [f"{_name(span).ljust(width)} {_bar(span, trace)} {_said(span)}".rstrip() for span in trace.spans]
    return f"{markdown_text(head)}\n\n{markdown_code(lines, _LINE)}"


def _name(span: TraceSpan) -> str:
    return f"{'  ' * span.depth}{span.service} {span.name}" + (f" -> {span.peer}" if span.peer else "")


def _bar(span: TraceSpan, trace: TraceEvidence) -> str:
    whole = max(trace.duration, 1e-6)
    left = min(int(span.start / whole * _PLACES), _PLACES - 1)
    size = min(max(round(span.duration / whole * _PLACES), 1), _PLACES - left)
    return f"|{' ' * left}{'=' * size}{' ' * (_PLACES - left - size)}|"


def _said(span: TraceSpan) -> str:
    mark = "FAILED HERE" if span.to_blame else "failed" if span.failed else ""
    said = [f"{span.duration:.3f} s", mark, span.exception, " ".join(span.statement.split())]
    return " ".join(text for text in said if text)
