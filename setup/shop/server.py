"""What all services share as HTTP servers: errors, metrics, logs, health, start and graceful end."""

import asyncio
import logging
import signal
from collections.abc import Callable
from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from opentelemetry import trace

from shop import metrics
from shop.logs import fields
from shop.problems import Problem
from shop.settings import PORT, Identity

DRAIN_SECONDS = 1.0
LAST_ACCEPTED_SECONDS = 0.2
# With the drain and the flush of spans it stays below what app.yaml grants after its preStop hook (8 s).
IN_FLIGHT_SECONDS = 5.0
MAX_BODY_BYTES = 64 * 1024

ErrorPage = Callable[[web.Request, Problem], web.StreamResponse]

_log = logging.getLogger("shop")
_QUIET = frozenset({"/healthz", "/metrics"})
_SERVER_ERROR = 500
_draining = web.AppKey("draining", asyncio.Event)


def json_error(_request: web.Request, problem: Problem) -> web.StreamResponse:
    """Answer a problem as {"error": code, "message": sentence}."""
    return web.json_response({"error": problem.code, "message": problem.message}, status=problem.status)


def create(identity: Identity, error_page: ErrorPage = json_error) -> web.Application:
    """Return an application with /healthz, /metrics and the handling of errors, metrics and logs.

    Health is shallow: a restart heals no dependency.
    """
    # By its module: the instrumentation has put its own class there.
    application = web.Application(
        middlewares=[_observer(identity.name, error_page)], client_max_size=MAX_BODY_BYTES
    )
    application[_draining] = asyncio.Event()
    application.router.add_get("/healthz", _healthz)
    application.router.add_get("/metrics", _metrics)
    application.on_response_prepare.append(_close_when_draining)
    return application


async def _healthz(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _metrics(request: web.Request) -> web.Response:
    body, content_type = metrics.render(request.headers.get("Accept", ""))
    return web.Response(body=body, headers={"Content-Type": content_type})


async def _close_when_draining(request: web.Request, response: web.StreamResponse) -> None:
    if request.app[_draining].is_set():
        # Both: the header is for the caller, and this signal comes too late for aiohttp to write it itself.
        response.headers["Connection"] = "close"
        response.force_close()


def _observer(service: str, error_page: ErrorPage) -> Middleware:
    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in _QUIET:
            return await handler(request)
        start = perf_counter()
        try:
            response = await handler(request)
        except Exception as error:
            response = _answer_error(request, error, error_page)
        elapsed = perf_counter() - start
        resource = request.match_info.route.resource
        route = resource.canonical if resource else ""
        metrics.served(service, request.method, route, response.status, elapsed)
        _log.info(
            "request",
            extra=fields(
                method=request.method,
                route=route,
                status=response.status,
                duration_ms=f"{elapsed * 1000:.1f}",
            ),
        )
        return response

    return observe


def _answer_error(request: web.Request, error: Exception, error_page: ErrorPage) -> web.StreamResponse:
    if isinstance(error, web.HTTPException):
        if error.status < web.HTTPBadRequest.status_code:
            return error  # a redirect
        problem = Problem(error.status, error.reason.lower().replace(" ", "_"), error.reason)
    elif isinstance(error, Problem):
        problem = error
    else:
        problem = Problem(_SERVER_ERROR, "internal_error", "Something went wrong on our side.")
        _log.error("unhandled exception", exc_info=error)
        _mark_span(error)
    if isinstance(error, Problem) and problem.status >= _SERVER_ERROR:
        cause = error.__cause__ or error
        _log.error(problem.message, extra=fields(exception=type(cause).__name__, error=cause))
        _mark_span(cause)
    response = error_page(request, problem)
    if isinstance(error, web.HTTPMethodNotAllowed):
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _mark_span(error: BaseException) -> None:
    span = trace.get_current_span()
    span.record_exception(error)
    span.set_status(trace.Status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}"))


def run(application: web.Application, identity: Identity) -> int:
    """Serve on the identity's address until SIGTERM or SIGINT; return the exit code."""
    try:
        asyncio.run(_serve(application, identity))
    except OSError as error:
        _log.error("cannot serve", extra=fields(address=f"{identity.address}:{PORT}", error=error))
        return 1
    return 0


async def _serve(application: web.Application, identity: Identity) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=IN_FLIGHT_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, identity.address, PORT)
        await site.start()
        _log.info("serving", extra=fields(address=f"{identity.address}:{PORT}", version=identity.version))
        await stop.wait()
        await _drain(application, site)
    finally:
        await runner.cleanup()
    _log.info("stopped")


async def _drain(application: web.Application, site: web.TCPSite) -> None:
    """Let callers leave before the connections close.

    For a while every answer says `Connection: close`, so that callers' pools empty themselves; then nothing
    new is accepted, and what was accepted last gets the time to send its request.
    """
    _log.info("draining")
    application[_draining].set()
    await asyncio.sleep(DRAIN_SECONDS)
    await site.stop()
    await asyncio.sleep(LAST_ACCEPTED_SECONDS)
