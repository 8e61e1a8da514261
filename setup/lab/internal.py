"""The lab's internal HTTP server, on loopback: service discovery, a cluster's metrics, the daemon's status."""

from collections.abc import Callable

from aiohttp import web

from lab.kube import discovery_sd, metrics
from lab.kube.store import Store
from lab.overview import Overview


async def serve(
    host: str, port: int, store: Store, overview: Overview, usage: Callable[[], str]
) -> web.AppRunner:
    """Start the server; its runner's ``cleanup`` ends it.

    :param usage: gives the series of what containers use, which a cluster's nodes serve.

    :raises OSError: the port is taken.
    """

    async def status(_request: web.Request) -> web.Response:
        return web.json_response(overview.to_json())

    async def kube_metrics(_request: web.Request) -> web.Response:
        return web.Response(text=metrics.metrics_text(store) + usage(), content_type="text/plain")

    app = web.Application()
    app.add_routes(discovery_sd.routes(store))
    app.add_routes([web.get("/status", status), web.get("/metrics", kube_metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
