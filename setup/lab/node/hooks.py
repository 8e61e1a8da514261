"""A container's lifecycle hooks, postStart and preStop: exec, httpGet and sleep.

https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from lab.node.environment import ConfigError
from lab.node.probes import Execute, Prober, http_target

Object = dict[str, Any]
#: Runs a hook within so many seconds; raises HookError when it failed, TimeoutError when it took longer.
Hook = Callable[[float], Awaitable[None]]
_KINDS = {"exec", "httpGet", "sleep"}


class HookError(Exception):
    """A hook failed; the text may hold its output, so it is for the node's log and for no event."""


@dataclass(frozen=True)
class Place:
    """Where the hooks of a container run."""

    container: Object
    pod_ip: str
    prober: Prober
    execute: Execute


def check(container: Object) -> None:
    """Refuse hooks that the lab cannot run.

    :raises ConfigError: a handler is none of exec, httpGet and sleep.
    """
    for name, handler in (container.get("lifecycle") or {}).items():
        if name in ("postStart", "preStop") and not handler.keys() & _KINDS:
            raise ConfigError(f"lifecycle.{name}: the lab supports exec, httpGet and sleep")


def make(name: str, place: Place) -> Hook | None:
    """Return a container's hook by name (postStart, preStop); None when it has none.

    :raises ConfigError: it asks a port that the container does not declare.
    """
    handler = (place.container.get("lifecycle") or {}).get(name)
    if not handler:
        return None
    if "sleep" in handler:
        return lambda seconds: asyncio.sleep(min(handler["sleep"].get("seconds", 0), seconds))
    if "httpGet" in handler:
        url, headers = http_target(handler["httpGet"], place.container, place.pod_ip)
        return lambda seconds: _get(place.prober, url, headers, seconds)
    return lambda seconds: _exec(place.execute, list(handler["exec"]["command"]), seconds)


async def _exec(execute: Execute, words: list[str], seconds: float) -> None:
    code, output = await execute(words, seconds)
    if code:
        raise HookError(f"exit code {code}: {output.strip()}")


async def _get(prober: Prober, url: str, headers: dict[str, str], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        result = await prober.get(url, headers)
    if not result.ok:
        raise HookError(result.message)
