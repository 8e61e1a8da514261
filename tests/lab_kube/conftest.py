"""A real server over TLS, its controllers, and a kubelet that only says that containers run."""

import asyncio
import copy
import json
import os
import ssl
import subprocess
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError

import pytest
import yaml

from chaosext import run
from chaosext.kubernetes.actions import restore_manifest
from lab.kept import Kept, stop_all
from lab.kube import meta
from lab.kube.controllers import start_all
from lab.kube.logs import LogLine
from lab.kube.pki import make_certificates, write_kubeconfig
from lab.kube.server import KubeSettings, serve
from lab.kube.store import Store

ROOT = Path(__file__).parents[2]
APP = ROOT / "manifests" / "app.yaml"
VARIANT = ROOT / "manifests" / "variants" / "payment-failures.yaml"
KUBECTL = ROOT / ".venv" / "bin" / "kubectl"
TOKEN = "test-token"


class FakeLogs:
    """Logs that a test writes itself."""

    def __init__(self):
        self.written = defaultdict(list)

    async def lines(self, pod, container, *, follow=False, tail=None, since=None, previous=False):
        key = pod["metadata"]["name"], container, previous
        lines = [
            line for line in self.written[key] if since is None or meta.parse_time(line.timestamp) >= since
        ]
        for line in lines if tail is None else lines[len(lines) - min(tail, len(lines)) :]:
            yield line
        seen = len(self.written[key])
        while follow:
            while seen < len(self.written[key]):
                yield self.written[key][seen]
                seen += 1
            if self.written[key] and self.written[key][-1].text == "END":
                return
            await asyncio.sleep(0.01)

    def write(self, pod, text, *, container="app", previous=False, timestamp="2026-01-01T00:00:00.123456789Z"):
        self.written[pod, container, previous].append(LogLine(timestamp, text))


