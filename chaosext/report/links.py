"""Links into Grafana, with the time range of a run. They hold no token: a reader logs in as usual."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from ..result import Verification
from .events import length

__all__ = ["component_link", "overview_link"]


def overview_link(v: Verification) -> str | None:
    """Return the link to the overview of all services; None when there is no such dashboard or no Grafana."""
    return _dashboard(v, v.about.architecture.overview, {}) if v.about.architecture else None


def component_link(v: Verification, component: str) -> str | None:
    """Return the link to a component's dashboard; None when there is none."""
    if (architecture := v.about.architecture) is None:
        return None
    uid, variables = architecture.leads_to(component)
    return _dashboard(v, uid, {f"var-{name}": value for name, value in variables.items()})


def _dashboard(v: Verification, uid: str, variables: dict[str, str]) -> str | None:
    base = v.about.grafana_url or ""
    # A link is followed by a click: whoever wrote the JSON, only an address of the web becomes one.
    if not uid or urlsplit(base).scheme not in {"http", "https"}:
        return None
    try:
        start = datetime.fromisoformat(v.started)
    except ValueError:
        return None
    margin = timedelta(seconds=v.short_window_seconds)
    end = start + timedelta(seconds=max(length(v), v.duration_seconds)) + margin
    times = {"from": _milliseconds(start - margin), "to": _milliseconds(end)}
    return f"{base.rstrip('/')}/d/{quote(uid, safe='')}?{urlencode({**times, **variables})}"


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
