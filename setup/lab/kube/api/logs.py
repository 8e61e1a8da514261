"""GET pods/NAME/log."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from lab.kube import meta
from lab.kube.api.request import Target, whole_number
from lab.kube.errors import bad_request
from lab.kube.logs import LogLine, LogReader
from lab.kube.store import Store

_TRUE = ("1", "true", "True")


async def pod_log(request: web.Request, store: Store, target: Target, reader: LogReader) -> web.StreamResponse:
    """Stream a container's log; raises ApiError 400 for a container that has none, 404."""
    pod = store.get("pods", target.namespace, target.name or "")
    query = request.query
    container = _container(pod, query.get("container", ""))
    previous = query.get("previous") in _TRUE
    _check_started(pod, container, previous)
    lines = reader.lines(
        pod,
        container,
        follow=query.get("follow") in _TRUE,
        tail=whole_number(request, "tailLines"),
        since=_since(whole_number(request, "sinceSeconds"), query.get("sinceTime")),
        previous=previous,
    )
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    try:
        first = await anext(lines, None)
    except LookupError:
        name = pod["metadata"]["name"]
        raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found') from None
    await response.prepare(request)
    if first is not None:
        await _write(
            response, first, lines, query.get("timestamps") in _TRUE, whole_number(request, "limitBytes")
        )
    return response


async def _write(
    response: web.StreamResponse,
    line: LogLine | None,
    rest: AsyncIterator[LogLine],
    stamped: bool,
    limit: int | None,
) -> None:
    left = limit
    while line is not None:
        text = (f"{line.timestamp} {line.text}" if stamped else line.text) + "\n"
        data = text.encode() if left is None else text.encode()[:left]
        try:
            await response.write(data)
        except ConnectionResetError:
            return
        if left is not None:
            left -= len(data)
            if left <= 0:
                return
        line = await anext(rest, None)


def _container(pod: dict[str, Any], wanted: str) -> str:
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [container["name"] for container in spec["containers"]]
    every = [container["name"] for container in spec.get("initContainers", [])] + names
    if wanted and wanted not in every:
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    if not wanted and len(names) > 1:
        raise bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
        )
    return wanted or names[0]


def _check_started(pod: dict[str, Any], container: str, previous: bool) -> None:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    statuses = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    mine = next((one for one in statuses if one["name"] == container), None)
    if not pod["spec"].get("nodeName") or mine is None:
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating')
    if previous and not mine.get("lastState", {}).get("terminated"):
        raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
    waiting = mine.get("state", {}).get("waiting")
    if waiting and not mine.get("lastState", {}).get("terminated"):
        reason = waiting.get("reason", "ContainerCreating")
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {reason}')


def _since(seconds: int | None, time: str | None) -> datetime | None:
    if seconds is not None:
        return datetime.now(UTC) - timedelta(seconds=seconds)
    try:
        return meta.parse_time(time) if time else None
    except ValueError:
        raise bad_request(f"sinceTime: Invalid value: {time}") from None
