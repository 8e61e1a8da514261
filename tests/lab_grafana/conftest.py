"""A real Prometheus, an exporter for it to scrape, and the stand-in in front of both."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from lab.grafana.server import GrafanaSettings, serve
from lab.node.logs import LogFile, LogFolder

TOKEN = "glsa_test-token-3f1c"

EXPOSITION = """\
# TYPE demo_gauge gauge
demo_gauge{kind="one"} 1
demo_gauge{kind="two"} 2.5
# TYPE demo_odd gauge
demo_odd{kind="nan"} NaN
demo_odd{kind="inf"} +Inf
demo_odd{kind="neginf"} -Inf
"""

PROMETHEUS_CONFIG = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["127.0.0.1:{own_port}"]}}]
  - job_name: demo
    static_configs: [{{targets: ["127.0.0.1:{demo_port}"]}}]
"""

RULES = """\
groups:
  - name: demo
    rules:
      - {record: "demo:gauge:sum", expr: sum(demo_gauge)}
      - alert: DemoAlwaysFires
        expr: sum(demo_gauge) > 0
        labels: {severity: page}
"""


def wait_until(check: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Exporter(BaseHTTPRequestHandler):
    """Serves EXPOSITION."""

    def do_GET(self) -> None:
        payload = EXPOSITION.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_args: object) -> None:
        """Keep pytest's output clean."""


@pytest.fixture(scope="session")
def exporter_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Exporter) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


class PrometheusProcess:
    """Debian's Prometheus, scraping itself and the exporter every second."""

    def __init__(self, folder: Path, exporter_port: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        (folder / "rules.yml").write_text(RULES)
        (folder / "prometheus.yml").write_text(
            PROMETHEUS_CONFIG.format(own_port=self.port, demo_port=exporter_port, rules=folder / "rules.yml")
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "/usr/bin/prometheus",
                    f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def value(self, expr: str) -> float | None:
        with contextlib.suppress(requests.RequestException):
            answer = requests.get(f"{self.url}/api/v1/query", params={"query": expr}, timeout=2)
            if answer.ok and (result := answer.json()["data"]["result"]):
                return float(result[0]["value"][1])
        return None


@contextlib.contextmanager
def running_prometheus(folder: Path, exporter_port: int) -> Iterator[PrometheusProcess]:
    prometheus = PrometheusProcess(folder, exporter_port)
    prometheus.start()
    try:
        wait_until(lambda: prometheus.value("demo_gauge") is not None, "the exporter is scraped")
        yield prometheus
    finally:
        prometheus.stop()


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory, exporter_port: int) -> Iterator[PrometheusProcess]:
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), exporter_port) as process:
        enough = "count_over_time(demo_gauge{kind='one'}[1m]) >= 3 and on() ALERTS{alertstate='firing'}"
        wait_until(lambda: process.value(enough) is not None, "three scrapes and a firing alert")
        yield process


CHECKOUT = Path(__file__).parents[2]
RULE_FILE = CHECKOUT / "manifests" / "observability" / "loki-rules.yaml"


class Discovery(BaseHTTPRequestHandler):
    """Serves the pods of `LogStore`, as lab.kube.discovery_sd does."""

    pods: dict[str, str]  # uid -> service

    def do_GET(self) -> None:
        prefix = "__meta_kubernetes_pod_"
        targets = [
            {"targets": [], "labels": {f"{prefix}uid": uid, f"{prefix}label_app_kubernetes_io_name": service}}
            for uid, service in self.pods.items()
        ]
        payload = json.dumps(targets).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_args: object) -> None:
        """Keep pytest's output clean."""


class LogStoreProcess:
    """The log store as a process of its own, on a folder of logs that the node's own writer fills."""

    def __init__(self, folder: Path, discovery_url: str, pods: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.logs = LogFolder(folder)
        self.folder = folder
        self.since_ns = time.time_ns()
        self._discovery_url = discovery_url
        self._pods = pods
        self._options: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        self._options = options or self._options
        words = [sys.executable, "-m", "lab.grafana.logstore", f"--port={self.port}", f"--logs={self.folder}"]
        words += [f"--pods={self._discovery_url}", "--cluster=lab", f"--since-ns={self.since_ns}"]
        words += [f"--rules={RULE_FILE}", "--interval-seconds=0.2"]
        # No test fails because the machine is slow: a query has its time, and counted lines stay in the window.
        words += ["--window-seconds=600", "--query-seconds=60", *self._options]
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "setup")}
        self._process = subprocess.Popen(words, env=environment)
        wait_until(self._ready, "the log store answers")

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the log store has ended"
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/ready", timeout=2).ok
        return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(10)

    def log(self, service: str, pod: str = "", uid: str = "", run: int = 0) -> LogFile:
        """Open a container's log as the node does; its pod belongs to the service."""
        pod = pod or f"{service}-1"
        uid = uid or f"uid-of-{pod}"
        self._pods[uid] = service
        return self.logs.open(self.logs.pod("ecommerce", pod, uid), service, run)

    def get(self, path: str, **params: Any) -> requests.Response:
        return requests.get(f"{self.url}/{path}", params=params, timeout=90)

    def push(self, labels: dict[str, str], *entries: tuple[int, str]) -> None:
        values = [[str(moment), line] for moment, line in entries]
        body = {"streams": [{"stream": labels, "values": values}]}
        answer = requests.post(f"{self.url}/loki/api/v1/push", json=body, timeout=10)
        assert answer.status_code == 204, answer.text

    def lines(self, query: str, **params: Any) -> list[str]:
        asked = {"query": query, "limit": 5000, "direction": "forward"} | params
        answer = self.get("loki/api/v1/query_range", **asked)
        assert answer.ok, answer.text
        rows = [row for stream in answer.json()["data"]["result"] for row in stream["values"]]
        return [line for _, line in sorted(rows, key=lambda row: int(row[0]))]

    def metric(self, name: str) -> float | None:
        for line in self.get("metrics").text.splitlines():
            if line.startswith(name) and not line.startswith("#"):
                return float(line.rsplit(" ", 1)[1])
        return None


