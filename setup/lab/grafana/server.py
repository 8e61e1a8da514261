"""The stand-in as a server: its settings, its routes, its life cycle."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from . import annotations as annotations_api  # __future__ has taken the plain name
from . import dashboards, folders, home, proxy, query, sources, store
from .annotation_store import AnnotationStore
from .auth import auth_middleware
from .dashboard_store import DashboardStore
from .errors import error_middleware, http_log
from .loki import Loki
from .prometheus import Prometheus
from .sources import DataSources
from .tempo import Tempo
from .upstream import Upstream
from .viewer import routes as viewer

MAX_BODY_BYTES = 4 * 1024 * 1024  # of a request; a large dashboard has a tenth of it
MAX_CONNECTIONS = 20  # to the data sources; Prometheus runs 20 queries at a time
DASHBOARDS = Path(__file__).parents[3] / "dashboards"  # the repository's
SHUTDOWN_SECONDS = 2.0  # that requests under way have when the server stops


@dataclass(frozen=True)
class GrafanaSettings:
    """Where to listen (port 0: a free one), the API token, the data sources' addresses, where to keep state.

    Without `loki_url` there is no data source of type loki, without `tempo_url` none of type tempo.
    `scrape_interval_seconds` is Prometheus'; `timeout_seconds` bounds each request to a data source.
    `dashboards_dir` holds the dashboards that the viewer shows, `shop_url` is the storefront it links to.
    """

    host: str
    port: int
    token: str = field(repr=False)
    prometheus_url: str
    state_dir: Path
    loki_url: str = ""
    tempo_url: str = ""
    scrape_interval_seconds: float = 1.0
    timeout_seconds: float = 10.0
    dashboards_dir: Path = DASHBOARDS
    shop_url: str = ""

    def __post_init__(self) -> None:
        if not self.token:
            raise ValueError("the token of the Grafana API is empty; everybody would be let in")


async def serve(settings: GrafanaSettings) -> web.AppRunner:
    """Start the server and return its runner; `runner.addresses` has the port, `runner.cleanup()` stops it.

    Raises OSError when the port is taken or `state_dir` cannot be written, sqlite3.Error when the database in
    it cannot be opened; nothing is left running then.
    """
    app = _application(settings, store.connect(settings.state_dir))
    runner = web.AppRunner(app, access_log=None, logger=http_log(), shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def _application(settings: GrafanaSettings, database: sqlite3.Connection) -> web.Application:
    app = web.Application(
        middlewares=[error_middleware, auth_middleware(settings.token)], client_max_size=MAX_BODY_BYTES
    )
    app[home.DATABASE] = database
    app[annotations_api.ANNOTATIONS] = AnnotationStore(database)
    app[dashboards.DASHBOARDS] = DashboardStore(database)

    async def resources(app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS)
        # Each request has a deadline of its own; the lab is on this machine, so no proxy of the environment.
        async with aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=None), trust_env=False
        ) as session:
            found = app[sources.SOURCES] = DataSources(_sources(settings, session))
            annotations = app[annotations_api.ANNOTATIONS]
            app[viewer.VIEWER] = viewer.make(settings.dashboards_dir, found, annotations, settings.shop_url)
            yield
        database.close()

    app.cleanup_ctx.append(resources)
    app.add_routes(_routes())
    return app


def _sources(settings: GrafanaSettings, session: aiohttp.ClientSession) -> list[Upstream]:
    """Return the data sources, the default one first."""
    found: list[Upstream] = [_prometheus(settings, session)]
    if settings.loki_url:
        found.append(_loki(settings, session))
    if settings.tempo_url:
        found.append(_tempo(settings, session))
    return found


def _prometheus(settings: GrafanaSettings, session: aiohttp.ClientSession) -> Prometheus:
    return Prometheus(
        id=1,
        uid="prometheus",
        name="Prometheus",
        url=settings.prometheus_url,
        session=session,
        scrape_ms=round(settings.scrape_interval_seconds * 1000),
        traces_uid="tempo" if settings.tempo_url else "",
        timeout_seconds=settings.timeout_seconds,
    )


def _loki(settings: GrafanaSettings, session: aiohttp.ClientSession) -> Loki:
    return Loki(
        id=2,
        uid="loki",
        name="Loki",
        url=settings.loki_url,
        session=session,
        timeout_seconds=settings.timeout_seconds,
        traces_uid="tempo" if settings.tempo_url else "",
    )


def _tempo(settings: GrafanaSettings, session: aiohttp.ClientSession) -> Tempo:
    return Tempo(
        id=3,
        uid="tempo",
        name="Tempo",
        url=settings.tempo_url,
        session=session,
        timeout_seconds=settings.timeout_seconds,
        logs_uid="loki" if settings.loki_url else "",
    )


def _routes() -> list[web.RouteDef]:
    return [
        *viewer.routes(),
        web.get("/api/health", home.health),
        web.get("/api/org", home.org),
        web.get("/api/datasources", sources.list_sources),
        web.get("/api/datasources/uid/{uid}", sources.source_by_uid),
        web.get("/api/datasources/name/{name}", sources.source_by_name),
        web.get("/api/datasources/uid/{uid}/health", sources.source_health),
        web.get("/api/datasources/proxy/uid/{uid}/{path:.*}", proxy.proxy, allow_head=False),
        web.post("/api/datasources/proxy/uid/{uid}/{path:.*}", proxy.proxy),
        web.post("/api/ds/query", query.ds_query),
        web.get("/api/prometheus/grafana/api/v1/{kind:rules|alerts}", proxy.grafana_rules),
        web.get("/api/prometheus/{uid}/api/v1/{kind:rules|alerts}", proxy.source_rules),
        *annotations_api.routes(),
        *dashboards.routes(),
        *folders.routes(),
    ]
