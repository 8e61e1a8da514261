"""Measures a Kubernetes API: python tests/benchmarks/kube.py [--kubeconfig FILE] [--image IMAGE].

Without --kubeconfig it asks the checkout's lab, which must be up: a server in a process of its own, that runs
the shop meanwhile and shares no interpreter with what asks it. Everything happens in namespaces of its own,
which are deleted. Nothing is asserted: a busy machine is slower, and a benchmark is read by a person.
"""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from figures import print_table, spread
from kubernetes import client, config
from run import lab_environment

from chaosext.polling import poll

OBJECTS, LISTS, CHANGES, APPLIES = 1000, 100, 500, 20
DELETE_SECONDS = 120
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


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
        self.ask(connection, method, path, body, accept, kind)
        return connection.getresponse()

    def ask(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        body: Any = None,
        accept: str = "application/json",
        kind: str = "",
    ) -> None:
        """Ask, and leave the answer where it is."""
        headers = {**self._headers, "Accept": accept, "Content-Type": kind or "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)


def main() -> None:
    """Measure, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, help="the cluster to ask, instead of the running lab")
    parser.add_argument("--image", default="redis:7", help="of the pods whose start is timed")
    options = parser.parse_args()
    kubeconfig = options.kubeconfig or Path(lab_environment()["KUBECONFIG"])
    api = Api(kubeconfig)
    where = f"of {kubeconfig}" if options.kubeconfig else "of the running lab"
    print_table((f"{what}, {where}", measured, "") for what, measured in measure(api, options.image))


def measure(api: Api, image: str) -> Iterator[tuple[str, str]]:
    """Yield each figure."""
    yield from list_times(api)
    yield watch_latency(api)
    yield apply_to_ready(api, image)


@contextmanager
def namespace(api: Api) -> Iterator[str]:
    """Make a namespace; at the end it is gone, with all that is in it, so that it disturbs nothing later."""
    made = json.loads(api.send("POST", "/api/v1/namespaces", {"metadata": {"generateName": "benchmark-"}}))
    name = str(made["metadata"]["name"])
    try:
        yield name
    finally:
        api.send("DELETE", f"/api/v1/namespaces/{name}")
        if (left := poll(lambda: name if exists(api, name) else None, DELETE_SECONDS)) is not None:
            raise SystemExit(f"the namespace {left} was not deleted within {DELETE_SECONDS} s")


def exists(api: Api, name: str) -> bool:
    """Tell whether there is a namespace of this name."""
    query = f"fieldSelector=metadata.name%3D{name}"
    return bool(json.loads(api.send("GET", f"/api/v1/namespaces?{query}"))["items"])


def timed(call: Callable[[], Any], times: int) -> list[float]:
    """Return the seconds that each of some calls took."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def list_times(api: Api) -> Iterator[tuple[str, str]]:
    """Time lists of ConfigMaps, as JSON and as kubectl's table; answers are received and not parsed."""
    with namespace(api) as name:
        path = f"/api/v1/namespaces/{name}/configmaps"
        for number in range(OBJECTS):
            api.send("POST", path, {"metadata": {"name": f"c{number}"}, "data": {"key": "value"}})
        for form, accept in (("JSON", "application/json"), ("as kubectl's table", TABLE)):
            times = timed(lambda accept=accept: api.send("GET", path, accept=accept), LISTS)
            yield f"list of {OBJECTS:,} ConfigMaps, {form}, {LISTS} times", spread(times)


def watch_latency(api: Api) -> tuple[str, str]:
    """Time from the beginning of a write's request until a watch on another connection has told of it.

    One write after another, by one thread that reads the watch before the write's own answer: what is timed
    waits for nothing else of this process.
    """
    with namespace(api) as name, closing(api.connect()) as watching, closing(api.connect()) as writing:
        path = f"/api/v1/namespaces/{name}/configmaps"
        api.send("POST", path, {"metadata": {"name": "c"}})
        stream = api.open(watching, "GET", f"{path}?watch=true&fieldSelector=metadata.name%3Dc")
        seconds = []
        for number in range(CHANGES):
            start = time.perf_counter()
            patch = {"data": {"number": str(number)}}
            api.ask(writing, "PATCH", f"{path}/c", patch, kind="application/merge-patch+json")
            wait_for(stream, str(number))
            seconds.append(time.perf_counter() - start)
            writing.getresponse().read()
    return f"write to watch, {CHANGES} writes", spread(seconds)


def wait_for(stream: http.client.HTTPResponse, number: str) -> None:
    """Read a watch up to the change with this number."""
    for line in iter(stream.readline, b""):
        if json.loads(line)["object"].get("data", {}).get("number") == number:
            return
    raise SystemExit(f"the watch ended before it told of change {number}")


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


def apply_to_ready(api: Api, image: str) -> tuple[str, str]:
    """Time single pods, one after the other, each on top of those before."""
    with namespace(api) as name:
        seconds = [until_available(api, name, f"one-{number}", image, 1) for number in range(APPLIES)]
    return f"apply to ready, a Deployment of one {image}, {APPLIES} times", spread(seconds)


if __name__ == "__main__":
    main()
