"""junit.xml: a run as a test suite, each expectation a test case, in the form that CI systems read.

Elements and attributes: https://github.com/testmoapp/junitxml. An expectation that was missed is a failure;
what could not be judged is skipped; the verdict is a case of its own, so no run passes that is not verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ..result import Verdict, Verification
from .checks import Check, Met, checks
from .svg.markup import Markup, tag
from .words import why

__all__ = ["render_junit"]

_FAILURES = {Verdict.SYSTEM_FAILED, Verdict.FAULT_NOT_LANDED}


def render_junit(
    name: str,
    runs: Sequence[Verification],
    not_run: Sequence[tuple[str, Verdict, str]] = (),
    remarks: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """Return the XML for one run or a day of them.

    `not_run` are experiments without a result, and why; `remarks` lines of a suite's output, by run id.
    """
    suites = [
        *(_suite(v, remarks.get(v.run_id, ())) for v in runs),
        *(_empty(*missing) for missing in not_run),
    ]
    total = {
        key: sum(counts[key] for _, counts in suites) for key in ("tests", "failures", "errors", "skipped")
    }
    document = tag(
        "testsuites",
        "\n",
        [suite for suite, _ in suites],
        name=name,
        time=round(sum(v.duration_seconds for v in runs), 3),
        **total,
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'


def _suite(v: Verification, remarks: Sequence[str]) -> tuple[Markup, dict[str, int]]:
    found = checks(v)
    cases = [_verdict(v), *(_case(v, check) for check in found)]
    counts = {
        "tests": len(cases),
        "failures": (v.verdict in _FAILURES) + sum(c.met is Met.MISSED for c in found),
        "errors": int(v.verdict not in _FAILURES and v.verdict is not Verdict.VERIFIED),
        "skipped": sum(c.met is Met.UNKNOWN for c in found),
    }
    properties = {"run_id": v.run_id, "environment": v.environment, "verdict": v.verdict, "title": v.title}
    suite = tag(
        "testsuite",
        "\n",
        tag("properties", [tag("property", name=key, value=str(value)) for key, value in properties.items()]),
        "\n",
        [[case, "\n"] for case in cases],
        [tag("system-out", "\n".join(remarks)), "\n"] if remarks else None,
        name=v.experiment,
        timestamp=v.started,
        time=v.duration_seconds,
        **counts,
    )
    return Markup(suite + "\n"), counts


def _empty(experiment: str, verdict: Verdict, reason: str) -> tuple[Markup, dict[str, int]]:
    counts = {"tests": 1, "failures": 0, "errors": 1, "skipped": 0}
    problem = tag("error", message=reason, type=str(verdict))
    case = tag("testcase", problem, name="verdict", classname=experiment, time=0)
    return Markup(tag("testsuite", "\n", case, "\n", name=experiment, time=0, **counts) + "\n"), counts


def _verdict(v: Verification) -> Markup:
    if v.verdict is Verdict.VERIFIED:
        problem = None
    else:
        kind = "failure" if v.verdict in _FAILURES else "error"
        problem = tag(kind, "\n".join(v.reasons), message=why(v), type=str(v.verdict))
    return tag("testcase", problem, name="verdict", classname=v.experiment, time=v.duration_seconds)


def _case(v: Verification, check: Check) -> Markup:
    problem = None
    if check.met is Met.MISSED:
        problem = tag("failure", message=check.detail, type=check.kind)
    elif check.met is Met.UNKNOWN:
        problem = tag("skipped", message=check.detail)
    return tag("testcase", problem, name=f"{check.kind}: {check.name}", classname=v.experiment, time=0)
