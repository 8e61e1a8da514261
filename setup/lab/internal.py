"""The lab's internal HTTP server, on loopback: service discovery, kube_* metrics, status, alerts received.

Its socket is opened before anything else is: whoever has the internal port has all ports of that offset, so two
labs that start at once never take the same ones.
"""

import errno
import socket
from collections.abc import Callable

from aiohttp import web

from lab import alerts
from lab.alerts import AlertLog
from lab.errors import PortTaken
from lab.kube import discovery_sd, metrics
from lab.kube.store import Store
from lab.overview import Overview


def claim(host: str, port: int) -> socket.socket:
    """Return the listening socket.

    :raises PortTaken: another lab, or a foreign program, has the port.
    """
    try:
        return socket.create_server((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} (service discovery) is in use") from None
        raise


async def serve(
    listener: socket.socket,
    store: Store,
    overview: Overview,
    usage: Callable[[], str],
    log: AlertLog,
    secret: str,
) -> web.AppRunner:
    """Start the server; its runner's ``cleanup`` ends it.

    :param usage: gives the series of what containers use, which a cluster's nodes serve.
    :param secret: the part of the webhook's address that only Alertmanager is told.
    """

    async def status(_request: web.Request) -> web.Response:
        return web.json_response(await overview.to_json())

    async def kube_metrics(_request: web.Request) -> web.Response:
        return web.Response(text=metrics.metrics_text(store) + usage(), content_type="text/plain")

    app = web.Application()
    app.add_routes(discovery_sd.routes(store))
    app.add_routes(alerts.routes(log, secret))
    app.add_routes([web.get("/status", status), web.get("/metrics", kube_metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return runner
