"""What the attacks happen on: the lab, through proxies and with the runner's own rights, and runs on it."""

from __future__ import annotations

import base64
import contextlib
import copy
import queue
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from chaosext.kubernetes.cluster import Cluster
from chaosext.kubernetes.healing import ANY_RUN
from chaosext.kubernetes.lease import LEASE_NAME
from chaosext.kubernetes.manifests import load_manifest
from chaosext.kubernetes.proof import prove
from chaosext.polling import poll
from chaosext.result import FILE_NAME, Verification, read
from lab.grafana.server import GrafanaSettings, serve
from lab.kube.pki import make_certificates, write_kubeconfig

from ..copies import CHAOS, ROOT, Copy
from ..secrecy import secrets_of
from .proxy import Loop, Proxy

WINDOW_SECONDS = 4
TOKEN = "glsa_test-token-of-the-attacks"
NAMESPACE = "ecommerce"
RBAC = "manifests/gameday/rbac.yaml"
SLIS = {"payment-success": 8, "api-gateway-availability": 2}
"""The SLIs of the attacked experiment, and how many events each of its samples needs."""
PHASES = {
    "baseline": "Waiting for a steady baseline",
    "fault": "Playing your experiment's method",
    "observe": "Observing for",
    "rollback": "Rollback: ",
    "recovery": "Waiting for every SLI to be back",
}
"""How a run's output says that a phase has begun."""
LEFT = "left to the watchdog"
_PATIENCE_SECONDS = 120.0
"""What a run may take to end: one whose Grafana hangs has healed long before it stops to ask it."""


class Site:
    """A copy of the experiments with short windows, in front of which every server can be made to fail."""

    def __init__(self, folder: Path, lab: Any, loop: Loop) -> None:
        self.lab, self.copy = lab, Copy(folder, lab)
        self._loop, self._made = loop, 0
        self.admin = Cluster(str(lab.kubeconfig))
        self.manifest = load_manifest(ROOT / "manifests" / "app.yaml")
        self.prometheus = Proxy(loop, lab.prometheus_url)
        state = folder / "grafana"
        state.mkdir()
        self._grafana = loop.wait(serve(GrafanaSettings("127.0.0.1", 0, TOKEN, self.prometheus.url, state)))
        self.grafana = Proxy(loop, f"http://127.0.0.1:{self._grafana.addresses[0][1]}")
        self.kubernetes = self._kubernetes(folder)
        self.copy.env |= {"GRAFANA_URL": self.grafana.url, "GRAFANA_TOKEN": TOKEN}
        self.secrets = [*secrets_of(lab), TOKEN, self._runner_token]
        self.logs = lab.kubeconfig.parent / "log"
        self.copy.change_windows(short_window_seconds=WINDOW_SECONDS, sample_interval_seconds=0.5)
        self._write_fault()

    def close(self) -> None:
        """Stop the servers, and take the runner's rights away."""
        for proxy in (self.grafana, self.kubernetes, self.prometheus):
            proxy.close()
        self._loop.wait(self._grafana.cleanup())
        self.lab.run("kubectl", "delete", "-f", RBAC, "--ignore-not-found")

    def run(self, *, baseline: float = 8, recovery: float = 8, spend: float = 1000) -> Run:
        """Start a run of the attacked experiment, which waits for so many windows, and return it."""
        self._made += 1
        name = f"attack-{self._made}"
        self.copy.change("payment", lambda e: _attacked(e, baseline, recovery, spend), to=name)
        return Run(self, name)

    def make_ready(self) -> None:
        """Heal what a test that failed has left, so that the next one does not fail for it."""
        if self.unhealed() is not None:
            self.heal("--force")
        assert (left := self.unhealed()) is None, left

    def heal(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `chaos gameday heal`."""
        return self.copy.chaos("gameday", "heal", "--manifest", str(ROOT / "manifests" / "app.yaml"), *words)

    def annotations(self, *tags: str) -> list[dict[str, Any]]:
        """Return Grafana's annotations that have all these tags."""
        answer = requests.get(
            f"{self.grafana.url}/api/annotations",
            params={"tags": tags},
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=5,
        )
        found: list[dict[str, Any]] = answer.json()
        return found

    @contextlib.contextmanager
    def budget_floor(self, share: float) -> Iterator[None]:
        """Let a run need this share of the error budget, meanwhile."""
        self.copy.change_windows(budget_floor=share)
        try:
            yield
        finally:
            self.copy.change_windows(budget_floor=0)

    def unhealed(self) -> str | None:
        """Say, asking the lab itself and not by a proxy, what is not as app.yaml says; None: all is."""
        left = prove(self.admin, self.manifest, ANY_RUN)
        lease = self.admin.get(
            {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": LEASE_NAME, "namespace": NAMESPACE},
            }
        )
        if holder := ((lease or {}).get("spec") or {}).get("holderIdentity"):
            left.append(f"{holder} holds the Lease")
        return "; ".join(left) or None

    def _kubernetes(self, folder: Path) -> Proxy:
        """Return a proxy of the lab's API; KUBECONFIG leads to it with the rights of gameday/rbac.yaml."""
        kubeconfig = yaml.safe_load(self.lab.kubeconfig.read_text())["clusters"][0]["cluster"]
        trust = ssl.create_default_context(cafile=_ca(kubeconfig, folder))
        ca, certificate, key = make_certificates(folder / "pki")
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(certificate, key)
        proxy = Proxy(self._loop, kubeconfig["server"], trust, own)
        applied = self.lab.run("kubectl", "apply", "-f", RBAC)
        assert applied.returncode == 0, applied.stderr
        words = ("create", "token", "chaos-runner", "-n", NAMESPACE, "--duration", "2h")
        self._runner_token = token = self.lab.run("kubectl", *words).stdout.strip()
        path = folder / "kubeconfig"
        write_kubeconfig(
            path, server=proxy.url, ca=ca, token=token, context="chaos-runner", namespace=NAMESPACE
        )
        self.copy.env["KUBECONFIG"] = str(path)
        return proxy

    def _write_fault(self) -> None:
        """Let the fault change an object, payment's Service, which then leads nowhere, and create another."""
        folder = self.copy.folder / "manifests" / "variants"
        (service,) = [d for d in self.manifest if (d["kind"], d["metadata"]["name"]) == ("Service", "payment")]
        service = copy.deepcopy(service)
        service["spec"]["selector"] = {"app.kubernetes.io/name": "nobody"}
        created = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "of-the-fault", "namespace": NAMESPACE},
            "data": {"left": "behind"},
        }
        (folder / "attack.yaml").write_text(yaml.safe_dump_all([service, created]))


