"""The annotations API: /api/annotations."""

from __future__ import annotations

import time

from aiohttp import web

from . import body
from . import tags as tagging
from .annotation_store import Annotation, AnnotationStore, Search
from .errors import ApiError
from .frames import Json

MAX_LIMIT = 10_000
DEFAULT_LIMIT = 100

ANNOTATIONS = web.AppKey("annotations", AnnotationStore)


def routes() -> list[web.RouteDef]:
    """Return the routes of this API."""
    return [
        web.get("/api/annotations", find),
        web.post("/api/annotations", create),
        web.get("/api/annotations/tags", find_tags),
        web.get("/api/annotations/{id}", show),
        web.put("/api/annotations/{id}", replace),
        web.patch("/api/annotations/{id}", change),
        web.delete("/api/annotations/{id}", delete),
    ]


async def create(request: web.Request) -> web.Response:
    """POST: a region when timeEnd is given, else a point; without time, now."""
    given = await body.json_object(request)
    now = _now()
    annotation = Annotation(
        dashboard_uid=body.text(given, "dashboardUID"),
        panel_id=body.whole(given, "panelId"),
        time=body.whole(given, "time") or now,
        time_end=body.whole(given, "timeEnd"),
        text=body.text(given, "text"),
        tags=tagging.parse(body.texts(given, "tags") or []),
        data=body.mapping(given, "data") or {},
        created=now,
        updated=now,
    )
    if not annotation.text:
        raise ApiError(400, "Failed to save annotation", extra={"error": "text field should not be empty"})
    _put_in_order(annotation)
    annotation_id = request.app[ANNOTATIONS].add(annotation)
    return web.json_response({"message": "Annotation added", "id": annotation_id})


async def show(request: web.Request) -> web.Response:
    """GET one by id."""
    return web.json_response(_shown(_existing(request)))


async def replace(request: web.Request) -> web.Response:
    """PUT: text and tags become what is given, even nothing; times and data only when given."""
    annotation = _existing(request)
    given = await body.json_object(request)
    annotation.text = body.text(given, "text")
    annotation.tags = tagging.parse(body.texts(given, "tags") or [])
    _change_common(annotation, given)
    request.app[ANNOTATIONS].update(annotation)
    return web.json_response({"message": "Annotation updated"})


async def change(request: web.Request) -> web.Response:
    """PATCH: only what is given changes."""
    annotation = _existing(request)
    given = await body.json_object(request)
    annotation.text = body.text(given, "text") or annotation.text
    new_tags = body.texts(given, "tags")
    if new_tags is not None:
        annotation.tags = tagging.parse(new_tags)
    _change_common(annotation, given)
    request.app[ANNOTATIONS].update(annotation)
    return web.json_response({"message": "Annotation patched"})


async def delete(request: web.Request) -> web.Response:
    """DELETE one by id."""
    request.app[ANNOTATIONS].delete(_existing(request).id)
    return web.json_response({"message": "Annotation deleted"})


async def find(request: web.Request) -> web.Response:
    """GET with from, to (both, in ms), tags, matchAny, dashboardUID, panelId, type, limit; newest first."""
    if request.query.get("type") == "alert":
        return web.json_response([])  # those that alert rules make, and there are no such rules
    search = Search(
        start=body.whole_parameter(request, "from"),
        end=body.whole_parameter(request, "to"),
        tags=tagging.parse(request.query.getall("tags", [])),
        match_any=request.query.get("matchAny") in {"true", "1"},
        dashboard_uid=request.query.get("dashboardUID", ""),
        panel_id=body.whole_parameter(request, "panelId"),
        limit=_limit(request),
    )
    return web.json_response([_shown(found) for found in request.app[ANNOTATIONS].find(search)])


async def find_tags(request: web.Request) -> web.Response:
    """GET the tags in use, those with `tag` in them."""
    found = request.app[ANNOTATIONS].tags(request.query.get("tag", ""), _limit(request))
    return web.json_response({"result": {"tags": [{"tag": tag, "count": uses} for tag, uses in found]}})


def _limit(request: web.Request) -> int:
    limit = body.whole_parameter(request, "limit")
    return min(limit, MAX_LIMIT) if limit > 0 else DEFAULT_LIMIT


def _existing(request: web.Request) -> Annotation:
    number = request.match_info["id"]
    if not (number.isascii() and number.isdigit()) or int(number) >= 1 << 63:
        raise ApiError(400, "annotationId is invalid")
    annotation = request.app[ANNOTATIONS].get(int(number))
    if annotation is None:
        raise ApiError(404, "Annotation not found")
    return annotation


def _change_common(annotation: Annotation, given: Json) -> None:
    annotation.time = body.whole(given, "time") or annotation.time
    annotation.time_end = body.whole(given, "timeEnd") or annotation.time_end
    annotation.data = body.mapping(given, "data") or annotation.data
    annotation.updated = _now()
    _put_in_order(annotation)


def _put_in_order(annotation: Annotation) -> None:
    """Make the end the later of the two times, and refuse too many tags."""
    annotation.time_end = annotation.time_end or annotation.time
    annotation.time, annotation.time_end = sorted((annotation.time, annotation.time_end))
    length = tagging.length(annotation.tags)
    if length > tagging.MAX_LENGTH:
        raise ApiError(
            400,
            f"tags length ({length}) exceeds the maximum allowed ({tagging.MAX_LENGTH})",
            message_id="annotations.tag-limit-exceeded",
        )


def _shown(annotation: Annotation) -> Json:
    return {
        "id": annotation.id,
        "alertId": 0,
        "alertName": "",
        "dashboardId": 0,
        "dashboardUID": annotation.dashboard_uid or None,
        "panelId": annotation.panel_id,
        "userId": 0,
        "userName": "",
        "newState": "",
        "prevState": "",
        "created": annotation.created,
        "updated": annotation.updated,
        "time": annotation.time,
        "timeEnd": annotation.time_end,
        "text": annotation.text,
        "tags": [tagging.join(*tag) for tag in annotation.tags],
        "login": "",
        "email": "",
        "avatarUrl": "",
        "data": annotation.data,
    }


def _now() -> int:
    return time.time_ns() // 1_000_000
