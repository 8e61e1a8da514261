"""chaosext's probes and its collecting of evidence, against the lab's Grafana, log store and trace store."""

import secrets
import time
from dataclasses import dataclass, field

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from chaosext.errors import GrafanaError
from chaosext.grafana import probes
from chaosext.grafana.client import Grafana
from chaosext.verification.evidence import Moments, Sources, collect
from chaosext.verification.expectations import EvidenceExpectation
from lab.grafana.server import GrafanaSettings

from .conftest import TOKEN, running_grafana

NS = 1_000_000_000
LABELS = {"namespace": "probes", "service": "payment"}
QUERY = '{namespace="probes",service="payment"} |= "Failed to connect"'
SECRET = "hunter22x-of-nobody"
SERVER, CLIENT = 2, 3
FAILED = 2


@dataclass
class World:
    """A shop's logs and traces: 20 s without a fault, then 20 s in which payments fail; `now` is their end."""

    url: str
    tempo: str
    now: float
    sent: ExportTraceServiceRequest = field(default_factory=ExportTraceServiceRequest)

    @property
    def given(self) -> dict:
        return {"configuration": {"grafana_url": self.url}, "secrets": {"token": TOKEN}}

    @property
    def moments(self) -> Moments:
        return Moments(self.now - 40, self.now - 40, self.now - 20, self.now, self.now)

    def span(self, trace: bytes, parent: bytes, service: str, start: float, seconds: float, **rest) -> bytes:
        group = self.sent.resource_spans.add()
        for name, value in (("service.name", service), ("service.version", "1.0.0")):
            group.resource.attributes.add(key=name).value.string_value = value
        made = group.scope_spans.add().spans.add(
            trace_id=trace,
            span_id=secrets.token_bytes(8),
            parent_span_id=parent,
            name=rest.get("name", "POST /pay"),
            kind=rest.get("kind", SERVER),
            start_time_unix_nano=int(start * NS),
            end_time_unix_nano=int((start + seconds) * NS),
        )
        made.status.code = FAILED if rest.get("failed") else 0
        for name, value in rest.get("attributes", {}).items():
            made.attributes.add(key=name).value.string_value = value
        if said := rest.get("exception"):
            event = made.events.add(name="exception", time_unix_nano=int(start * NS))
            event.attributes.add(key="exception.type").value.string_value = "shop.ProviderError"
            event.attributes.add(key="exception.message").value.string_value = said
        return made.span_id

    def purchase(self, start: float, seconds: float, failed: bool) -> None:
        """Add a trace: web asks Redis, then payment, which fails with a secret in its words."""
        trace = secrets.token_bytes(16)
        root = self.span(trace, b"", "web", start, seconds, failed=failed)
        redis = {"db.system": "redis", "db.statement": "HGETALL ?", "server.address": "session-data"}
        self.span(trace, root, "web", start, 0.01, kind=CLIENT, name="HGETALL", attributes=redis)
        peer = {"server.address": "payment"}
        asked = self.span(
            trace, root, "web", start + 0.01, seconds - 0.01, kind=CLIENT, failed=failed, attributes=peer
        )
        words = f"Failed to connect, password={SECRET}" if failed else ""
        self.span(trace, asked, "payment", start + 0.02, seconds - 0.03, failed=failed, exception=words)

    def send(self) -> None:
        headers = {"Content-Type": "application/x-protobuf"}
        answer = requests.post(
            f"{self.tempo}/v1/traces", data=self.sent.SerializeToString(), headers=headers, timeout=30
        )
        assert answer.ok, answer.text


@pytest.fixture(scope="module")
def world(log_store, tempo_url, tmp_path_factory):
    settings = GrafanaSettings(
        host="127.0.0.1",
        port=0,
        token=TOKEN,
        prometheus_url="http://127.0.0.1:1",
        state_dir=tmp_path_factory.mktemp("state"),
        loki_url=log_store.url,
        tempo_url=tempo_url,
    )
    with running_grafana(settings) as client:
        made = World(client.url, tempo_url, time.time())
        for n in range(20):
            made.purchase(made.now - 40 + n, 0.5, failed=False)
            made.purchase(made.now - 20 + n, 0.5 + n / 100, failed=n % 2 == 0)
        made.send()
        line = f'level=error msg="Failed to connect to payment provider" password={SECRET}'
        lines = [(int((made.now - 20 + n) * NS), f"{line} n={n}") for n in range(0, 20, 2)]
        log_store.push(LABELS, *lines, (int((made.now - 30) * NS), f"{line} before the fault"))
        yield made


