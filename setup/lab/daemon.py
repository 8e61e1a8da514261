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
from functools import partial

from aiohttp import web

from lab import checks, exporters, internal, layout, leftovers, pidfile, programs, readiness, settings
from lab.alerts import AlertLog
from lab.components import Supervisor
from lab.errors import PORT_TAKEN, LabError, PortTaken, told
from lab.grafana.server import GrafanaSettings
from lab.grafana.server import serve as serve_grafana
from lab.grafana.tracestore import wiring as traces
from lab.kept import Kept, stop_all
from lab.kube import controllers, pki
from lab.kube.server import TOKEN_SECRETS, KubeSettings
from lab.kube.server import serve as serve_kube
from lab.kube.store import Store
from lab.layout import Layout
from lab.node.processes import Children
from lab.overview import Embedded, Overview
from lab.runtime import Runtime
from lab.settings import HOST, Settings
from lab.start import FIRST_WORDS, LAST_WORDS

_LOG = logging.getLogger("lab")
_LOG_BYTES = 2 * 1024 * 1024
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
            _LOG.info(FIRST_WORDS)
            await ended.wait()
            _LOG.info(LAST_WORDS)

    async def _start(self) -> None:
        lab, places, stack = self._lab, self._places, self._stack
        listener = stack.enter_context(internal.claim(HOST, lab.ports.internal))
        children = Children(places.processes, adopt=True)
        stack.callback(children.close)
        store = Store()
        runtime = Runtime(lab, places, store, children)
        secret = secrets.token_urlsafe(32)
        webhook = f"http://{HOST}:{lab.ports.internal}/slack/{secret}"
        supervisors = {
            item.name: Supervisor(item, children, places.log)
            for item in programs.components(lab, places, runtime.hosts, webhook)
        }
        for supervisor in supervisors.values():
            stack.push_async_callback(supervisor.stop)
        kubernetes, node = Embedded("kubernetes", lab.ports.kubernetes), Embedded("node")
        embedded = (kubernetes, node, Embedded("grafana", lab.ports.grafana))
        overview = Overview(store, lab.state, checks.user_name(), embedded, list(supervisors.values()))
        log = AlertLog(places.alerts)
        await self._serve(await internal.serve(listener, store, overview, runtime.meter.text, log, secret))
        api = await serve_kube(store, self._kube_settings(runtime))
        await self._serve(api)
        await self._serve(await serve_grafana(self._grafana_settings()))
        postgres = supervisors[programs.POSTGRES_EXPORTER]
        wiring = [
            Kept("password of the PostgreSQL exporter", partial(exporters.follow_password, store, postgres)),
            Kept("telemetry", partial(traces.publish, store, lab, _NAMESPACE)),
        ]
        stack.push_async_callback(stop_all, wiring)
        stack.push_async_callback(runtime.stop)
        runtime.start()
        followers = controllers.start_all(store)
        # Stopped first: nobody replaces the pods that the node then ends.
        stack.push_async_callback(stop_all, followers)
        kubernetes.kept += [*followers, *api.app[TOKEN_SECRETS]]
        node.kept += [*runtime.kept, *wiring]

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
            tempo_url=f"http://{HOST}:{ports.tempo}",
            state_dir=self._places.state / "grafana",
            shop_url=readiness.storefront(self._lab),
        )


def _token(places: Layout, name: str) -> str:
    """Return the secret kept under a name, made at the first call; it stays the same over `down` and `up`."""
    try:
        return places.token(name)
    except LabError:
        pki.write_private(places.state / f"{name}.token", secrets.token_urlsafe(32).encode())
        return places.token(name)


def main() -> int:
    """Run the daemon; return 1, or PORT_TAKEN, with one line on stderr when it cannot start."""
    os.umask(0o022)
    try:
        lab = settings.from_environment()
        places = layout.find(lab)
        places.run.mkdir(parents=True, exist_ok=True)
        held = pidfile.hold(places.pid_file)
    except (LabError, OSError) as error:
        return _refused(error)
    try:
        layout.create(places)
        leftovers.note_boot(places)
        _log_to(places)
        asyncio.run(Daemon(lab, places).run())
    except (LabError, OSError) as error:
        code = _refused(error)
    else:
        code = 0
    # Not for any other exception: that is a crash, and shall be told as one.
    pidfile.clear(held)
    return code


def _refused(error: LabError | OSError) -> int:
    """Say why the daemon does not run; return its exit code."""
    print(f"lab: {told(error) if isinstance(error, OSError) else error}", file=sys.stderr)
    return PORT_TAKEN if isinstance(error, PortTaken) else 1


def _log_to(places: Layout) -> None:
    file = places.log / "daemon.log"
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    logging.basicConfig(
        level=logging.INFO, handlers=[handler], format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


if __name__ == "__main__":
    sys.exit(main())
