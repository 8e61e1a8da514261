"""Prometheus rules from the SLO file: recorded SLIs, multi-window burn-rate alerts, budgets, symptoms.

Method: Google's SRE workbook, chapter 5 (multiwindow, multi-burn-rate alerts). Names of recorded series are
those of Sloth (https://sloth.dev), `slo:sli_error:ratio_rate5m` for example, so that its dashboards fit.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..environment import BurnRate, Windows
from .budget import Budget, period_days
from .model import Slo, in_window

__all__ = ["alert_name", "duration", "rule_groups"]

Rule = dict[str, Any]
Group = dict[str, Any]

_UNITS = (("d", 86400), ("h", 3600), ("m", 60))


def rule_groups(slos: dict[str, Slo], symptoms: list[Group], windows: Windows) -> list[Group]:
    """Return the rule groups of an environment: one for each SLO with a budget, the budgets, the symptoms.

    `symptoms` are alert groups written by hand, with {{.window}} in their expressions.
    """
    budgeted = [slo for slo in slos.values() if not slo.is_count]
    return [
        *(_slo_group(slo, windows) for slo in budgeted),
        _budget_group(budgeted, windows),
        *(_symptom_group(group, windows) for group in symptoms),
    ]


def alert_name(slo: Slo) -> str:
    """Return the name of an SLO's burn-rate alerts, which a label `severity` tells apart."""
    return "".join(word.capitalize() for word in slo.name.split("-")) + "BudgetBurn"


def duration(seconds: int) -> str:
    """Write seconds as Prometheus does, in the largest unit that divides them: 10s, 5m, 6h, 3d."""
    for unit, length in _UNITS:
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _slo_group(slo: Slo, windows: Windows) -> Group:
    pairs = [pair for severity in windows.burn_rates.values() for pair in severity]
    spans = sorted({span for pair in pairs for span in (pair.long_seconds, pair.short_seconds)})
    spans = sorted({*spans, windows.short_window_seconds})
    labels = _labels(slo)
    budget = _decimal(_error_budget(slo))
    current = _error_ratio_name(windows.short_window_seconds)
    return {
        "name": f"slo-{slo.name}",
        "interval": duration(windows.rule_interval_seconds),
        "rules": [
            {"record": _bad_name(windows), "expr": _bad_events(slo, windows), "labels": labels},
            *(
                {"record": _error_ratio_name(span), "expr": _error_ratio(slo, span), "labels": labels}
                for span in spans
            ),
            {"record": "slo:objective:ratio", "expr": f"vector({_target(slo)})", "labels": labels},
            {"record": "slo:error_budget:ratio", "expr": f"vector({budget})", "labels": labels},
            {
                "record": "slo:current_burn_rate:ratio",
                "expr": f"{_select(current, slo)} / {budget}",
                "labels": labels,
            },
            *(_burn_alert(slo, severity, rates, windows) for severity, rates in windows.burn_rates.items()),
        ],
    }


def _error_ratio(slo: Slo, span: int) -> str:
    """Return the expression of an SLI's share of bad events over a window.

    Without events it is NaN or absent, and no alert: whether there is traffic at all is what the synthetic
    checks ask. A counter of errors that does not exist yet counts as 0 while there is traffic.
    """
    window = duration(span)
    total = in_window(slo.total or "", window)
    if slo.bad is not None:
        return f"({in_window(slo.bad, window)} or 0 * {total}) / {total}"
    return f"1 - {in_window(slo.good or '', window)} / {total}"


def _burn_alert(slo: Slo, severity: str, rates: list[BurnRate], windows: Windows) -> Rule:
    budget = _error_budget(slo)
    conditions = []
    for rate in rates:
        limit = _decimal(Decimal(str(rate.burn_rate)) * budget)
        long, short = (_select(_error_ratio_name(s), slo) for s in (rate.long_seconds, rate.short_seconds))
        conditions.append(f"({long} > {limit} and {short} > {limit})")
    compressed = " Its windows are compressed: production's are longer." if windows.compressed else ""
    name = slo.metadata.display_name or slo.name
    slowest = min(rate.burn_rate for rate in rates)
    return {
        "alert": alert_name(slo),
        "expr": " or ".join(conditions),
        "for": duration(windows.alert_for_seconds),
        "labels": {**_labels(slo), "severity": severity, "compressed": str(windows.compressed).lower()},
        "annotations": {
            "summary": f"{name} burns its error budget",
            "description": (
                f"{{{{ $value | humanizePercentage }}}} of {slo.spec.service}'s events were bad: at least "
                f"{slowest:g} times what an objective of {_percent(slo)} allows.{compressed}"
            ),
        },
    }


def _budget_group(slos: list[Slo], windows: Windows) -> Group:
    """Return the rules that count the budgets left.

    The period's bad events are summed from those of the short window, which one cheap series records at every
    rule interval: each event is in as many of its samples as the window has intervals. Seconds of
    unavailability are summed from the share of failed checks: a range of Prometheus 2 has one check more than
    it has seconds.
    """
    interval, window = Decimal(windows.rule_interval_seconds), Decimal(windows.short_window_seconds)
    rules = []
    for slo in slos:
        budget = Budget.of(slo)
        labels = {**_labels(slo), "unit": budget.unit}
        by_time = budget.unit == "seconds"
        name = _error_ratio_name(windows.short_window_seconds) if by_time else _bad_name(windows)
        cost = interval if by_time else interval / window
        recorded = f"sum_over_time({_select(name, slo)}[{period_days(slo)}d])"
        rules += [
            {"record": "slo:error_budget:count", "expr": f"vector({budget.size})", "labels": labels},
            {
                "record": "slo:period_error_budget_remaining:count",
                "expr": f"{budget.size} - {_decimal(cost)} * {recorded}",
                "labels": labels,
            },
        ]
    return {"name": "slo-budgets", "interval": duration(windows.budget_interval_seconds), "rules": rules}


def _bad_events(slo: Slo, windows: Windows) -> str:
    window = duration(windows.short_window_seconds)
    total = in_window(slo.total or "", window)
    if slo.bad is not None:
        return f"{in_window(slo.bad, window)} or 0 * {total}"
    return f"{total} - {in_window(slo.good or '', window)}"


def _bad_name(windows: Windows) -> str:
    return f"slo:sli_bad:increase{duration(windows.short_window_seconds)}"


def _symptom_group(group: Group, windows: Windows) -> Group:
    window = duration(windows.short_window_seconds)
    rules = [
        {
            "alert": rule["alert"],
            "expr": " ".join(in_window(rule["expr"], window).split()),
            "for": duration(windows.alert_for_seconds),
            "labels": rule["labels"],
            "annotations": rule["annotations"],
        }
        for rule in group["rules"]
    ]
    return {"name": group["name"], "rules": rules}


def _error_ratio_name(span: int) -> str:
    return f"slo:sli_error:ratio_rate{duration(span)}"


def _select(name: str, slo: Slo) -> str:
    return f'{name}{{slo="{slo.name}"}}'


def _labels(slo: Slo) -> dict[str, str]:
    return {"slo": slo.name, "service": slo.spec.service}


def _target(slo: Slo) -> str:
    return _decimal(Decimal(str(slo.objective.target)))


def _percent(slo: Slo) -> str:
    return _decimal(Decimal(str(slo.objective.target)) * 100) + "%"


def _error_budget(slo: Slo) -> Decimal:
    """Return the share of events that may be bad, without a float's noise."""
    return 1 - Decimal(str(slo.objective.target))


def _decimal(value: Decimal) -> str:
    return format(value.normalize(), "f")
