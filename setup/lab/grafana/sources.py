"""Data sources: which there are, and what the API tells about them."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from .errors import ApiError
from .frames import Json
from .upstream import QueryError, Upstream


class DataSources:
    """The data sources by uid; the first one is the default."""

    def __init__(self, sources: Iterable[Upstream]) -> None:
        self._by_uid = {source.uid: source for source in sources}

    def all(self) -> list[Upstream]:
        """Return every data source, by name, as Grafana lists them."""
        return sorted(self._by_uid.values(), key=lambda source: source.name)

    def is_default(self, source: Upstream) -> bool:
        """Return whether `source` is the default one."""
        return next(iter(self._by_uid.values())) is source

    def by_uid(self, uid: str, missing: str = "Data source not found") -> Upstream:
        """Return the data source `uid`; raises ApiError (404) with the message `missing`."""
        source = self._by_uid.get(uid)
        if source is None:
            raise ApiError(404, missing)
        return source

    def by_name(self, name: str) -> Upstream:
        """Return the data source `name`; raises ApiError (404)."""
        for source in self._by_uid.values():
            if source.name == name:
                return source
        raise ApiError(404, "Data source not found")

    def by_query(self, query: Json) -> Upstream:
        """Return the data source that a query of /api/ds/query names; raises ApiError (400 or 404).

        Grafana takes {"datasource": {"uid", "type"}} and, from older days, {"datasource": "<uid>"}.
        """
        named = query.get("datasource")
        uid = named.get("uid") if isinstance(named, dict) else named
        kind = named.get("type") if isinstance(named, dict) else None
        if not isinstance(uid, str) or not uid:
            raise ApiError(
                400,
                "Query does not contain a valid data source identifier",
                message_id="query.invalidDatasourceId",
            )
        if uid not in self._by_uid and kind and kind not in {source.type for source in self.all()}:
            raise ApiError(400, f"data sources of type {kind} are not supported here")
        return self.by_uid(uid)


SOURCES = web.AppKey("sources", DataSources)


async def list_sources(request: web.Request) -> web.Response:
    """GET /api/datasources."""
    sources = request.app[SOURCES]
    return web.json_response([_item(sources, source) for source in sources.all()])


async def source_by_uid(request: web.Request) -> web.Response:
    """GET /api/datasources/uid/:uid."""
    sources = request.app[SOURCES]
    return web.json_response(_detail(sources, sources.by_uid(request.match_info["uid"])))


async def source_by_name(request: web.Request) -> web.Response:
    """GET /api/datasources/name/:name."""
    sources = request.app[SOURCES]
    return web.json_response(_detail(sources, sources.by_name(request.match_info["name"])))


async def source_health(request: web.Request) -> web.Response:
    """GET /api/datasources/uid/:uid/health: 200, or 400 when the data source does not answer."""
    source = request.app[SOURCES].by_uid(request.match_info["uid"])
    try:
        await source.health()
    except QueryError as error:
        message = f"{error} - {source.unhealthy}"
        return web.json_response({"message": message, "status": "ERROR"}, status=400)
    return web.json_response({"message": source.healthy, "status": "OK"})


def _item(sources: DataSources, source: Upstream) -> Json:
    return {
        "id": source.id,
        "uid": source.uid,
        "orgId": 1,
        "name": source.name,
        "type": source.type,
        "typeName": source.type.capitalize(),
        "typeLogoUrl": "",
        "access": "proxy",
        "url": source.url,
        "user": "",
        "database": "",
        "basicAuth": False,
        "isDefault": sources.is_default(source),
        "jsonData": source.json_data(),
        "readOnly": True,
    }


def _detail(sources: DataSources, source: Upstream) -> Json:
    detail = _item(sources, source)
    del detail["typeName"]
    return detail | {"basicAuthUser": "", "withCredentials": False, "secureJsonFields": {}, "version": 1}
