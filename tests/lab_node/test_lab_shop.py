"""The whole lab with the shop in it."""

import base64
import functools
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from lab import settings
from lab.node import procfs

from .ownlab import until

pytestmark = pytest.mark.lab
_until = functools.partial(until, seconds=90.0)


def _query(lab, query: str) -> list:
    words = urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(f"{lab.prometheus_url}/api/v1/query?{words}", timeout=5) as answer:
        return json.load(answer)["data"]["result"]


def test_every_pod_is_ready(lab):
    pods = json.loads(lab.run("kubectl", "get", "pods", "-n", "ecommerce", "-o", "json").stdout)["items"]
    assert len(pods) == 14
    for pod in pods:
        conditions = {entry["type"]: entry["status"] for entry in pod["status"]["conditions"]}
        assert conditions["Ready"] == "True", pod["metadata"]["name"]


@pytest.mark.usefixtures("lab")
def test_the_storefront_answers_at_its_node_port():
    port = 30080 + settings.from_environment().offset
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        assert answer.status == 200
        assert b"<html" in answer.read().lower()


def test_payments_flow_at_the_rate_of_the_payers(lab):
    query = 'sum(rate(shop_payments_total{service_name="checkout",outcome="success"}[10s]))'
    rate = _until(
        lambda: (found := _query(lab, query)) and (value := float(found[0]["value"][1])) > 4 and value
    )
    assert rate < 10


def test_every_check_and_scrape_is_up(lab):
    assert {float(series["value"][1]) for series in _query(lab, "probe_success")} == {1.0}
    assert len(_query(lab, "probe_success")) == 7
    assert {float(series["value"][1]) for series in _query(lab, "up")} == {1.0}


def test_replicas_follow_their_redis_by_its_name(lab):
    words = ("-n", "ecommerce", "deployment/cart-data-replica", "--tail=200")
    _until(lambda: "MASTER <-> REPLICA sync: Finished" in lab.run("kubectl", "logs", *words).stdout)


def test_a_service_without_pods_is_refused_and_comes_back(lab):
    scale = ("kubectl", "scale", "-n", "ecommerce", "deployment/content")
    down = 'probe_success{job="ecommerce-content"} == 0'
    up = 'probe_success{job="ecommerce-content"} == 1'
    try:
        assert lab.run(*scale, "--replicas=0").returncode == 0
        _until(lambda: _query(lab, down))
    finally:
        lab.run(*scale, "--replicas=1")
    _until(lambda: _query(lab, up))
    assert lab.run("kubectl", "rollout", "status", "-n", "ecommerce", "deployment/content").returncode == 0


def test_a_replaced_pod_loses_no_request_of_its_callers(lab):
    before = _payments(lab, "failure"), _payments(lab, "success")
    assert lab.run("kubectl", "rollout", "restart", "-n", "ecommerce", "deployment/payment").returncode == 0
    assert lab.run("kubectl", "rollout", "status", "-n", "ecommerce", "deployment/payment").returncode == 0
    names = ("kubectl", "get", "pods", "-n", "ecommerce", "-l", "app.kubernetes.io/name=payment", "-o", "name")
    _until(lambda: len(lab.run(*names).stdout.split()) == 1)  # the old pod's hook and end
    ended = time.time()
    _until(lambda: min(_payments(lab, "success", of="timestamp").values(), default=0.0) > ended)
    failed, succeeded = _payments(lab, "failure"), _payments(lab, "success")
    assert failed == before[0]
    assert failed.keys() == succeeded.keys()
    assert all(succeeded[pod] > before[1][pod] for pod in succeeded)


def _payments(lab, outcome: str, of: str = "sum by (pod)") -> dict[str, float]:
    """Return the counter of checkout's payments by pod, or with ``of="timestamp"`` when that was scraped."""
    query = f'{of}(shop_payments_total{{service_name="checkout",outcome="{outcome}"}})'
    return {one["metric"]["pod"]: float(one["value"][1]) for one in _query(lab, query)}


def test_a_latency_leads_to_its_trace(lab):
    query = 'http_server_request_duration_seconds_bucket{service_name="payment"}'
    now = time.time()

    def ask(path: str, **words: object) -> dict:
        url = f"{lab.grafana_url}/api/datasources/proxy/uid/{path}?{urllib.parse.urlencode(words)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {lab.grafana_token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def exemplars() -> list[dict]:
        words = {"query": query, "start": now - 60, "end": time.time()}
        series = ask("prometheus/api/v1/query_exemplars", **words)["data"]
        return [exemplar for one in series for exemplar in one["exemplars"]]

    def batches(trace: str) -> list[dict]:
        try:
            return ask(f"tempo/api/traces/{trace}")["batches"]
        except urllib.error.HTTPError as error:
            if error.code == http.client.NOT_FOUND:
                return []  # its spans have not been sent yet
            raise

    oldest = min(_until(exemplars), key=lambda exemplar: exemplar["timestamp"])
    found = _until(lambda: batches(oldest["labels"]["trace_id"]))
    services = {
        attribute["value"]["stringValue"]
        for batch in found
        for attribute in batch["resource"]["attributes"]
        if attribute["key"] == "service.name"
    }
    assert "payment" in services


def test_no_secret_is_in_a_command_line(lab):
    encoded = lab.run("kubectl", "get", "secret", "-n", "ecommerce", "-o", "json").stdout
    data = [pair for item in json.loads(encoded)["items"] for pair in item["data"].items()]
    words = [value for name, value in data if name != "username"]  # a role's name is none, and a program's too
    listing = lab.run(
        "python", "-c", "import psutil; print([p.cmdline() for p in psutil.process_iter()])"
    ).stdout
    assert words
    for word in words:
        assert base64.b64decode(word).decode() not in listing
    assert lab.grafana_token not in listing


def test_everything_fits_into_what_the_readme_promises(lab):
    state = lab.kubeconfig.parent
    pid = int((state / "run" / "daemon.pid").read_text())
    assert procfs.tree_bytes(pid) < 1.2 * 1024**3
