import math
from pathlib import Path

import pytest

from chaosext.errors import GrafanaError, NoData
from chaosext.grafana.client import Grafana
from chaosext.slo.budget import spent
from chaosext.slo.load import load_slos
from chaosext.slo.sli import Measurement, measure, measure_one

from .conftest import TOKEN, Reply, frame

SLOS = load_slos(Path(__file__).parents[2] / "manifests" / "slo.yaml")
PAYMENT, ERRORS = SLOS["payment-success"], SLOS["product-success"]


@pytest.fixture
def client(grafana_server):
    return Grafana(grafana_server.url, TOKEN)


def answer(part, total, name="payment-success"):
    return {f"{name}:part": part, f"{name}:total": total}


def test_all_slis_are_one_request(client, grafana_server):
    grafana_server.values({ref: 10.0 for name in SLOS for ref in answer(0, 0, name)})
    found = measure(client, SLOS.values(), 10)
    assert list(found) == list(SLOS)
    queries = [body for _, path, body in grafana_server.requests if path == "/api/ds/query"]
    assert len(queries) == 1
    assert all("[10s]" in q["expr"] for q in queries[0]["queries"])


@pytest.mark.parametrize(
    ("good", "total", "ratio", "bad"),
    [(75.0, 100.0, 0.75, 25), (100.0, 100.0, 1, 0), (0.0, 100.0, 0, 100), (100.2, 100.0, 1, 0)],
)
def test_a_ratio_of_good_events_stays_between_0_and_1(client, grafana_server, good, total, ratio, bad):
    grafana_server.values(answer(good, total))
    assert measure_one(client, PAYMENT, 10) == Measurement(total, bad, ratio)


@pytest.mark.parametrize(("bad", "ratio"), [(5.0, 0.95), (None, 1.0)])
def test_an_error_counter_that_does_not_exist_yet_is_zero_beside_traffic(client, grafana_server, bad, ratio):
    grafana_server.values(answer(bad, 100.0, "product-success"))
    assert measure_one(client, ERRORS, 10).value == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ((frame(None), frame(None)), "the total is absent"),
        ((frame(0.0), frame(0.0)), "no traffic: 0 events"),
        ((frame(1.0), frame(None, "NaN")), "the total is not a number"),
        ((frame(None, "NaN"), frame(100.0)), "good events is not a number"),
        ((frame(None), frame(100.0)), "good events is absent, while there are 100 events"),
        ((frame(1.0), frame(None, "Inf")), "the total is not a number"),
    ],
)
def test_no_data_is_never_success(client, grafana_server, frames, said):
    results = dict(zip(answer(0, 0), ({"frames": [f]} for f in frames), strict=True))
    grafana_server.replies["/api/ds/query"] = Reply({"results": results})
    with pytest.raises(NoData) as caught:
        measure_one(client, PAYMENT, 10)
    assert said in str(caught.value)
    assert 'sum(increase(shop_payments_total{service_name="checkout"}[10s]))' in str(caught.value)


def test_two_series_where_one_is_due_are_no_data(client, grafana_server):
    results = {ref: {"frames": [frame(1.0), frame(2.0)]} for ref in answer(0, 0)}
    grafana_server.replies["/api/ds/query"] = Reply({"results": results})
    with pytest.raises(NoData, match="2 series"):
        measure_one(client, PAYMENT, 10)


def test_fewer_events_than_asked_for_are_no_data(client, grafana_server):
    grafana_server.values(answer(39.0, 39.0))
    assert measure_one(client, PAYMENT, 10, min_events=39).value == 1
    with pytest.raises(NoData, match="39 events, fewer than 40"):
        measure_one(client, PAYMENT, 10, min_events=40)


def test_a_query_that_fails_alone_is_no_data_with_its_error(client, grafana_server):
    part, total = answer(0, 0)
    results = {part: {"error": "bad_data: parse error", "status": 400}, total: {"frames": [frame(5.0)]}}
    grafana_server.replies["/api/ds/query"] = Reply({"results": results}, 400)
    with pytest.raises(NoData, match="bad_data: parse error"):
        measure_one(client, PAYMENT, 10)


def test_a_dead_data_source_is_an_error_of_grafana(client, grafana_server):
    down = {"error": "dial tcp 127.0.0.1:9090: connect: connection refused", "status": 502}
    grafana_server.replies["/api/ds/query"] = Reply({"results": dict.fromkeys(answer(0, 0), down)}, 502)
    with pytest.raises(GrafanaError, match="no query could be answered: dial tcp"):
        measure(client, [PAYMENT], 10)


def test_downtime_is_counted_in_seconds_and_failures_in_events():
    measured = Measurement(total=100, bad=4, value=0.96)
    assert spent(PAYMENT, measured, 1) == 4
    assert spent(SLOS["api-gateway-availability"], measured, 15) == 60


def test_a_measurement_without_data_is_not_a_number_of_any_kind():
    found = Measurement(no_data="why")
    assert found.value is None
    assert found.over(1).no_data == "why"
    assert not math.isnan(found.total)
