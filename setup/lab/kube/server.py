"""The API over HTTPS: settings, routes, and a server that runs in the caller's event loop."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from lab.kept import Kept, stop_all
from lab.kube.api import discovery, events_v1, openapi, read, reviews, subresources, write
from lab.kube.api.auth import guard
from lab.kube.api.logs import pod_log
from lab.kube.api.patching import patch
from lab.kube.api.read import SUBSCRIPTIONS
from lab.kube.api.request import Target, no_such_method, parse_target
from lab.kube.api.respond import errors, warn
from lab.kube.api.tokens import TOKEN_KEY, token_request
from lab.kube.auth import secrets
from lab.kube.auth.authenticator import Authenticator
from lab.kube.auth.bootstrap import bootstrap
from lab.kube.auth.tokens import TokenKey
from lab.kube.logs import LogReader
from lab.kube.metrics import metrics_text
from lab.kube.store import Store

# A Secret or ConfigMap may hold 1 MiB; base64 and quoting make it more.
_BODY_LIMIT = 3 * 1024 * 1024
_GOODBYE_SECONDS = 1.0
TOKEN_SECRETS = web.AppKey("TOKEN_SECRETS", list[Kept])
Action = Callable[[web.Request, Store, Target], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class KubeSettings:
    """Where to listen, as whom, the administrator's token, and who reads logs. Port 0 takes a free one.

    authority is the CA that signed the certificate: ServiceAccounts' Secrets tell it to those who use them.
    """

    host: str
    port: int
    certificate: Path
    key: Path
    token: str
    logs: LogReader
    authority: Path | None = None


async def serve(store: Store, settings: KubeSettings) -> web.AppRunner:
    """Start serving; the runner's addresses tell the port, cleanup() ends it. Raises OSError: port taken."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.certificate, settings.key)
    app = make_app(store, settings)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=_GOODBYE_SECONDS)
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port, ssl_context=context)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def make_app(store: Store, settings: KubeSettings) -> web.Application:
    """Return the application, without a socket."""
    key = TokenKey()
    authenticator = Authenticator(store, settings.token, key)
    app = web.Application(middlewares=[errors, guard(store, authenticator)], client_max_size=_BODY_LIMIT)
    app[SUBSCRIPTIONS] = set()
    app[TOKEN_KEY] = key
    app[TOKEN_SECRETS] = []
    bootstrap(store)
    app.on_shutdown.append(_end_watches)
    authority = settings.authority.read_bytes() if settings.authority else b""

    async def token_secrets(_app: web.Application) -> AsyncIterator[None]:
        app[TOKEN_SECRETS].append(Kept("token secrets", partial(secrets.run, store, key, authority)))
        yield
        await stop_all(app[TOKEN_SECRETS])

    app.cleanup_ctx.append(token_secrets)

    async def objects(request: web.Request) -> web.StreamResponse:
        group, version = request.match_info.get("group", ""), request.match_info.get("version", "v1")
        target = parse_target(group, version, request.match_info["rest"])
        return await _dispatch(request, store, target, settings.logs)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(text=metrics_text(store), content_type="text/plain")

    app.router.add_get("/version", discovery.version)
    for path in ("/healthz", "/livez", "/readyz"):
        app.router.add_get(path, discovery.health)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/api", discovery.core_versions)
    app.router.add_get("/apis", discovery.groups)
    app.router.add_get("/apis/{group}", discovery.group)
    app.router.add_get("/api/v1", discovery.resources)
    app.router.add_get("/apis/{group}/{version}", discovery.resources)
    app.router.add_get("/openapi/v2", openapi.version_2)
    app.router.add_get("/openapi/v3", openapi.index)
    app.router.add_get("/openapi/v3/{path:.+}", openapi.document)
    app.add_routes(events_v1.routes(store))
    app.add_routes(reviews.routes(store, authenticator))
    app.router.add_route("*", "/api/v1/{rest:.+}", objects)
    app.router.add_route("*", "/apis/{group}/{version}/{rest:.+}", objects)
    return app


async def _end_watches(app: web.Application) -> None:
    for subscription in list(app[SUBSCRIPTIONS]):
        subscription.close()


async def _dispatch(request: web.Request, store: Store, target: Target, logs: LogReader) -> web.StreamResponse:
    method = request.method
    if target.resource.deprecated:
        warn([target.resource.deprecated])
    if target.subresource == "log" and method == "GET":
        return await pod_log(request, store, target, logs)
    if method == "GET" and target.subresource in (None, "status"):
        if target.name:
            return read.get_object(request, store, target)
        if request.query.get("watch") in ("1", "true", "True"):
            return await read.watch_objects(request, store, target)
        return read.list_objects(request, store, target)
    action = _action(method, target)
    if action is None or (target.resource.namespaced and not target.namespace and method != "DELETE"):
        raise no_such_method()
    return await action(request, store, target)


def _action(method: str, target: Target) -> Action | None:
    if target.subresource == "scale":
        return subresources.scale if method in ("GET", "PATCH", "PUT") else None
    if target.subresource in ("binding", "eviction"):
        action = subresources.binding if target.subresource == "binding" else subresources.eviction
        return action if method == "POST" else None
    if target.subresource == "token":
        return token_request if method == "POST" else None
    if target.subresource:
        return {"PATCH": patch, "PUT": write.update}.get(method)
    if target.name:
        return {"PATCH": patch, "PUT": write.update, "DELETE": write.delete}.get(method)
    return {"POST": write.create, "DELETE": write.delete_collection}.get(method)
