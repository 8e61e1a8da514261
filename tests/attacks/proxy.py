"""A proxy that a test puts between a run and what the run asks, and that can stop to answer as it should."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Coroutine
from typing import Any

import aiohttp
from aiohttp import web

PASS = "pass"
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "upgrade"}
_SECONDS = 30


class Loop:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="proxies")
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_SECONDS)

    def close(self) -> None:
        """End the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_SECONDS)
        self.loop.close()


class Proxy:
    """An HTTP server in front of `upstream` that passes everything on, until it is told to behave badly.

    Modes: `pass`; `refuse` (no longer listens); `hang` (never answers); `garbage` (a web page in place of
    JSON); `cut` (closes the connection amid the body); `conflict` (409 to what writes); a number, which is the
    status of every answer. `trust` is what the upstream's certificate is checked with, `own` this server's
    certificate; None: plain HTTP.
    """

    def __init__(
        self,
        loop: Loop,
        upstream: str,
        trust: ssl.SSLContext | None = None,
        own: ssl.SSLContext | None = None,
    ) -> None:
        self._loop, self._upstream, self._trust, self._own = loop, upstream, trust, own
        self._mode = PASS
        self._port = 0
        loop.wait(self._begin())

    @property
    def url(self) -> str:
        """The proxy's own address."""
        return f"{'https' if self._own else 'http'}://127.0.0.1:{self._port}"

    def behave(self, mode: str) -> None:
        """Answer in another way from now on; what still hangs is let go."""
        self._loop.wait(self._switch(mode))

    def close(self) -> None:
        """Stop listening, and let go what hangs."""
        self._loop.wait(self._end())

    async def _begin(self) -> None:
        self._changed = asyncio.Event()
        self._session = aiohttp.ClientSession(auto_decompress=False)
        application = web.Application(client_max_size=32 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        self._site = web.TCPSite(
            self._runner, "127.0.0.1", self._port, ssl_context=self._own, reuse_address=True
        )
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    async def _switch(self, mode: str) -> None:
        if self._mode == "refuse":
            await self._listen()
        self._mode = mode
        self._changed.set()
        self._changed = asyncio.Event()
        if mode == "refuse":
            await self._site.stop()

    async def _end(self) -> None:
        self._mode = PASS
        self._changed.set()
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        mode = self._mode
        if mode == "hang":
            await self._changed.wait()
            return _dropped(request)
        if mode == "garbage":
            return _once(web.Response(text="<html>Please log in</html>", content_type="text/html"))
        if mode == "cut":
            return await _cut(request)
        if mode == "conflict" and request.method in {"GET", "HEAD"}:
            mode = PASS
        if mode in {PASS, "refuse"}:
            return await self._pass_on(request)
        status = 409 if mode == "conflict" else int(mode)
        body = {"kind": "Status", "apiVersion": "v1", "code": status, "message": "so a test wants it"}
        return _once(web.json_response(body, status=status))

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        with contextlib.suppress(aiohttp.ClientError):
            async with self._session.request(
                request.method,
                f"{self._upstream}{request.path_qs}",
                headers=headers,
                data=await request.read(),
                ssl=self._trust or True,
                allow_redirects=False,
            ) as answer:
                kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
                return _once(web.Response(status=answer.status, headers=kept, body=await answer.read()))
        return _dropped(request)


def _once(response: web.Response) -> web.Response:
    """Let no connection outlive its answer: one that does would still be there when nobody listens."""
    response.force_close()
    return response


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "4096"})
    await response.prepare(request)
    await response.write(b'{"results": {')
    if request.transport is not None:
        request.transport.close()
    return response
