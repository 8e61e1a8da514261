"""/api/v1/...: browsers' way to api-gateway; the session's id is added here and never taken from a client."""

from aiohttp import web
from yarl import URL

from shop.problems import Problem
from shop.proxy import end_to_end
from shop.requests_in import SESSION_HEADER
from shop.services.web_gateway.sessions import Session
from shop.services.web_gateway.shop_api import STATUS_BY_REASON
from shop.upstream import UpstreamError, Upstreams

# Cookies are between the browser and the storefront.
_PRIVATE = frozenset({"cookie", "set-cookie", "authorization", SESSION_HEADER.lower()})


class ApiDoor:
    """The handlers of the proxy."""

    def __init__(self, upstreams: Upstreams, gateway: URL) -> None:
        self._upstreams = upstreams
        self._gateway = gateway

    async def public(self, request: web.Request) -> web.Response:
        """Pass on a request that is nobody's in particular."""
        return await self._forward(request, None)

    async def personal(self, request: web.Request, session: Session) -> web.Response:
        """Pass on a request as the session's."""
        return await self._forward(request, session)

    async def _forward(self, request: web.Request, session: Session | None) -> web.Response:
        headers = end_to_end(request.headers, without=_PRIVATE)
        if session:
            headers[SESSION_HEADER] = session.id
        # Not joined: that would resolve `..`, and reach what api-gateway shows to probes only.
        url = URL.build(
            scheme=self._gateway.scheme,
            authority=self._gateway.raw_authority,
            path=request.rel_url.raw_path,
            query_string=request.rel_url.raw_query_string,
            encoded=True,
        )
        body = await request.read() if request.can_read_body else None
        try:
            answer = await self._upstreams.request(request.method, url, headers=headers, body=body)
        except UpstreamError as error:
            status = STATUS_BY_REASON[error.reason]
            raise Problem(status, f"upstream_{error.reason}", "The shop's services do not answer.") from error
        return web.Response(
            status=answer.status, headers=end_to_end(answer.headers, without=_PRIVATE), body=answer.body
        )
