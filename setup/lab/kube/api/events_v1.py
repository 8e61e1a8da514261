"""events.k8s.io/v1: the events of the core group under the newer names, to be read."""

from typing import Any

from aiohttp import web

from lab.kube.api.request import whole_number
from lab.kube.api.respond import answer, answer_object, encode_list
from lab.kube.resources import EVENTS_VIEW
from lab.kube.store import Store

_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
_ROOT = "/apis/events.k8s.io/v1"


def routes(store: Store) -> list[web.RouteDef]:
    """Return the routes that list events, everywhere or in a namespace, and read one."""

    async def listed(request: web.Request) -> web.Response:
        query = request.query
        fields = query.get("fieldSelector", "").replace("regarding.", "involvedObject.")
        labels = query.get("labelSelector", "")
        found = store.list("events", request.match_info.get("namespace"), labels, fields)
        limit = whole_number(request, "limit") or len(found)
        version = {"resourceVersion": str(store.version)}
        items = [converted(event) for event in found[:limit]]
        return answer(request, encode_list("Event", EVENTS_VIEW.api_version, version, items))

    async def one(request: web.Request) -> web.Response:
        place = request.match_info
        return answer_object(request, converted(store.get("events", place["namespace"], place["name"])))

    return [
        web.get(f"{_ROOT}/events", listed),
        web.get(f"{_ROOT}/namespaces/{{namespace}}/events", listed),
        web.get(f"{_ROOT}/namespaces/{{namespace}}/events/{{name}}", one),
    ]


def converted(event: dict[str, Any]) -> dict[str, Any]:
    """Return a core event under the names of events.k8s.io/v1."""
    renamed = {_NAMES.get(key, key): value for key, value in event.items()}
    return renamed | {"apiVersion": EVENTS_VIEW.api_version, "eventTime": event.get("eventTime")}