@contextlib.contextmanager
def running_log_store(folder: Path, *options: str) -> Iterator[LogStoreProcess]:
    pods: dict[str, str] = {}
    handler = type("Handler", (Discovery,), {"pods": pods})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        store = LogStoreProcess(folder, f"http://127.0.0.1:{server.server_port}/sd/pods", pods)
        try:
            store.start(*options)
            yield store
        finally:
            store.stop()
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def log_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStoreProcess]:
    """The log store that tests share; each uses labels of its own."""
    with running_log_store(tmp_path_factory.mktemp("pod-logs")) as store:
        yield store


@pytest.fixture
def own_log_store(tmp_path: Path) -> Iterator[LogStoreProcess]:
    """An empty log store, for one test."""
    with running_log_store(tmp_path / "pod-logs") as store:
        yield store


@contextlib.contextmanager
def running_trace_store() -> Iterator[str]:
    """Run the trace store as a process of its own; gives its URL."""
    port = free_port()
    words = [sys.executable, "-m", "lab.grafana.tracestore", f"--port={port}", "--query-seconds=60"]
    process = subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(CHECKOUT / "setup")})
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        assert process.poll() is None, "the trace store has ended"
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{url}/ready", timeout=5).ok
        return False

    try:
        wait_until(ready, "the trace store answers")
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def tempo_url() -> Iterator[str]:
    with running_trace_store() as url:
        yield url


def failed_purchase(tempo_url: str) -> str:
    """Send a purchase whose payment fails by OpenTelemetry's exporter; return the id of its trace."""
    exporter = OTLPSpanExporter(endpoint=f"{tempo_url}/v1/traces")

    def tracer(service: str) -> Any:
        provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        return provider.get_tracer("shop.test", "1.0")

    with tracer("gateway").start_as_current_span("POST /pay", kind=SpanKind.SERVER) as root:
        with tracer("payment").start_as_current_span("charge", kind=SpanKind.CLIENT) as span:
            span.set_attribute("db.statement", "SELECT 1")
            span.record_exception(RuntimeError("no provider"))
            span.set_status(Status(StatusCode.ERROR, "Failed to connect"))
        trace = f"{root.get_span_context().trace_id:032x}"
    exporter.shutdown()
    return trace


@dataclass
class Client:
    """Requests to the stand-in, with the token."""

    url: str
    session: requests.Session

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=10, **options)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.call("POST", path, json=body)

    def query(self, *queries: dict[str, Any], **times: Any) -> requests.Response:
        named = [
            {"refId": chr(ord("A") + index), "datasource": {"uid": "prometheus", "type": "prometheus"}} | query
            for index, query in enumerate(queries)
        ]
        return self.post("/api/ds/query", {"from": "now-30s", "to": "now", "queries": named} | times)

    def result(self, **query: Any) -> dict[str, Any]:
        answer = self.query(query)
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]["A"]


@contextlib.contextmanager
def running_grafana(settings: GrafanaSettings) -> Iterator[Client]:
    """Run serve() on an event loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        runner = asyncio.run_coroutine_threadsafe(serve(settings), loop).result(10)
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.headers["Authorization"] = f"Bearer {settings.token}"
                port = runner.addresses[0][1]
                yield Client(f"http://127.0.0.1:{port}", session)
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="session")
def settings(
    prometheus: PrometheusProcess, log_store: LogStoreProcess, tmp_path_factory: pytest.TempPathFactory
) -> GrafanaSettings:
    return GrafanaSettings(
        host="127.0.0.1",
        port=0,
        token=TOKEN,
        prometheus_url=prometheus.url,
        loki_url=log_store.url,
        state_dir=tmp_path_factory.mktemp("state"),
    )


@pytest.fixture(scope="session")
def grafana(settings: GrafanaSettings) -> Iterator[Client]:
    """The stand-in that reading tests share."""
    with running_grafana(settings) as client:
        yield client


@pytest.fixture
def own_settings(settings: GrafanaSettings, tmp_path: Path) -> GrafanaSettings:
    return replace(settings, state_dir=tmp_path / "state")


@pytest.fixture
def own_grafana(own_settings: GrafanaSettings) -> Iterator[Client]:
    """A stand-in with an empty database, for one test."""
    with running_grafana(own_settings) as client:
        yield client