@dataclass
class FakeKubelet:
    """Marks pods that are bound to its node as running and ready, and finishes deletions."""

    store: Store
    hold: Callable[[dict], bool] = lambda _pod: False
    """Pods that never become ready."""
    linger: Callable[[dict], bool] = lambda _pod: False
    """Pods that do not end when they are told to."""
    _addresses: int = 0

    async def run(self):
        conditions = [
            {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": meta.now()}
        ]
        status = {"conditions": conditions, "nodeInfo": {"kubeletVersion": "v1.37.0"}}
        self.store.create("nodes", {"metadata": {"name": "node-1"}, "status": status})
        async for kind, pod in self.store.subscribe("pods"):
            if kind != "DELETED" and pod["spec"].get("nodeName"):
                self.look_at(pod)

    def look_at(self, pod):
        pod = self.store.find("pods", *meta.key_of(pod))
        if pod is None:
            return
        if meta.is_deleting(pod):
            if not self.linger(pod) and pod["metadata"]["deletionGracePeriodSeconds"]:
                self.store.delete("pods", *meta.key_of(pod), grace_period_seconds=0)
        elif pod["status"].get("phase") == "Pending" and not pod["status"].get("podIP"):
            self.start(pod)

    def start(self, pod):
        self._addresses += 1
        address = f"127.10.{self._addresses // 250}.{self._addresses % 250 + 1}"
        is_ready = not self.hold(pod)
        now = meta.now()

        def change(new):
            state = {"running": {"startedAt": now}}
            statuses = [
                {
                    "name": one["name"],
                    "image": one["image"],
                    "imageID": "",
                    "ready": is_ready,
                    "restartCount": 0,
                    "state": state,
                }
                for one in new["spec"]["containers"]
            ]
            scheduled = [one for one in new["status"]["conditions"] if one["type"] == "PodScheduled"]
            ready = {"type": "Ready", "status": str(is_ready), "lastTransitionTime": now}
            new["status"] |= {
                "phase": "Running",
                "podIP": address,
                "podIPs": [{"ip": address}],
                "hostIP": "127.0.0.1",
                "startTime": now,
                "containerStatuses": statuses,
                "conditions": [*scheduled, ready],
            }

        self.store.mutate("pods", *meta.key_of(pod), change, "status")


@dataclass
class Cluster:
    """A running server, from the outside and from the inside."""

    loop: asyncio.AbstractEventLoop
    store: Store
    kubelet: FakeKubelet
    logs: FakeLogs
    server: str
    kubeconfig: Path
    ca: Path
    folder: Path
    environment: dict = field(default_factory=dict)
    kubectl_path: str = str(KUBECTL)

    def call(self, function, *args, **kwargs):
        """Run a function in the server's thread."""
        done: Future = Future()

        def run():
            try:
                done.set_result(function(*args, **kwargs))
            except Exception as error:
                done.set_exception(error)

        self.loop.call_soon_threadsafe(run)
        return done.result(10)

    def kubectl(self, *args, check=True, stdin=None, timeout=30):
        """Run kubectl; returns the finished process."""
        command = [self.kubectl_path, *map(str, args)]
        done = subprocess.run(
            command,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
        return done

    def get(self, *args):
        """Return what `kubectl get -o json` says."""
        return json.loads(self.kubectl("get", *args, "-o", "json").stdout)

    def wait_for(self, condition, timeout=30.0):
        """Wait until a condition, looked at in the server's thread, holds."""

        async def poll():
            deadline = self.loop.time() + timeout
            while not (value := condition()):
                assert self.loop.time() < deadline, "it did not happen in time"
                await asyncio.sleep(0.005)
            return value

        return asyncio.run_coroutine_threadsafe(poll(), self.loop).result(timeout + 5)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Serve the API from a thread; what it writes lies in folder. The benchmarks use it, too."""
    ca, certificate, key = make_certificates(folder / "pki")
    logs = FakeLogs()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start():
        store = Store()
        kubelet = FakeKubelet(store)
        runner = await serve(store, KubeSettings("127.0.0.1", 0, certificate, key, TOKEN, logs))
        kept = [*start_all(store), Kept("kubelet", kubelet.run)]
        return store, kubelet, runner, kept

    store, kubelet, runner, kept = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    host, port = runner.addresses[0][:2]
    server = f"https://{host}:{port}"
    kubeconfig = folder / "kubeconfig"
    write_kubeconfig(kubeconfig, server=server, ca=ca, token=TOKEN, context="lab")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(folder / "cache"),
    }
    yield Cluster(loop, store, kubelet, logs, server, kubeconfig, ca, folder, environment)

    async def stop():
        assert [one.reason for one in kept if one.reason] == []
        await stop_all(kept)
        await runner.cleanup()

    asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("kube")) as running:
        yield running


@pytest.fixture
def namespace(cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"t-{meta.random_suffix(8)}"
    cluster.call(cluster.store.create, "namespaces", {"metadata": {"name": name}})
    yield name
    cluster.kubelet.hold = cluster.kubelet.linger = lambda _pod: False
    cluster.call(lambda: [cluster.kubelet.look_at(pod) for pod in cluster.store.list("pods", name)])
    cluster.call(
        lambda: cluster.store.find("namespaces", None, name) and cluster.store.delete("namespaces", None, name)
    )
    cluster.wait_for(lambda: cluster.store.find("namespaces", None, name) is None)


def deployment(name="web", *, image="app:1", replicas=1, labels=None, **spec):
    """Return a small Deployment."""
    labels = {"app": name, **(labels or {})}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
            **spec,
        },
    }


@pytest.fixture
def make_deployment():
    return deployment


@pytest.fixture(scope="session")
def app_documents():
    return list(yaml.safe_load_all(APP.read_text()))


@pytest.fixture(scope="session")
def variant_documents():
    return list(yaml.safe_load_all(VARIANT.read_text()))


@pytest.fixture
def fake_kubelet():
    return FakeKubelet


@pytest.fixture
def ask(cluster):
    """Ask the API; returns the status, the headers and the body."""
    context = ssl.create_default_context(cafile=str(cluster.ca))

    def request(method, path, body=None, *, token=TOKEN, **headers):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        if data is not None:
            named.setdefault("Content-Type", "application/json")
        if token:
            named["Authorization"] = f"Bearer {token}"
        question = urllib.request.Request(cluster.server + path, data, named, method=method)
        try:
            with urllib.request.urlopen(question, context=context, timeout=10) as answer:
                return answer.status, answer.headers, answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    return request


@pytest.fixture
def web(cluster, namespace, make_deployment):
    """A Deployment of two ready pods."""
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(make_deployment(replicas=2)))
    cluster.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
    return namespace


@pytest.fixture
def shop(cluster, namespace, make_deployment, tmp_path, monkeypatch):
    """A folder with app.yaml and fault.yaml; app.yaml is applied, to a namespace that opted in."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.chdir(tmp_path)
    app = make_deployment("payment", image="shop:1", replicas=2)
    container = app["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "VERSION", "value": "1"}]
    container["resources"] = {"limits": {"cpu": "500m", "memory": "1024Mi"}}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "payment"},
        "spec": {"selector": {"app": "payment"}, "ports": [{"port": 8080}]},
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "key"},
        "stringData": {"key": "s3cret-value"},
    }
    fault = copy.deepcopy(app)
    fault["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "2"
    for document in (app, service, secret, fault):
        document["metadata"]["namespace"] = namespace
    itself = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": namespace, "labels": {"chaos.enabled": "true"}},
    }
    (tmp_path / "app.yaml").write_text(yaml.safe_dump_all([itself, app, service, secret]))
    (tmp_path / "fault.yaml").write_text(yaml.safe_dump(fault))
    cluster.kubectl("label", "namespace", namespace, "chaos.enabled=true")
    run.begin()
    restore_manifest("app.yaml")
    yield tmp_path
    run._current = None
