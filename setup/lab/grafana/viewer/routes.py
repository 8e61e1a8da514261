"""The viewer's addresses, as Grafana's: /, /d/<uid>/<slug>?var-x=..., /explore?panes=...; and /trace/<id>."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from chaosext.report.svg.markup import Markup, join, tag

from ..annotation_store import AnnotationStore
from ..durations import parse_time
from ..errors import ApiError
from ..frames import Json
from ..promquery import TimeRange
from ..sources import DataSources
from ..upstream import QueryError, SourceDown, Upstream
from .asking import Answer
from .engine import Engine, panel_html
from .guard import viewer
from .model import Dashboard, Library, dashboard_of, items, part
from .page import STATIC, controls, dashboard_links, document, grid, style
from .resolve import Asked
from .trace import trace_page
from .variables import Scope
from .view import View, nothing

_OK = 200
_ID = re.compile(r"[0-9a-fA-F]{1,32}")
_TYPES = {"live.js": "text/javascript", "icon.svg": "image/svg+xml"}


@dataclass(frozen=True)
class Viewer:
    """What the pages are made from. `shop` is the storefront's address, "" without one."""

    library: Library
    engine: Engine
    sources: DataSources
    shop: str


VIEWER = web.AppKey("viewer", Viewer)


def make(folder: Path, sources: DataSources, annotations: AnnotationStore, shop: str) -> Viewer:
    """Return a viewer of the dashboards in a folder."""
    return Viewer(Library(folder), Engine(sources, annotations), sources, shop)


def routes() -> list[web.RouteDef]:
    """Return the routes; all of them only read."""
    return [
        web.get("/", home),
        web.get("/d/{uid}", dashboard),
        web.get("/d/{uid}/{slug}", dashboard),
        web.get("/trace/{id}", trace),
        web.get("/explore", explore),
        web.get("/viewer/panels/{uid}", panels),
        web.get("/viewer/home", home_parts),
        web.get("/viewer/trace/{id}", trace_parts),
        web.get("/viewer/style.css", stylesheet),
        web.get("/viewer/{name:live.js|icon.svg}", static),
    ]


@viewer
async def dashboard(request: web.Request) -> web.Response:
    """GET /d/<uid>: the dashboard with the variables and the time range of the address."""
    shown = _dashboard(request)
    about = request.app[VIEWER]
    drawn = await about.engine.draw(shown, _asked(request))
    # A fixed time range has no news.
    live = f"/viewer/panels/{quote(shown.uid)}?{request.query_string}" if "now" in drawn.scope.times[1] else ""
    return _html(
        document(
            shown.title,
            dashboard_links(about.library.all(), shown, drawn.scope),
            controls(shown, drawn.scope),
            grid([drawn.panels]),
            live=live,
        )
    )


@viewer
async def panels(request: web.Request) -> web.Response:
    """GET /viewer/panels/<uid>: the panels alone, for the page's script."""
    drawn = await request.app[VIEWER].engine.draw(_dashboard(request), _asked(request))
    return _html(grid([drawn.panels]))


@viewer
async def trace(request: web.Request) -> web.Response:
    """GET /trace/<id>: the waterfall and the logs of one trace."""
    return await _trace(request, request.match_info["id"])


@viewer
async def trace_parts(request: web.Request) -> web.Response:
    """GET /viewer/trace/<id>: the content of a trace's page, for its script."""
    about = request.app[VIEWER]
    _, content, _ = await trace_page(_trace_id(request.match_info["id"]), about.sources, about.engine.asker)
    return _html(join(content))


@viewer
async def explore(request: web.Request) -> web.Response:
    """GET /explore?panes=...: what a link to Grafana's Explore asks: a trace, traces, log lines."""
    queries, times = _panes(request.query.get("panes", request.query.get("left", "")))
    traces = [q for q in queries if _ID.fullmatch(str(q.get("query") or "").strip())]
    if traces:
        return await _trace(request, str(traces[0]["query"]).strip())
    about = request.app[VIEWER]
    now = time.time_ns() // 1_000_000
    window = TimeRange(parse_time("from", times[0], now), parse_time("to", times[1], now))
    scope = Scope({}, window.start_ms, window.end_ms, times)
    found = [await _explored(about, query, scope, n) for n, query in enumerate(queries, start=1)]
    return _html(document("Explore", grid(found) if found else nothing("The address holds no query.")))


async def _explored(about: Viewer, query: Json, scope: Scope, number: int) -> Markup:
    source = about.sources.by_query(query)
    kind = {"loki": "logs", "tempo": "table"}.get(source.type, "timeseries")
    text = str(query.get("expr") or query.get("query") or "")
    panel = {"id": number, "type": kind, "title": text, "gridPos": {"w": 24, "h": 16}}
    made = dashboard_of({"uid": "explore", "title": "Explore", "panels": [panel]}).panels[0]
    window = TimeRange(scope.start_ms, scope.end_ms)
    serial, frames, error = await about.engine.asker.ask(source, query, window)
    answer = Answer(serial, str(query.get("refId") or "A"), query, frames, error, source)
    return panel_html(View(made, [answer], scope, height=400), "h2")