def expected(**stated) -> EvidenceExpectation:
    logs = [{"name": "provider", "query": QUERY, "at_least": 5}]
    return EvidenceExpectation.model_validate({"logs": logs, "root_cause": "payment"} | stated)


def sources(world: World) -> Sources:
    return Sources(Grafana(world.url, TOKEN, timeout=60))


def test_the_evidence_of_a_failure(world):
    found = collect(sources(world), expected(), world.moments, limit=300)
    assert (found.collected, found.not_collected) == (True, {})
    (log,) = found.logs
    assert (log.count, log.first_at, len(log.samples)) == (10, pytest.approx(20, abs=0.1), 5)
    assert "n=0" in log.samples[0]
    assert [(s.service, s.requests, s.failed) for s in found.services] == [("payment", 20, 10), ("web", 20, 10)]
    cause = found.root_cause
    assert (cause.service, cause.by, cause.count, cause.of) == ("payment", "errors", 10, 10)
    trace = found.worst_trace
    assert (trace.failed, trace.service, trace.duration) == (True, "web", pytest.approx(0.68))
    assert [(s.depth, s.service, s.kind, s.peer, s.statement) for s in trace.spans] == [
        (0, "web", "server", "", ""),
        (1, "web", "client", "session-data", "HGETALL ?"),
        (1, "web", "client", "payment", ""),
        (2, "payment", "server", "", ""),
    ]
    assert [s.to_blame for s in trace.spans] == [False, False, False, True]
    assert trace.spans[3].exception == "ProviderError: Failed to connect, password=[masked]"
    assert {s.version for s in trace.spans} == {"1.0.0"}
    assert SECRET not in found.model_dump_json()
    assert TOKEN not in found.model_dump_json()


def test_lines_of_just_before_the_fault_are_not_counted(world):
    # Of the 19.2 s nothing is rounded up: the line of half a second before is another line.
    moments = Moments(world.now - 40, world.now - 40, world.now - 19.5, world.now - 0.3, world.now - 0.3)
    (log,) = collect(sources(world), expected(), moments, limit=300).logs
    assert (log.count, log.first_at) == (9, pytest.approx(22, abs=0.1))


class Careless(Grafana):
    """A client with an error that nobody foresaw, whose words are long and quote what it was given."""

    def source(self, *_: object):
        raise RuntimeError(f"{TOKEN} password={SECRET} 4242 4242 4242 4242 {'x' * 5000}")


def test_an_unforeseen_error_is_said_masked_and_cut(world, caplog):
    found = collect(Sources(Careless(world.url, TOKEN)), expected(), world.moments, wait=0.0, limit=300)
    assert set(found.not_collected) == {"logs", "traces"}
    for why in [*found.not_collected.values(), *caplog.messages]:
        assert "RuntimeError: [masked] password=[masked] [card] xxx" in why
        assert len(why) < 700
    written = found.model_dump_json() + caplog.text
    assert not [secret for secret in (TOKEN, SECRET, "4242 4242") if secret in written]


def test_the_whole_time_of_a_fault_is_looked_at_not_only_its_end(world):
    began = world.now - 3000
    more = World(world.url, world.tempo, world.now)

    def failing(service: str, start: float) -> None:
        trace = secrets.token_bytes(16)
        root = more.span(trace, b"", "web", start, 0.1, failed=True)
        more.span(trace, root, service, start, 0.05, failed=True)

    # The newest 500 of these 650 traces blame payment, all of them the cart.
    for n in range(350):
        failing("cart", began + n * 10 / 350)
    for n in range(300):
        failing("payment", began + 10 + n * 10 / 300)
    more.send()
    moments = Moments(began - 20, began - 20, began, began + 20, began + 20)
    found = collect(sources(world), expected(logs=[], root_cause="cart"), moments, limit=300)
    cause = found.root_cause
    assert (found.not_collected, cause.service) == ({}, "cart")
    assert cause.count / cause.of == pytest.approx(350 / 650, abs=0.03)
    failed = {one.service: one.failed for one in found.services}
    assert failed["cart"] / failed["web"] == pytest.approx(350 / 650, abs=0.03)


