"""Probes of a container, and the loop that asks them: httpGet, tcpSocket and exec.

https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from lab.node.environment import ConfigError

Object = dict[str, Any]
#: Runs a command in the container within so many seconds: (exit code, output); raises TimeoutError.
Execute = Callable[[list[str], float], Awaitable[tuple[int, str]]]
_HTTP_GOOD = range(200, 400)


@dataclass(frozen=True)
class Result:
    """What one attempt said, and what the prober says of a failure."""

    ok: bool
    message: str = ""


@dataclass(frozen=True)
class Probe:
    """A probe as its container states it, bound to what it needs to ask."""

    kind: str  # Readiness, Liveness or Startup
    spec: Object
    attempt: Callable[[float], Awaitable[Result]]

    def number(self, field: str, default: int) -> int:
        """Return one of the probe's numbers, by Kubernetes' default when it states none."""
        return int(self.spec.get(field) or default)

    async def ask(self) -> Result:
        """Try once, within the probe's timeout."""
        seconds = self.number("timeoutSeconds", 1)
        try:
            async with asyncio.timeout(seconds):
                return await self.attempt(seconds)
        except TimeoutError:
            return Result(False, f"{self.kind} probe failed: no answer within {seconds}s")

    async def follow(self, decided: Callable[[bool], bool], failed: Callable[[str], None]) -> None:
        """Ask again and again; ``failed`` hears every failure.

        :param decided: hears every answer whose threshold is met, and returns whether to ask on.
        """
        clock = asyncio.get_running_loop().time
        period = self.number("periodSeconds", 10)
        thresholds = {True: self.number("successThreshold", 1), False: self.number("failureThreshold", 3)}
        streak, last = 0, None
        await asyncio.sleep(self.spec.get("initialDelaySeconds") or 0)
        while True:
            began = clock()
            result = await self.ask()
            streak, last = (streak + 1 if result.ok is last else 1), result.ok
            if not result.ok:
                failed(result.message)
            if streak >= thresholds[result.ok] and not decided(result.ok):
                return
            await asyncio.sleep(max(0.0, began + period - clock()))


class Prober:
    """Makes the probes of containers; one HTTP session serves all, a new connection every attempt."""

    def __init__(self) -> None:
        # A probe must meet the pod as a new caller would, so no connection is kept.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def make(self, kind: str, container: Object, pod_ip: str, execute: Execute) -> Probe | None:
        """Return a container's probe of a kind, None when it has none.

        :raises ConfigError: the probe has no handler that the lab supports, or a port that no one declares.
        """
        spec = container.get(f"{kind.lower()}Probe")
        if not spec:
            return None
        if "httpGet" in spec:
            url, headers = http_target(spec["httpGet"], container, pod_ip)
            return Probe(kind, spec, lambda _seconds: self._http(kind, url, headers))
        if "tcpSocket" in spec:
            target = spec["tcpSocket"]
            host, port = target.get("host") or pod_ip, _port(target["port"], container)
            return Probe(kind, spec, lambda _seconds: _tcp(kind, host, port))
        if "exec" in spec:
            words = list(spec["exec"]["command"])
            return Probe(kind, spec, lambda seconds: _exec(kind, words, execute, seconds))
        raise ConfigError(f"{kind.lower()} probe: the lab supports httpGet, tcpSocket and exec")

    async def close(self) -> None:
        """Close the HTTP session."""
        await self._session.close()

    async def get(self, url: str, headers: dict[str, str]) -> Result:
        """Ask once, on a new connection; a status from 200 to 399 is well."""
        try:
            async with self._session.get(url, headers=headers, ssl=False) as answer:
                if answer.status in _HTTP_GOOD:
                    return Result(True)
                return Result(False, f"HTTP probe failed with statuscode: {answer.status}")
        except (aiohttp.ClientError, OSError) as error:
            return Result(False, f'Get "{url}": {error}')

    async def _http(self, kind: str, url: str, headers: dict[str, str]) -> Result:
        result = await self.get(url, headers)
        return result if result.ok else Result(False, f"{kind} probe failed: {result.message}")


async def _tcp(kind: str, host: str, port: int) -> Result:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return Result(False, f"{kind} probe failed: dial tcp {host}:{port}: {error.strerror or error}")
    writer.close()
    return Result(True)


async def _exec(kind: str, words: list[str], execute: Execute, seconds: float) -> Result:
    try:
        code, output = await execute(words, seconds)
    except OSError as error:
        return Result(False, f"{kind} probe errored: {error}")
    return Result(code == 0, f"{kind} probe failed: {output.strip() or f'exit code {code}'}")


def http_target(target: Object, container: Object, pod_ip: str) -> tuple[str, dict[str, str]]:
    """Return the URL and the headers of an httpGet handler.

    :raises ConfigError: its port is a name that the container does not declare.
    """
    host, port = target.get("host") or pod_ip, _port(target["port"], container)
    path = target.get("path") or "/"
    url = f"{(target.get('scheme') or 'HTTP').lower()}://{host}:{port}/{path.lstrip('/')}"
    headers = {"User-Agent": "kube-probe/lab", "Accept": "*/*"}
    return url, headers | {entry["name"]: entry["value"] for entry in target.get("httpHeaders", [])}


def _port(port: int | str, container: Object) -> int:
    if isinstance(port, int):
        return port
    for declared in container.get("ports", []):
        if declared.get("name") == port:
            return int(declared["containerPort"])
    raise ConfigError(f"couldn't find port {port!r} among the ports of container {container['name']}")