@viewer
async def home(request: web.Request) -> web.Response:
    """GET /: the dashboards, how the lab is doing, the way to the shop."""
    parts = await _home_parts(request.app[VIEWER])
    return _html(document("The lab's dashboards", *parts, live="/viewer/home"))


@viewer
async def home_parts(request: web.Request) -> web.Response:
    """GET /viewer/home: the content of /, for the page's script."""
    return _html(join(await _home_parts(request.app[VIEWER])))


@viewer
async def stylesheet(_request: web.Request) -> web.Response:
    """GET /viewer/style.css."""
    return web.Response(text=style(), content_type="text/css", charset="utf-8")


@viewer
async def static(request: web.Request) -> web.Response:
    """GET the page's script or icon."""
    name = request.match_info["name"]
    text = (STATIC / name).read_text(encoding="utf-8")
    return web.Response(text=text, content_type=_TYPES[name], charset="utf-8")


def _trace_id(given: str) -> str:
    if not _ID.fullmatch(given):
        raise ApiError(400, f"{given[:80]!r} is no trace id: expected up to 32 hexadecimal digits")
    return given


async def _trace(request: web.Request, given: str) -> web.Response:
    trace_id = _trace_id(given)
    about = request.app[VIEWER]
    title, content, more = await trace_page(trace_id, about.sources, about.engine.asker)
    # A log line is there before its spans are: who follows its link at once sees them come.
    return _html(document(title, *content, live=f"/viewer/trace/{trace_id}" if more else ""))


def _dashboard(request: web.Request) -> Dashboard:
    uid = request.match_info["uid"]
    found = request.app[VIEWER].library.get(uid)
    if found is None:
        raise ApiError(404, f"There is no dashboard {uid[:80]!r} in dashboards/.")
    return found


def _asked(request: web.Request) -> Asked:
    known = {name for name in request.query if name in {"from", "to"} or name.startswith("var-")}
    return {name: request.query.getall(name) for name in known}


def _panes(written: str) -> tuple[list[Json], tuple[str, str]]:
    """Return the queries and the time range of an Explore link; raises ApiError (400) when it is none.

    `panes` holds an object of panes by name, the older `left` one pane.
    """
    try:
        given = json.loads(written or "{}")
        panes = [given] if "queries" in given else [pane for pane in given.values() if isinstance(pane, dict)]
    except (ValueError, AttributeError, TypeError):
        raise ApiError(400, "The address of Explore holds no JSON that can be read.") from None
    queries = []
    for pane in panes:
        default = pane.get("datasource")
        queries += [{"datasource": {"uid": default}, **query} for query in items(pane, "queries")]
    times = part(panes[0], "range") if panes else {}
    return queries, (str(times.get("from") or "now-1h"), str(times.get("to") or "now"))


async def _home_parts(about: Viewer) -> list[Markup]:
    listed = [
        tag(
            "li",
            tag(
                "article",
                tag("a", found.title, href=found.path),
                tag("p", found.description) if found.description else None,
                class_="panel",
            ),
        )
        for found in about.library.all()
    ]
    shop = tag("p", "The shop: ", tag("a", about.shop, href=about.shop)) if about.shop else None
    status, firing = await asyncio.gather(
        asyncio.gather(*(_health(source) for source in about.sources.all())), _firing(about.sources)
    )
    state = tag(
        "section",
        tag("h2", "The lab now"),
        shop,
        tag("p", "Data sources: ", status),
        tag("p", "Alerts firing: ", firing),
        [tag("p", why, class_="error") for why in about.library.broken()],
        class_="panel page-part",
        id="state",
    )
    boards = tag("ul", listed, class_="home-list") if listed else nothing("There is no file in dashboards/.")
    api = tag(
        "p",
        "This port also answers the part of Grafana's HTTP API that the experiments use; all of it but ",
        tag("a", "/api/health", href="/api/health"),
        " asks for the lab's token: ",
        tag("code", "Authorization: Bearer $GRAFANA_TOKEN"),
        ". What it knows and what it does not: setup/lab/README.md.",
        class_="soft",
    )
    return [state, tag("section", tag("h2", "Dashboards"), boards), api]


async def _health(source: Upstream) -> Markup:
    try:
        await source.health()
    except QueryError as error:
        return tag("span", f"✕ {source.name}", class_="pill bad", title=str(error))
    return tag("span", f"✓ {source.name}", class_="pill good")


async def _firing(sources: DataSources) -> list[Markup]:
    source = next(source for source in sources.all() if sources.is_default(source))
    try:
        reply = await source.fetch("GET", f"{source.rules_path}/alerts")
        alerts = json.loads(reply.payload)["data"]["alerts"] if reply.status == _OK else None
    except (SourceDown, ValueError, KeyError, TypeError):
        alerts = None
    if alerts is None:
        return [tag("span", "not known", class_="pill")]
    names = sorted({alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"})
    return [tag("span", f"✕ {name}", class_="pill bad") for name in names] or [
        tag("span", "none", class_="pill good")
    ]


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", charset="utf-8")
