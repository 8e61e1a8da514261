"""Folders and the search over them and dashboards: /api/folders and /api/search."""

from __future__ import annotations

from aiohttp import web

from . import body
from .dashboard_store import Dashboard, Folder
from .dashboards import DASHBOARDS, now, rfc3339, slug, url_of, valid_uid
from .errors import ApiError
from .frames import Json

MAX_RESULTS = 1000


def routes() -> list[web.RouteDef]:
    """Return the routes of these APIs."""
    return [
        web.get("/api/folders", list_folders),
        web.post("/api/folders", create),
        web.get("/api/folders/{uid}", show),
        web.get("/api/search", search),
    ]


async def list_folders(request: web.Request) -> web.Response:
    """GET /api/folders."""
    folders = request.app[DASHBOARDS].folders()
    return web.json_response([{"id": f.id, "uid": f.uid, "title": f.title} for f in folders])


async def create(request: web.Request) -> web.Response:
    """POST /api/folders; 409 when the uid is taken."""
    given = await body.json_object(request)
    folder = Folder(valid_uid(body.text(given, "uid")), body.text(given, "title").strip(), now())
    if not folder.title:
        raise ApiError(400, "folder title cannot be empty")
    if body.text(given, "parentUid"):
        raise ApiError(400, "nested folders are not supported here")
    store = request.app[DASHBOARDS]
    if store.folder(folder.uid) or store.dashboard(folder.uid):
        raise ApiError(409, "a folder/dashboard with the same uid already exists")
    store.add_folder(folder)
    return web.json_response(_shown(folder))


async def show(request: web.Request) -> web.Response:
    """GET /api/folders/:uid."""
    folder = request.app[DASHBOARDS].folder(request.match_info["uid"])
    if folder is None:
        raise ApiError(404, "folder not found", extra={"status": "not-found"})
    return web.json_response(_shown(folder))


async def search(request: web.Request) -> web.Response:
    """GET /api/search with query, type (dash-db, dash-folder), tag (all of them), folderUIDs, limit, page."""
    store = request.app[DASHBOARDS]
    folders = {folder.uid: folder for folder in store.folders()}
    kind, tags = request.query.get("type", ""), set(request.query.getall("tag", []))
    uids = {uid for given in request.query.getall("folderUIDs", []) for uid in given.split(",") if uid}
    hits = [_folder_hit(folder) for folder in folders.values()] if not tags and not uids else []
    hits += [
        _dashboard_hit(dashboard, folders.get(dashboard.folder_uid))
        for dashboard in store.dashboards()
        if not uids or (dashboard.folder_uid or "general") in uids
    ]
    words = request.query.get("query", "").lower()
    hits = [
        hit
        for hit in hits
        if words in hit["title"].lower() and kind in {"", hit["type"]} and tags <= set(hit["tags"])
    ]
    limit = body.whole_parameter(request, "limit")
    size = min(limit, MAX_RESULTS) if limit > 0 else MAX_RESULTS
    start = max(body.whole_parameter(request, "page") - 1, 0) * size
    return web.json_response(hits[start : start + size])


def _folder_hit(folder: Folder) -> Json:
    about = {"id": folder.id, "uid": folder.uid, "title": folder.title, "url": _url(folder)}
    return about | _hit(folder.title, "dash-folder")


def _dashboard_hit(dashboard: Dashboard, folder: Folder | None) -> Json:
    about = {"id": dashboard.id, "uid": dashboard.uid, "title": dashboard.title, "url": url_of(dashboard)}
    hit = about | _hit(dashboard.title, "dash-db")
    tags = dashboard.model.get("tags")
    if isinstance(tags, list):
        hit["tags"] = [tag for tag in tags if isinstance(tag, str)]
    if folder:
        hit |= {"folderUid": folder.uid, "folderTitle": folder.title, "folderUrl": _url(folder)}
    return hit


def _hit(title: str, kind: str) -> Json:
    return {
        "orgId": 1,
        "uri": f"db/{slug(title)}",
        "slug": "",
        "type": kind,
        "tags": [],
        "isStarred": False,
        "sortMeta": 0,
        "isDeleted": False,
    }


def _url(folder: Folder) -> str:
    return f"/dashboards/f/{folder.uid}/{slug(folder.title)}"


def _shown(folder: Folder) -> Json:
    return {
        "id": folder.id,
        "uid": folder.uid,
        "orgId": 1,
        "title": folder.title,
        "url": _url(folder),
        "hasAcl": False,
        "canSave": True,
        "canEdit": True,
        "canAdmin": False,
        "canDelete": False,
        "created": rfc3339(folder.created),
        "updated": rfc3339(folder.created),
        "version": 1,
    }
