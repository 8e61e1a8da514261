"""How kubectl's users know ages, selectors and lists."""

from typing import Any

from lab.kube.meta import age_seconds

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def human_duration(seconds: float) -> str:
    """Write a duration in two or three digits, as in 45s, 3m20s, 5h, 12d."""
    whole = int(seconds)
    if whole < 0:
        return "0s" if whole >= -1 else "<invalid>"
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    for limit, unit, letter, smaller, small in (
        (10 * _MINUTE, _MINUTE, "m", 1, "s"),
        (3 * _HOUR, _MINUTE, "m", 0, ""),
        (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
        (2 * _DAY, _HOUR, "h", 0, ""),
        (8 * _DAY, _DAY, "d", _HOUR, "h"),
        (2 * _YEAR, _DAY, "d", 0, ""),
        (8 * _YEAR, _YEAR, "y", _DAY, "d"),
    ):
        if whole < limit:
            rest = whole % unit // smaller if smaller else 0
            return f"{whole // unit}{letter}" + (f"{rest}{small}" if rest else "")
    return f"{whole // _YEAR}y"


def age(time: str | None) -> str:
    """Write how long ago a time was."""
    return human_duration(age_seconds(time)) if time else "<unknown>"


def created(obj: dict[str, Any]) -> str:
    """Write an object's age."""
    return age(obj["metadata"].get("creationTimestamp"))


def selector_text(selector: dict[str, Any] | None) -> str:
    """Write an object's own selector."""
    if not selector:
        return "<none>"
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or []:
        values = f" ({','.join(sorted(one.get('values') or []))})"
        text = {"In": f"{one['key']} in{values}", "NotIn": f"{one['key']} notin{values}", "Exists": one["key"]}
        terms.append(text.get(one["operator"], f"!{one['key']}"))
    return ",".join(terms) or "<none>"


def labels_text(labels: dict[str, str] | None) -> str:
    """Write labels as a selector would."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "<none>"
