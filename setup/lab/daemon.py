"""The lab's daemon: everything in one asyncio loop, and the programs that it supervises.

Started by ``python -m lab up`` as ``python -m lab.daemon``; it ends on SIGTERM.
"""

import asyncio
import contextlib
import logging
import logging.handlers
import os
import secrets
import signal
import sys
import time

from aiohttp import web

from lab import checks, internal, layout, leftovers, pidfile, prometheus, settings
from lab.components import Component, Supervisor
from lab.errors import LabError
from lab.grafana.logstore import wiring
from lab.grafana.server import GrafanaSettings
from lab.grafana.server import serve as serve_grafana
from lab.kube import controllers, pki
from lab.kube.server import KubeSettings
from lab.kube.server import serve as serve_kube
from lab.kube.store import Store
from lab.layout import Layout
from lab.node import procfs
from lab.node.processes import Children, Command, User
from lab.overview import Overview
from lab.runtime import Runtime
from lab.settings import HOST, Settings

_LOG = logging.getLogger("lab")
_LOG_BYTES = 2 * 1024 * 1024
_NOBODY = User(65534, 65534)
_CONTEXT = "lab"  # of the kubeconfig
_NAMESPACE = "ecommerce"


class Daemon:
    """All parts of one lab, started in order and stopped in the reverse one."""

    def __init__(self, lab: Settings, places: Layout) -> None:
        self._lab, self._places = lab, places
        self._stack = contextlib.AsyncExitStack()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        async with self._stack:
            await self._start()
            _LOG.info("the lab runs")
            await ended.wait()
            _LOG.info("the lab ends")

    async def _start(self) -> None:
        lab, places, stack = self._lab, self._places, self._stack
        children = Children(places.processes, adopt=True)
        stack.callback(children.close)
        store = Store()
        runtime = Runtime(lab, places, store, children)
        supervisors = [Supervisor(item, children, places.log) for item in self._components(runtime)]
        for supervisor in supervisors:
            stack.push_async_callback(supervisor.stop)
        overview = Overview(store, lab.state, checks.user_name(), ("kubernetes", "grafana"), supervisors)
        await self._serve(await internal.serve(HOST, lab.ports.internal, store, overview, runtime.meter.text))
        await self._serve(await serve_kube(store, self._kube_settings(runtime)))
        await self._serve(await serve_grafana(self._grafana_settings()))
        stack.push_async_callback(runtime.stop)
        runtime.start()
        # Stopped first: nobody replaces the pods that the node then ends.
        stack.push_async_callback(_cancel, controllers.start_all(store))

    async def _serve(self, runner: web.AppRunner) -> None:
        self._stack.push_async_callback(runner.cleanup)

    def _kube_settings(self, runtime: Runtime) -> KubeSettings:
        places, port = self._places, self._lab.ports.kubernetes
        authority, certificate, key = pki.make_certificates(places.pki)
        token = _token(places, "kubernetes")
        server = f"https://{HOST}:{port}"
        pki.write_kubeconfig(
            places.kubeconfig, server=server, ca=authority, token=token, context=_CONTEXT, namespace=_NAMESPACE
        )
        return KubeSettings(HOST, port, certificate, key, token, runtime.reader, authority)

    def _grafana_settings(self) -> GrafanaSettings:
        ports = self._lab.ports
        return GrafanaSettings(
            host=HOST,
            port=ports.grafana,
            token=_token(self._places, "grafana"),
            prometheus_url=f"http://{HOST}:{ports.prometheus}",
            loki_url=f"http://{HOST}:{ports.loki}",
            state_dir=self._places.state / "grafana",
        )

    def _components(self, runtime: Runtime) -> list[Component]:
        lab, folder = self._lab, self._places.prometheus
        prometheus.write(lab, folder)
        user = None
        if os.geteuid() == 0:
            user = _NOBODY
            os.chown(folder / "storage", user.uid, user.gid)
        path = os.environ.get("PATH", os.defpath)
        mark = leftovers.mark_of(lab.state)
        # The exporter asks Services by name, so it needs the C library's resolver and the pods' hosts file.
        names = {
            "GODEBUG": "netdns=cgo",
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_HOSTS": str(runtime.hosts.cluster),
        }
        started = {
            "prometheus": (prometheus.prometheus_words(lab, folder), {}, lab.ports.prometheus, "/-/ready"),
            "blackbox": (prometheus.blackbox_words(lab, folder), names, lab.ports.blackbox, "/-/healthy"),
            "loki": (
                wiring.words(lab, self._places.pod_logs, time.time_ns()),
                wiring.environment(),
                lab.ports.loki,
                "/ready",
            ),
        }
        own = {"loki"}  # code of the checkout, and logs, that only the daemon's own user may be able to read
        return [
            Component(
                name,
                Command(
                    words,
                    {"PATH": path, **extra, procfs.MARK: f"{mark}{name}/"},
                    folder,
                    None if name in own else user,
                ),
                f"http://{HOST}:{port}{ready}",
            )
            for name, (words, extra, port, ready) in started.items()
        ]


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _token(places: Layout, name: str) -> str:
    """Return the secret kept under a name, made at the first call; it stays the same over `down` and `up`."""
    try:
        return places.token(name)
    except LabError:
        pki.write_private(places.state / f"{name}.token", secrets.token_urlsafe(32).encode())
        return places.token(name)


def main() -> int:
    """Run the daemon; return 1 with one line on stderr when it cannot start."""
    os.umask(0o022)
    try:
        lab = settings.from_environment()
        places = layout.find(lab)
        places.run.mkdir(parents=True, exist_ok=True)
        pidfile.hold(places.pid_file)
        layout.create(places)
        _log_to(places)
        asyncio.run(Daemon(lab, places).run())
    except (LabError, OSError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def _log_to(places: Layout) -> None:
    file = places.log / "daemon.log"
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    logging.basicConfig(
        level=logging.INFO, handlers=[handler], format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


if __name__ == "__main__":
    sys.exit(main())