def test_without_a_failure_nobody_is_to_blame(world):
    quiet = Moments(world.now - 40, world.now - 40, world.now - 30, world.now - 21, world.now - 21)
    found = collect(sources(world), EvidenceExpectation(), quiet, limit=300)
    assert found.root_cause.service is None
    assert "no service became slower" in found.root_cause.words
    assert (found.worst_trace.failed, found.worst_trace.duration) == (False, pytest.approx(0.5))


def test_what_is_missing_is_recorded_as_it_is_and_ends_in_time(world):
    nothing = [{"name": "nothing", "query": '{namespace="probes"} |= "no such words"'}]
    found = collect(
        sources(world), expected(logs=nothing, root_cause="cart"), world.moments, wait=0.0, limit=300
    )
    assert [(log.count, log.samples, log.missing) for log in found.logs] == [(0, [], None)]
    assert (found.root_cause.service, found.root_cause.expected) == ("payment", "cart")


def test_a_query_that_is_refused_is_said_and_the_rest_is_whole(world):
    wrong = [{"name": "wrong", "query": '{namespace="probes"'}, {"name": "right", "query": QUERY}]
    found = collect(sources(world), expected(logs=wrong), world.moments, wait=0.0, limit=300)
    assert [log.count for log in found.logs] == [None, 10]
    assert "parse error" in found.logs[0].missing
    assert found.not_collected == {}


def test_time_that_is_over_is_said(world):
    found = collect(sources(world), expected(), world.moments, wait=0.0, limit=-1)
    assert not found.collected
    assert {name: "given up" in why for name, why in found.not_collected.items()} == {
        "logs": True,
        "traces": True,
    }


def test_ctrl_c_cuts_only_the_asking_short(world, monkeypatch):
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("chaosext.grafana.loki.Loki.count", interrupted)
    found = collect(sources(world), expected(), world.moments, wait=0.0, limit=300)
    assert found.not_collected == {"logs": "interrupted"}
    assert found.root_cause.service == "payment"


def test_a_grafana_without_loki_and_tempo_is_said(tmp_path):
    settings = GrafanaSettings("127.0.0.1", 0, TOKEN, "http://127.0.0.1:1", tmp_path)
    with running_grafana(settings) as client:
        now = time.time()
        found = collect(
            Sources(Grafana(client.url, TOKEN)),
            expected(),
            Moments(now, now, now, now, now),
            wait=0.0,
            limit=300,
        )
    assert not found.collected
    assert "no Loki data source" in found.not_collected["logs"]
    assert "no Tempo data source" in found.not_collected["traces"]


def test_the_probes(world):
    assert probes.log_count(QUERY, seconds=600, **world.given) == 11
    assert "n=18" in probes.log_lines(QUERY, seconds=600, limit=3, **world.given)[0]
    assert probes.trace_count(seconds=600, **world.given) == 10
    found = probes.traces("{ status = error }", seconds=600, limit=3, **world.given)
    assert [(t["service"], t["name"]) for t in found] == [("web", "POST /pay")] * 3
    slowest = probes.slowest_trace('resource.service.name = "payment"', seconds=600, **world.given)
    assert slowest["seconds"] == pytest.approx(0.69, abs=0.01)
    assert [(s["depth"], s["service"], s["statement"]) for s in slowest["spans"]] == [
        (0, "web", ""), (1, "web", "HGETALL ?"), (1, "web", ""), (2, "payment", ""),
    ]  # fmt: skip
    assert probes.slowest_trace_seconds(seconds=600, **world.given) == slowest["seconds"]
    edges = probes.service_graph(seconds=600, **world.given)
    assert [(e["caller"], e["callee"], e["calls"], e["failed"]) for e in edges] == [
        ("web", "payment", 40, 10),
        ("web", "session-data", 40, 0),
    ]


def test_what_is_refused_is_one_line(world):
    with pytest.raises(GrafanaError, match="parse error") as raised:
        probes.log_count("{", **world.given)
    assert "\n" not in str(raised.value)
    with pytest.raises(GrafanaError, match="unexpected") as raised:
        probes.traces("{ status ", **world.given)
    assert "\n" not in str(raised.value)
