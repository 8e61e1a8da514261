"""Measures the lab's Kubernetes API: python tests/benchmarks/kube.py [--pods N] [--kubeconfig FILE].

The server, its controllers and a kubelet that only says that containers run are started in this process, as
for the tests of lab_kube. With --kubeconfig, the time from an apply to a ready pod is measured on that cluster,
too: a Redis, in a namespace of its own. Nothing is asserted: a busy machine is slower, and a benchmark is read
by a person.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import json
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from kubernetes import client, config

CONFTEST = Path(__file__).parents[1] / "lab_kube" / "conftest.py"
OBJECTS, LISTS, CHANGES, APPLIES = 1000, 50, 500, 20
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
Row = tuple[str, str]


class Api:
    """One connection to an API server, with as little of a client as there can be."""

    def __init__(self, kubeconfig: Path) -> None:
        loaded = client.Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=loaded)
        self._host = loaded.host.removeprefix("https://")
        self._context = ssl.create_default_context(cafile=loaded.ssl_ca_cert)
        if loaded.cert_file:
            self._context.load_cert_chain(loaded.cert_file, loaded.key_file)
        self._headers = {one["key"]: one["value"] for one in loaded.auth_settings().values() if one["value"]}
        self._connection = self.connect()

    def connect(self) -> http.client.HTTPSConnection:
        """Return a connection of its own, for a watch."""
        return http.client.HTTPSConnection(self._host, context=self._context, timeout=120)

    def send(
        self, method: str, path: str, body: Any = None, accept: str = "application/json", kind: str = ""
    ) -> bytes:
        """Ask; returns the answer as it came. Stops with one line when it is a refusal."""
        answer = self.open(self._connection, method, path, body, accept, kind)
        content = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise SystemExit(f"{method} {path}: {answer.status} {json.loads(content)['message']}")
        return content

    def open(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        body: Any = None,
        accept: str = "application/json",
        kind: str = "",
    ) -> http.client.HTTPResponse:
        """Ask; returns the answer to be read."""
        headers = {**self._headers, "Accept": accept, "Content-Type": kind or "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        return connection.getresponse()


def main() -> None:
    """Measure, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=1000, help="how many pods to bring up at once")
    parser.add_argument("--kubeconfig", type=Path, help="a cluster whose apply-to-ready is measured, too")
    options = parser.parse_args()
    tests = load(CONFTEST)
    with tempfile.TemporaryDirectory() as folder, tests.running_cluster(Path(folder)) as cluster:
        api = Api(cluster.kubeconfig)
        rows = [*list_times(api), watch_latency(api), bring_up(api, options.pods)]
        rows.append(apply_to_ready(api, "nothing to start", "app:1"))
    if options.kubeconfig:
        rows.append(apply_to_ready(Api(options.kubeconfig), "a Redis", "redis:7"))
    print("| what | measured |\n| --- | --- |")
    for name, value in rows:
        print(f"| {name} | {value} |")


def load(path: Path) -> ModuleType:
    """Import a file that lies in no package."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is missing: run this in a checkout")
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses look their module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def namespace(api: Api) -> Iterator[str]:
    """Make a namespace; it is deleted at the end, with all that is in it."""
    made = json.loads(api.send("POST", "/api/v1/namespaces", {"metadata": {"generateName": "benchmark-"}}))
    name = str(made["metadata"]["name"])
    try:
        yield name
    finally:
        api.send("DELETE", f"/api/v1/namespaces/{name}")


def spread(seconds: list[float]) -> str:
    """Write the middle and the far end of some times."""
    far = statistics.quantiles(seconds, n=100)[98]
    return f"median {statistics.median(seconds) * 1000:.1f} ms, 99th percentile {far * 1000:.1f} ms"


def timed(call: Callable[[], Any], times: int) -> list[float]:
    """Return the seconds that each of some calls took."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def list_times(api: Api) -> Iterator[Row]:
    """Time lists of ConfigMaps, as JSON and as kubectl's table; answers are received and not parsed."""
    with namespace(api) as name:
        path = f"/api/v1/namespaces/{name}/configmaps"
        for number in range(OBJECTS):
            api.send("POST", path, {"metadata": {"name": f"c{number}"}, "data": {"key": "value"}})
        for form, accept in (("JSON", "application/json"), ("as kubectl's table", TABLE)):
            times = timed(lambda accept=accept: api.send("GET", path, accept=accept), LISTS)
            yield f"list of {OBJECTS:,} objects, {form}", spread(times)


def watch_latency(api: Api) -> Row:
    """Time from the beginning of a write's request until a watch on another connection has told of it."""
    with namespace(api) as name, closing(api.connect()) as connection:
        path = f"/api/v1/namespaces/{name}/configmaps"
        stream = api.open(connection, "GET", f"{path}?watch=true")
        seen: dict[str, float] = {}
        wanted = {str(number) for number in range(CHANGES)}

        def read() -> None:
            while wanted - seen.keys():
                line = stream.readline()
                seen.setdefault(
                    json.loads(line)["object"].get("data", {}).get("number", ""), time.perf_counter()
                )

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        sent = {}
        api.send("POST", path, {"metadata": {"name": "c"}})
        for number in sorted(wanted, key=int):
            sent[number] = time.perf_counter()
            patch = {"data": {"number": number}}
            api.send("PATCH", f"{path}/c", patch, kind="application/merge-patch+json")
        reader.join(60)
        return f"write to watch, {CHANGES} writes", spread([seen[number] - sent[number] for number in wanted])


def deployment(name: str, image: str, replicas: int) -> dict[str, Any]:
    """Return a Deployment."""
    labels = {"app": name}
    container: dict[str, Any] = {"name": "app", "image": image}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def until_available(api: Api, place: str, name: str, image: str, replicas: int) -> float:
    """Apply a Deployment; return the seconds until a watch has told that all its pods are available."""
    path = f"/apis/apps/v1/namespaces/{place}/deployments"
    with closing(api.connect()) as connection:
        stream = api.open(connection, "GET", f"{path}?watch=true&fieldSelector=metadata.name%3D{name}")
        start = time.perf_counter()
        body = deployment(name, image, replicas)
        query = "fieldManager=benchmark&force=true"
        api.send("PATCH", f"{path}/{name}?{query}", body, kind="application/apply-patch+yaml")
        for line in iter(stream.readline, b""):
            if json.loads(line)["object"].get("status", {}).get("availableReplicas", 0) == replicas:
                return time.perf_counter() - start
    raise SystemExit(f"the watch of {name} ended before its {replicas} pods were available")


def bring_up(api: Api, pods: int) -> Row:
    """Time many pods of one Deployment, and what they cost this process (server and clients)."""
    with namespace(api) as name:
        before = time.process_time()
        seconds = until_available(api, name, "many", "app:1", pods)
        return f"{pods:,} pods up", f"{seconds:.1f} s, {time.process_time() - before:.1f} s of CPU time"


def apply_to_ready(api: Api, title: str, image: str) -> Row:
    """Time single pods, one after the other."""
    with namespace(api) as name:
        seconds = [until_available(api, name, f"one-{number}", image, 1) for number in range(APPLIES)]
    return f"apply to ready, {title} ({APPLIES} times)", spread(seconds)


if __name__ == "__main__":
    main()
