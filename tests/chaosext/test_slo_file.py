import re
from pathlib import Path

import promql_parser
import pytest
import yaml

from chaosext.errors import BadInput
from chaosext.slo.budget import Budget, period_seconds
from chaosext.slo.load import find, load_slos
from shop import metrics

SLO_FILE = Path(__file__).parents[2] / "manifests" / "slo.yaml"


@pytest.fixture
def edited(tmp_path):
    """Return a function that writes slo.yaml with one SLO changed, and its path."""

    def edit(change) -> Path:
        documents = list(yaml.safe_load_all(SLO_FILE.read_text()))
        change(next(d for d in documents if d["kind"] == "SLO"))
        path = tmp_path / "slo.yaml"
        path.write_text(yaml.safe_dump_all(documents))
        return path

    return edit


def test_the_repository_s_file_defines_what_the_experiments_ask_for():
    slos = load_slos(SLO_FILE)
    services = ("product", "checkout", "cart", "payment", "content", "api-gateway", "storefront")
    assert set(slos) == {
        *("payment-success", "product-success", "cart-success", "storefront-success"),
        *(f"{service}-latency" for service in services),
        *("api-gateway-availability", "storefront-availability"),
        *("product-db-errors", "session-db-errors", "cart-db-errors"),
    }
    assert Budget.of(slos["payment-success"]) == Budget(500, "failures")
    assert Budget.of(slos["api-gateway-availability"]) == Budget(300, "seconds")
    assert period_seconds(slos["payment-success"]) == 30 * 24 * 3600


def test_every_query_is_promql_of_one_value():
    for slo in load_slos(SLO_FILE).values():
        for query in filter(None, (slo.good, slo.bad, slo.total, slo.count)):
            parsed = promql_parser.parse(query.replace("{{.window}}", "10s"))
            assert isinstance(parsed, promql_parser.AggregateExpr)
            assert parsed.modifier is None


def test_latency_thresholds_are_buckets_that_the_shop_has():
    thresholds = {float(le) for le in re.findall(r'le="([0-9.]+)"', SLO_FILE.read_text())}
    assert thresholds == {2.0}
    assert thresholds <= set(metrics.BUCKETS)


def spec(slo: dict) -> dict:
    return slo["spec"]["indicator"]["spec"]["ratioMetric"]


def _rename(slo):
    slo["metadata"]["name"] = "product-latency"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.update(kind="Slo"), "document 11: kind 'Slo' is not one of Service, SLO"),
        (lambda s: s.update(apiVersion="openslo/v2"), "SLO payment-success: apiVersion: Input should be"),
        (lambda s: s["metadata"].update(name="Payment Success"), "metadata.name: String should match"),
        (lambda s: s["spec"].update(service="payments"), "spec.service: no Service named 'payments'"),
        (lambda s: s["spec"].update(extra=1), "spec.extra: Extra inputs are not permitted"),
        (lambda s: s["spec"].pop("objectives"), "spec.objectives: Field required"),
        (lambda s: s["spec"]["objectives"][0].update(target=99), "target: Input should be less than 1"),
        (lambda s: spec(s).pop("total"), "ratioMetric.total: Field required"),
        (lambda s: spec(s).pop("good"), "give either good or bad"),
        (lambda s: spec(s).update(bad=spec(s)["good"]), "give either good or bad"),
        (lambda s: spec(s)["good"]["metricSource"]["spec"].update(query="sum(x)"), "query lacks {{.window}}"),
        (
            lambda s: s["metadata"]["annotations"].update({"gameday/error-budget": "lots"}),
            "whole number above 0",
        ),
        (lambda s: s["metadata"]["annotations"].update({"gameday/budget-unit": "cups"}), "failures or seconds"),
        (
            lambda s: s["metadata"]["annotations"].pop("gameday/type"),
            "must be ratio, latency, availability or count",
        ),
        (
            lambda s: s["metadata"]["annotations"].update({"gameday/type": "count"}),
            "a count needs indicator.spec.thresholdMetric",
        ),
        (lambda s: s["spec"].update(budgetingMethod="Timeslices"), "budgetingMethod Occurrences"),
        (
            lambda s: s["spec"]["indicator"]["spec"].pop("ratioMetric"),
            "give either ratioMetric or thresholdMetric",
        ),
        (_rename, "SLO product-latency is defined twice"),
    ],
)
def test_a_wrong_file_is_said_with_file_object_and_field(edited, change, said):
    path = edited(change)
    with pytest.raises(BadInput) as caught:
        load_slos(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "not YAML"), ("- 1", "not an object"), ("", "no SLO in this file"), ("a: 1", "kind None")],
)
def test_a_file_that_is_no_slo_file(tmp_path, text, said):
    (tmp_path / "slo.yaml").write_text(text)
    with pytest.raises(BadInput, match=said):
        load_slos(tmp_path / "slo.yaml")


def test_a_missing_file(tmp_path):
    with pytest.raises(BadInput, match="No such file"):
        load_slos(tmp_path / "slo.yaml")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(BadInput, match="unknown SLI 'payments': the SLO file has payment-success, "):
        find(load_slos(SLO_FILE), "payments")
