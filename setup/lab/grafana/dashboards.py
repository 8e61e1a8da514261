"""The dashboards API: /api/dashboards."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime

from aiohttp import web

from . import body
from .dashboard_store import Dashboard, DashboardStore
from .errors import ApiError, bad_request_data
from .frames import Json

MAX_UID_LENGTH = 40

DASHBOARDS = web.AppKey("dashboards", DashboardStore)


def routes() -> list[web.RouteDef]:
    """Return the routes of this API."""
    return [
        web.post("/api/dashboards/db", save),
        web.get("/api/dashboards/uid/{uid}", show),
        web.delete("/api/dashboards/uid/{uid}", delete),
    ]


async def save(request: web.Request) -> web.Response:
    """POST /db: make a dashboard, or a new version of one; 412 when another has changed it meanwhile."""
    given = await body.json_object(request)
    model = body.mapping(given, "dashboard")
    if model is None:
        raise bad_request_data()
    store = request.app[DASHBOARDS]
    folder_uid = _folder_uid(store, given)
    seen_version, overwrite = body.whole(model, "version"), body.flag(given, "overwrite")
    dashboard = _existing(store, model) or _new(model)
    if dashboard.id and dashboard.version != seen_version and not overwrite:
        raise ApiError(
            412, "The dashboard has been changed by someone else", extra={"status": "version-mismatch"}
        )
    dashboard.title = title_of(model)
    dashboard.folder_uid = folder_uid
    dashboard.updated = now()
    dashboard.model = model
    store.save(dashboard)
    return web.json_response(
        {
            "id": dashboard.id,
            "uid": dashboard.uid,
            "url": url_of(dashboard),
            "status": "success",
            "version": dashboard.version,
            "slug": slug(dashboard.title),
            "folderUid": dashboard.folder_uid,
        }
    )


async def show(request: web.Request) -> web.Response:
    """GET /uid/:uid: the model and what is known of it."""
    store = request.app[DASHBOARDS]
    dashboard = _found(store, request)
    folder = store.folder(dashboard.folder_uid)
    meta = {
        "type": "db",
        "canSave": True,
        "canEdit": True,
        "canAdmin": False,
        "canStar": False,
        "canDelete": True,
        "slug": slug(dashboard.title),
        "url": url_of(dashboard),
        "expires": "0001-01-01T00:00:00Z",
        "created": rfc3339(dashboard.created),
        "updated": rfc3339(dashboard.updated),
        "version": dashboard.version,
        "hasAcl": False,
        "isFolder": False,
        "folderUid": dashboard.folder_uid,
        "folderTitle": folder.title if folder else "General",
        "folderUrl": f"/dashboards/f/{folder.uid}/{slug(folder.title)}" if folder else "",
        "provisioned": False,
    }
    return web.json_response({"meta": meta, "dashboard": dashboard.model})


async def delete(request: web.Request) -> web.Response:
    """DELETE /uid/:uid."""
    store = request.app[DASHBOARDS]
    dashboard = _found(store, request)
    store.delete(dashboard.uid)
    message = f"Dashboard {dashboard.title} deleted"
    return web.json_response({"id": dashboard.id, "title": dashboard.title, "message": message})


def valid_uid(uid: str) -> str:
    """Return `uid`, or a new one when it is empty; raises ApiError (400) when no uid may look like this."""
    if not re.fullmatch(r"[a-zA-Z0-9_-]*", uid):
        raise ApiError(400, "uid contains illegal characters")
    if len(uid) > MAX_UID_LENGTH:
        raise ApiError(400, "uid too long, max 40 characters")
    return uid or secrets.token_hex(7)


def title_of(model: Json) -> str:
    """Return the dashboard's title; raises ApiError (400) when it has none."""
    title = body.text(model, "title").strip()
    if not title:
        raise ApiError(400, "Dashboard title cannot be empty", extra={"status": "empty-name"})
    return title


def slug(title: str) -> str:
    """Return the title as it stands in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def url_of(dashboard: Dashboard) -> str:
    """Return the dashboard's path."""
    return f"/d/{dashboard.uid}/{slug(dashboard.title)}"


def rfc3339(moment_ms: int) -> str:
    """Return epoch milliseconds as Go writes a time."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def now() -> int:
    """Return the epoch milliseconds of this moment."""
    return time.time_ns() // 1_000_000


def _found(store: DashboardStore, request: web.Request) -> Dashboard:
    dashboard = store.dashboard(request.match_info["uid"])
    if dashboard is None:
        raise _not_found()
    return dashboard


def _not_found() -> ApiError:
    return ApiError(404, "Dashboard not found", extra={"status": "not-found"})


def _folder_uid(store: DashboardStore, given: Json) -> str:
    uid = body.text(given, "folderUid")
    if uid in {"", "general"}:
        return ""
    if store.folder(uid) is None:
        raise ApiError(400, "folder not found")
    return uid


def _existing(store: DashboardStore, model: Json) -> Dashboard | None:
    number = body.whole(model, "id")
    if not number:
        return store.dashboard(body.text(model, "uid"))
    dashboard = store.dashboard_by_id(number)
    if dashboard is None:
        raise _not_found()
    if body.text(model, "uid") not in {"", dashboard.uid}:
        raise ApiError(400, "the dashboard has another uid; a uid cannot be changed here")
    return dashboard


def _new(model: Json) -> Dashboard:
    moment = now()
    uid = valid_uid(body.text(model, "uid"))
    return Dashboard(uid=uid, title="", folder_uid="", created=moment, updated=moment)