class Run:
    """One run by `chaos gameday run`, whose output is read as it comes."""

    def __init__(self, site: Site, name: str) -> None:
        self.site, self.name = site, name
        self.reports = site.copy.folder / "out" / name
        self.lines: list[str] = []
        self._arrived: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        words = ["gameday", "run", "--output", str(self.reports), str(site.copy.experiment(name))]
        self.process = subprocess.Popen(
            # Tests under nohup have a closed terminal ignored, and would pass that on.
            ["env", "--default-signal=HUP", *CHAOS, *words],
            env=site.copy.env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, text: str) -> bool:
        """Wait for a line of the output with this text; return whether one came before the output's end."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (line := self._arrived.get(timeout=max(deadline - time.monotonic(), 0.01))) is not None:
            if text in line:
                return True
        return False

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        return self.process.wait(_PATIENCE_SECONDS)

    @property
    def output(self) -> str:
        """What it said so far."""
        return "".join(self.lines)

    @property
    def runner(self) -> psutil.Process:
        """The process that runs the experiment."""
        return _only(psutil.Process(self.process.pid).children(), "chaostoolkit")

    @property
    def watchdog(self) -> psutil.Process:
        """The process that watches the runner."""
        return _only(self.runner.children(), "chaosext.kubernetes.watchdog")

    @property
    def folder(self) -> Path:
        """The folder of the run's report."""
        (folder,) = self.reports.glob(f"*-{self.name}")
        return folder

    def verification(self) -> Verification | None:
        """Return the run's result; None when it left none."""
        return read(self.folder) if (self.folder / FILE_NAME).exists() else None

    def kill(self) -> None:
        """End whatever is left of it; its watchdog heals."""
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.process.pid).children():
                process.kill()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line)
                self._arrived.put(line)
        self._arrived.put(None)


@dataclass
class Restored:
    """Whether the site was as it should be, and after how many seconds."""

    missing: str | None
    seconds: float


def wait_until(done: Callable[[], str | None]) -> Restored:
    """Wait until nothing is missing, or patience is over."""
    began = time.monotonic()
    missing = poll(done, _PATIENCE_SECONDS, interval=0.3)
    return Restored(missing, time.monotonic() - began)


def _attacked(experiment: dict[str, Any], baseline: float, recovery: float, spend: float) -> None:
    """Make the experiment one of two SLIs, with a fault that shows at once and is undone as soon."""
    hypothesis, stated = experiment["steady-state-hypothesis"], experiment["extensions"][0]
    probes = {p["provider"]["arguments"]["name"]: p for p in hypothesis["probes"]}
    for name, events in SLIS.items():
        probes[name]["provider"]["arguments"]["min_events"] = events
    hypothesis["probes"] = [probes[name] for name in SLIS]
    experiment["method"][0]["provider"]["arguments"]["path"] = "../manifests/variants/attack.yaml"
    experiment["method"][1]["provider"]["arguments"]["windows"] = 1.5
    stated.pop("alerts")
    stated.pop("evidence")
    stated["expect"] = [
        {"sli": "payment-success", "outcome": "deviates", "at_most": 0.5},
        {"sli": "api-gateway-availability", "outcome": "holds"},
    ]
    stated["budget"] = [{"slo": "payment-success", "spend_at_most_per_window_second": spend / WINDOW_SECONDS}]
    stated |= {"baseline_within_windows": baseline, "recover_within_windows": recovery}


def _ca(cluster: dict[str, Any], folder: Path) -> str:
    path = folder / "lab-ca.crt"
    path.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return str(path)


def _only(processes: list[psutil.Process], word: str) -> psutil.Process:
    (found,) = [p for p in processes if word in p.cmdline()]
    return found
