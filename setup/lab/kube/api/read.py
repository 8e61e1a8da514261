"""GET: one object, lists with selectors and pages, and watches."""

import asyncio
import time
from typing import Any

from aiohttp import web

from lab.kube import tables
from lab.kube.api import continuation
from lab.kube.api.request import Target, whole_number
from lab.kube.api.respond import answer, encode, encode_list, wanted_form
from lab.kube.errors import ApiError, Cause, forbidden_value, invalid, not_supported
from lab.kube.meta import Key
from lab.kube.resources import Resource
from lab.kube.selectors import Predicate, compile_selectors
from lab.kube.store import Store, parse_version
from lab.kube.watch import Subscription

_BOOKMARK_SECONDS = 60.0
_WATCH_SECONDS = 3600.0
_TRUE = ("1", "true", "True")


def get_object(request: web.Request, store: Store, target: Target) -> web.Response:
    """Answer with one object."""
    obj = store.get(target.resource.plural, target.namespace, target.name or "")
    return answer(request, shaped(request, target.resource, obj))


def shaped(request: web.Request, resource: Resource, obj: dict[str, Any]) -> bytes:
    """Return an object's JSON in the form that the client asks for."""
    form = wanted_form(request)
    if form == "Table":
        return encode(tables.table(resource, [obj], obj["metadata"], request.query.get("includeObject", "")))
    if form.startswith("Partial"):
        return encode(tables.partial(obj))
    return encode(obj)


def list_objects(request: web.Request, store: Store, target: Target) -> web.Response:
    """Answer with the objects that match, all or one page; raises ApiError 400, 410, 504."""
    resource, query = target.resource, request.query
    matches = _predicate(request, target)
    limit = whole_number(request, "limit") or 0
    version, start = _list_position(query.get("continue", ""), query, store)
    if version == store.version:
        objects = [obj for obj in store.list(resource.plural, target.namespace) if matches(obj)]
    else:
        try:
            then = store.snapshot(resource.plural, version)
        except ApiError as error:
            raise continuation.too_late(error, start) from None
        objects = [then[key] for key in sorted(then) if matches(then[key])]
    if start:
        objects = [obj for obj in objects if _place(obj) > start]
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if limit and len(objects) > limit:
        if not (query.get("labelSelector") or query.get("fieldSelector")):
            metadata["remainingItemCount"] = len(objects) - limit
        objects = objects[:limit]
        metadata["continue"] = continuation.encode(version, _place(objects[-1]))
    form = wanted_form(request)
    if form == "Table":
        table = tables.table(resource, objects, metadata, query.get("includeObject", ""))
        return answer(request, encode(table))
    if form.startswith("Partial"):
        partial = [tables.partial(obj) for obj in objects]
        return answer(request, encode_list("PartialObjectMetadata", "meta.k8s.io/v1", metadata, partial))
    return answer(request, encode_list(resource.kind, resource.api_version, metadata, objects))


def _predicate(request: web.Request, target: Target) -> Predicate:
    query = request.query
    fields = query.get("fieldSelector", "")
    return compile_selectors(target.resource.plural, target.namespace, query.get("labelSelector", ""), fields)


def _place(obj: dict[str, Any]) -> Key:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _list_position(token: str, query: Any, store: Store) -> tuple[int, Key | None]:
    """Return which version is to be listed, and behind which object; raises ApiError 400, 422, 504."""
    _check_options(_list_causes(query))
    if token:
        version, start = continuation.decode(token)
        return store.version if version == continuation.LATEST else version, start
    text = query.get("resourceVersion", "")
    wanted = parse_version(text) if text else 0
    if wanted > store.version:
        raise ApiError(504, "Timeout", f"Too large resource version: {wanted}, current: {store.version}")
    return wanted if query.get("resourceVersionMatch") == "Exact" else store.version, None


def _check_options(causes: list[Cause]) -> None:
    if causes:
        raise invalid("ListOptions", "meta.k8s.io", "", causes)


