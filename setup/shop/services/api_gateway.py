"""The proxy in front of every service: /api/v1/<service>/<path>."""

from collections.abc import Iterable

from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from shop import metrics, server, settings
from shop.problems import Problem
from shop.proxy import end_to_end
from shop.settings import PORT, Identity
from shop.upstream import UpstreamError, Upstreams

# Who may be asked, and the methods that each understands.
SERVICES: dict[str, tuple[str, ...]] = {
    "product": ("GET",),
    "cart": ("GET", "POST", "PUT", "DELETE"),
    "checkout": ("POST",),
    "content": ("GET",),
    "payment": ("POST",),
}
# For probes and scrapes, not for callers.
_INTERNAL = frozenset({"healthz", "metrics"})
_NOT_FOUND = 404
_STATUS_BY_REASON = {"timeout": 504, "unreachable": 503, "broken": 502}


def build(identity: Identity) -> web.Application:
    """Return the API gateway; raises SettingsError for an unusable UPSTREAM_TIMEOUT_SECONDS."""
    upstreams = Upstreams(identity.name, settings.seconds("UPSTREAM_TIMEOUT_SECONDS", most=300, default=10))
    for service, methods in SERVICES.items():
        metrics.expect_upstream(identity.name, service, methods)
    application = server.create(identity)
    application.cleanup_ctx.append(upstreams.run)
    for method in _all_methods(SERVICES.values()):
        application.router.add_route(method, "/api/v1/{service}/{path:.*}", _Proxy(upstreams).forward)
    return application


def _all_methods(groups: Iterable[tuple[str, ...]]) -> list[str]:
    return sorted({method for group in groups for method in group})


class _Proxy:
    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    async def forward(self, request: web.Request) -> web.Response:
        service, path = request.match_info["service"], request.match_info["path"]
        if service not in SERVICES or path in _INTERNAL:
            raise Problem(_NOT_FOUND, "not_found", "There is no such service or path.")
        # The path is passed on as it came, still encoded: `..` and %2F are the service's to refuse.
        encoded_path = request.rel_url.raw_path.split("/", 4)[4]
        url = URL.build(
            scheme="http",
            host=service,
            port=PORT,
            path=f"/{encoded_path}",
            query_string=request.rel_url.raw_query_string,
            encoded=True,
        )
        body = await request.read() if request.can_read_body else None
        try:
            answer = await self._upstreams.request(
                request.method, url, headers=end_to_end(request.headers), body=body
            )
        except UpstreamError as error:
            status = _STATUS_BY_REASON[error.reason]
            raise Problem(status, f"upstream_{error.reason}", f"{service} does not answer.") from error
        headers: CIMultiDict[str] = end_to_end(answer.headers)
        return web.Response(status=answer.status, headers=headers, body=answer.body)
