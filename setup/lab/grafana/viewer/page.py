"""The HTML around panels: head, navigation, variables, time range, the grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chaosext.report.svg.markup import Child, Markup, join, tag
from chaosext.report.svg.style import DARK, HUES, LIGHT, STYLE

from .model import Dashboard
from .units import clock
from .variables import Scope, Variable
from .view import href

WHAT = "A viewer of this repository's dashboards, not Grafana"
STATIC = Path(__file__).with_name("static")
REFRESH_SECONDS = 2
_RANGES = ("now-5m", "now-15m", "now-1h", "now-3h")


def document(title: str, *content: Child, live: str = "", brand: Child = None) -> str:
    """Return a whole page; with `live`, the address of what its script fetches anew."""
    again = tag("meta", http_equiv="refresh", content=REFRESH_SECONDS) if live else None
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} · lab viewer"),
        tag("link", rel="icon", href="/viewer/icon.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href="/viewer/style.css"),
        tag("noscript", again) if again else None,
        tag("script", Markup(), src="/viewer/live.js", defer=True),
    )
    top = tag(
        "header",
        tag("a", "Dashboards", href="/", class_="home"),
        tag("h1", title),
        brand,
        tag("p", WHAT, class_="what-it-is"),
    )
    body = tag("body", top, tag("main", *content, id="live", data_live=live or None))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def problem(text: str) -> str:
    """Return a page that says what is wrong."""
    return document("This cannot be shown", tag("p", text, class_="nothing"))


def style() -> str:
    """Return the style sheet: the reports' palette and drawings, and the viewer's own."""
    columns = "".join(
        f".x{n}{{grid-column-start:{n + 1}}}.w{n + 1}{{grid-column-end:span {n + 1}}}" for n in range(24)
    )
    rows = "".join(f".h{n}{{grid-row-end:span {n}}}" for n in range(1, 41))
    keys = "".join(f".key.hue-{n}{{background:var(--hue-{n})}}" for n in range(1, HUES + 1))
    own = (STATIC / "viewer.css").read_text(encoding="utf-8")
    return (
        f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
        f"{STYLE}{keys}{own}@media (min-width:1100px){{{columns}{rows}}}"
    )


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in colours.items())


def controls(dashboard: Dashboard, scope: Scope) -> Markup:
    """Return the choice of variables and of the time range, usable without a script."""
    chosen = [v for v in scope.variables.values() if not v.hidden and v.kind != "datasource" and v.options]
    # What is not chosen here is carried on.
    carried = [v for v in scope.variables.values() if v not in chosen and v.kind != "constant"]
    ranges = [*_RANGES] if scope.times[0] in _RANGES else [scope.times[0], *_RANGES]
    start = tag(
        "select",
        [tag("option", _range_said(r, scope), value=r, selected=r == scope.times[0]) for r in ranges],
        name="from",
    )
    return tag(
        "form",
        [tag("input", type="hidden", name=f"var-{v.name}", value=value) for v in carried for value in v.values],
        [_select(v) for v in chosen],
        tag("label", tag("span", "Time"), start),
        tag("noscript", tag("button", "Show")),
        method="get",
        action=dashboard.path,
        class_="controls",
    )


def _select(variable: Variable) -> Markup:
    known = {value for _, value in variable.options}
    extra = [(value, value) for value in variable.values if value not in known]
    options = [
        tag("option", text, value=value, selected=value in variable.values)
        for text, value in [*variable.options, *extra]
    ]
    return tag(
        "label",
        tag("span", variable.label),
        tag("select", options, name=f"var-{variable.name}"),
    )


def _range_said(start: str, scope: Scope) -> str:
    if start.startswith("now-") and start == scope.times[0] and scope.times[1] != "now":
        return f"{start} to {scope.times[1]}"
    if start.startswith("now-"):
        return (
            f"last {start[4:-1]} {'min' if start.endswith('m') else 'h' if start.endswith('h') else start[-1]}"
        )
    return f"{clock(scope.start_ms)} to {clock(scope.end_ms)}"


def dashboard_links(dashboards: Sequence[Dashboard], current: Dashboard, scope: Scope) -> Markup:
    """Return the way to the other dashboards, with the time range, and the dashboard's own links."""
    times = scope.fill("${__url_time_range}")
    to = [
        tag("a", d.title, href=f"{d.path}?{times}", aria_current="page" if d is current else None)
        for d in dashboards
    ]
    own = []
    for link in current.links:
        address = href(scope.fill(str(link.get("url") or "")))
        if link.get("type") == "link" and address is not None:
            own.append(tag("a", str(link.get("title") or address), href=address))
    return tag("nav", to, own, aria_label="Dashboards")


def grid(panels: Sequence[Child]) -> Markup:
    """Return the panels' grid."""
    return tag("div", join(*panels), class_="grid")