def _list_causes(query: Any) -> list[Cause]:
    """After apimachinery's ValidateListOptions."""
    field, match = "resourceVersionMatch", query.get("resourceVersionMatch", "")
    causes = []
    if match and not query.get("resourceVersion"):
        causes.append(forbidden_value(field, f"{field} is forbidden unless resourceVersion is provided"))
    if match and query.get("continue"):
        causes.append(forbidden_value(field, f"{field} is forbidden when continue is provided"))
    if match not in ("", "Exact", "NotOlderThan"):
        causes.append(not_supported(field, match, ("", "Exact", "NotOlderThan")))
    if match == "Exact" and query.get("resourceVersion") == "0":
        causes.append(forbidden_value(field, f'{field} "exact" is forbidden for resourceVersion "0"'))
    if "sendInitialEvents" in query:
        causes.append(forbidden_value("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return causes


def _watch_causes(query: Any) -> list[Cause]:
    """After apimachinery's validateWatchOptions."""
    field, match = "resourceVersionMatch", query.get("resourceVersionMatch", "")
    causes = []
    if "sendInitialEvents" in query and match != "NotOlderThan":
        causes.append(forbidden_value(field, f"sendInitialEvents requires setting {field} to NotOlderThan"))
    if match and "sendInitialEvents" not in query:
        causes.append(
            forbidden_value(field, f"{field} is forbidden for watch unless sendInitialEvents is provided")
        )
    if match not in ("", "NotOlderThan"):
        causes.append(not_supported(field, match, ("NotOlderThan",)))
    return causes


class _Stream:
    """One client's watch: events in the form that it asked for."""

    def __init__(self, request: web.Request, resource: Resource, store: Store):
        self._resource = resource
        self._store = store
        self._form = wanted_form(request)
        self._include = request.query.get("includeObject", "")
        self._headings = True
        self.bookmarks = request.query.get("allowWatchBookmarks") in _TRUE

    def event(self, kind: str, obj: dict[str, Any]) -> bytes:
        """Return one line: an event."""
        body = encode(obj)
        if self._form == "Table" and kind != "ERROR":
            rows = [] if kind == "BOOKMARK" else [obj]
            table = tables.table(self._resource, rows, obj["metadata"], self._include)
            if not self._headings:
                table["columnDefinitions"] = None
            self._headings = False
            body = encode(table)
        elif self._form.startswith("Partial") and kind != "ERROR":
            body = encode(tables.partial(obj))
        return b'{"type":"%s","object":%s}\n' % (kind.encode(), body)

    def bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        """Return a line that says how far the client has seen everything."""
        metadata: dict[str, Any] = {"resourceVersion": str(self._store.version)}
        if annotations:
            metadata["annotations"] = annotations
        kind, version = self._resource.kind, self._resource.api_version
        return self.event("BOOKMARK", {"kind": kind, "apiVersion": version, "metadata": metadata})


async def watch_objects(request: web.Request, store: Store, target: Target) -> web.StreamResponse:
    """Stream changes until the client goes, its time is over, or it is too slow; raises ApiError 400."""
    query = request.query
    version = query.get("resourceVersion", "")
    with_initial = query.get("sendInitialEvents") in _TRUE
    _check_options(_watch_causes(query))
    since = None if with_initial or version in ("", "0") else parse_version(version)
    seconds = float(whole_number(request, "timeoutSeconds") or _WATCH_SECONDS)
    stream = _Stream(request, target.resource, store)
    matches = _predicate(request, target)
    response = web.StreamResponse(
        headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
    )
    response.enable_chunked_encoding()
    try:
        subscription = store.watch(target.resource.plural, matches, since)
    except ApiError as error:
        # Once a watch's request is understood, Kubernetes tells its errors as events.
        await response.prepare(request)
        await response.write(stream.event("ERROR", error.to_status()))
        return response
    subscriptions = request.app[SUBSCRIPTIONS]
    subscriptions.add(subscription)
    try:
        first = b"".join(stream.event(kind, obj) for kind, obj in subscription.take())
        if with_initial and stream.bookmarks:
            first += stream.bookmark({"k8s.io/initial-events-end": "true"})
        await response.prepare(request)
        if first:
            await response.write(first)
        await _follow(response, stream, subscription, seconds)
    except ConnectionResetError:
        pass
    finally:
        subscription.close()
        subscriptions.discard(subscription)
    return response


async def _follow(
    response: web.StreamResponse, stream: _Stream, subscription: Subscription, seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            if not await asyncio.wait_for(subscription.wait(), min(left, _BOOKMARK_SECONDS)):
                return
        except TimeoutError:
            if stream.bookmarks:
                await response.write(stream.bookmark())
            continue
        await response.write(b"".join(stream.event(kind, obj) for kind, obj in subscription.take()))


SUBSCRIPTIONS: web.AppKey[set[Subscription]] = web.AppKey("subscriptions", set)
