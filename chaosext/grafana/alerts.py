"""Alert rules as Grafana answers them: /api/prometheus/<source>/api/v1/rules.

Two kinds of rules share one shape: Grafana's own (source `grafana`), and those that a data source's ruler runs.
Source: https://grafana.com/docs/grafana/latest/developers/http_api/ and Prometheus' HTTP API, rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import GrafanaError

__all__ = ["ANY", "AlertRule", "State", "alert_rules", "worst_of"]

ANY = "*"
"""Stands for the name of every alert."""

State = str
"""inactive, pending or firing; compare with RANK."""

RANK = {"inactive": 0, "pending": 1, "firing": 2}
# Grafana's own words for the states of its alerts. "Recovering" is one that fired and may fire again at once.
_GRAFANA_STATES = {"normal": "inactive", "alerting": "firing", "recovering": "firing"}


@dataclass(frozen=True)
class AlertRule:
    """One alerting rule: its name, its own labels, and its active alerts as (labels, state)."""

    name: str
    labels: dict[str, str]
    active: list[tuple[dict[str, str], State]]

    def can_match(self, labels: dict[str, str]) -> bool:
        """Tell whether an alert of this rule may carry these labels."""
        return all(self.labels.get(name, value) == value for name, value in labels.items())


def alert_rules(answer: Any) -> list[AlertRule]:
    """Return the alerting rules of an answer. Raises GrafanaError when it is not of the documented form."""
    try:
        return [
            AlertRule(
                str(rule["name"]),
                dict(rule.get("labels") or {}),
                [(dict(a.get("labels") or {}), _state(a["state"])) for a in rule.get("alerts") or []],
            )
            for group in answer["data"]["groups"]
            for rule in group.get("rules") or []
            if rule.get("type", "alerting") == "alerting"
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise GrafanaError(f"the answer about alert rules is not of the documented form: {error!r}") from error


def worst_of(rules: list[AlertRule], name: str, labels: dict[str, str]) -> tuple[str, State] | None:
    """Return the name and the state of the worst alert of that name, or of any (`*`), that carries the labels.

    None when no rule has them.
    """
    matching = [rule for rule in rules if name in {rule.name, ANY} and rule.can_match(labels)]
    if not matching:
        return None
    states = [
        (rule.name, state)
        for rule in matching
        for own, state in rule.active
        if all({**rule.labels, **own}.get(key) == value for key, value in labels.items())
    ]
    return max(states, key=lambda found: RANK[found[1]], default=(matching[0].name, "inactive"))


def _state(text: str) -> State:
    """Return a state in Prometheus' words: Grafana may add a reason, as in `Normal (NoData)`."""
    word = text.partition(" (")[0].lower()
    word = _GRAFANA_STATES.get(word, word)
    return word if word in RANK else "inactive"
