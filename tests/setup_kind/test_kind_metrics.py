"""Every series that the SLIs, alerts and rules ask for has somebody on kind who makes it, with those labels."""

import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from shop import metrics

ROOT = Path(__file__).parents[2]
OBSERVABILITY = ROOT / "manifests" / "observability"
PROMETHEUS = yaml.safe_load((ROOT / "setup" / "kind" / "monitoring" / "prometheus.yaml").read_text())
JOBS = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((OBSERVABILITY / "rules" / "kind" / "slo.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def selectors(expression: str) -> set[tuple[str, frozenset[str]]]:
    """Return (metric, labels matched) for each selector; a pattern of names gives each name."""
    found: set[tuple[str, frozenset[str]]] = set()

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            matched = {m.name: m.value for m in node.matchers.matchers}
            names = matched.pop("__name__", None)
            for name in [node.name] if node.name else str(names).split("|"):
                found.add((name, frozenset(matched)))
        for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
            child = getattr(node, name, None)
            if child is not None:
                visit(child)
        for child in getattr(node, "args", None) or []:
            visit(child)

    visit(promql_parser.parse(expression))
    return found


def asked() -> set[tuple[str, frozenset[str]]]:
    """What SLIs, recording rules and alerts select."""
    slos = [d for d in yaml.safe_load_all((ROOT / "manifests" / "slo.yaml").read_text()) if d["kind"] == "SLO"]
    queries = re.findall(r"'query': '((?:[^'\\]|\\.)*)'", repr(slos))
    assert len(queries) > 20
    expressions = [query.replace("{{.window}}", "1m") for query in queries] + [rule["expr"] for rule in rules()]
    return {selector for expression in expressions for selector in selectors(expression)}


def relabelled(job: str) -> set[str]:
    """The labels that a job's relabelling gives, and its exporter's target."""
    return {r["target_label"] for r in JOBS[job]["relabel_configs"] if "target_label" in r}


def provided() -> dict[str, set[str]]:
    """Series -> its labels, by who makes them."""
    table: dict[str, set[str]] = {}
    # The shop's pods and Locust, by the chart's annotationAutodiscovery.
    labels = {
        "service_name",
        "server_address",
        "http_request_method",
        "http_response_status_code",
        "error_type",
    }
    for part in ("bucket", "count", "sum"):
        table[f"http_client_request_duration_seconds_{part}"] = {*labels, "le"} if part == "bucket" else labels
    table["shop_payments_total"] = {"service_name", "outcome"}
    # Blackbox and the exporters, by Prometheus itself.
    table["probe_success"] = relabelled("synthetic")
    for job in ("postgres", "redis"):
        (kept,) = JOBS[job]["metric_relabel_configs"]
        table[kept["regex"]] = relabelled(job)
    # Loki's ruler.
    for group in yaml.safe_load((OBSERVABILITY / "loki-rules.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            table[rule["record"]] = set(rule["labels"])
    # Prometheus' own recording rules.
    for rule in rules():
        if "record" in rule:
            table.setdefault(rule["record"], set()).update(rule.get("labels", {}))
    return table


def lacking(wanted: set[tuple[str, frozenset[str]]]) -> list[str]:
    """Say which series nobody makes, and which lack a label."""
    table = provided()
    patterns = [JOBS[job]["metric_relabel_configs"][0]["regex"] for job in ("postgres", "redis")]
    wrong = []
    for name, labels in sorted(wanted, key=str):
        pattern = next((p for p in patterns if re.fullmatch(p, name)), name)
        if pattern not in table:
            wrong.append(f"{name}: nobody makes it")
        elif labels - table[pattern]:
            wrong.append(f"{name}: no label {sorted(labels - table[pattern])}")
    return wrong


def test_every_series_has_somebody_who_makes_it_with_its_labels():
    wanted = asked()
    assert {"probe_success", "pg_up", "redis_up", "ProductDBErrors", "shop_payments_total"} <= {
        n for n, _ in wanted
    }
    assert lacking(wanted) == []


@pytest.mark.parametrize(
    ("name", "labels"), [("pg_locks_count", ()), ("probe_success", ("color",)), ("shop_payments", ())]
)
def test_a_series_or_a_label_that_nobody_makes_is_seen(name, labels):
    assert len(lacking({(name, frozenset(labels))})) == 1


def test_the_shop_s_labels_are_as_the_table_says():
    assert {*metrics._asked._labelnames} <= provided()["http_client_request_duration_seconds_count"]
    source = (ROOT / "setup" / "shop" / "services" / "checkout.py").read_text()
    assert re.search(r'\["service_name", "outcome"\]', source)


def test_the_synthetic_checks_are_named_as_the_slis_ask_for_them():
    """`job` is the namespace and the Service; app.yaml's Services ask for a check by annotation."""
    services = [
        f"{d['metadata']['namespace']}-{d['metadata']['name']}"
        for d in yaml.safe_load_all((ROOT / "manifests" / "app.yaml").read_text())
        if d["kind"] == "Service"
        and (d["metadata"].get("annotations") or {}).get("prometheus.io/probe") == "true"
    ]
    named = set(re.findall(r'probe_success\{job="([^"]+)"\}', (ROOT / "manifests" / "slo.yaml").read_text()))
    assert named <= {*services}


def test_the_pods_job_is_the_chart_s_and_no_series_is_counted_twice():
    assert "pods" not in JOBS
    values = yaml.safe_load((ROOT / "setup" / "kind" / "k8s-monitoring.yaml").read_text())
    assert values["annotationAutodiscovery"]["annotations"] == {
        "scrape": "prometheus.io/scrape",
        "metricsPath": "prometheus.io/path",
        "metricsPortNumber": "prometheus.io/port",
    }
    assert values["annotationAutodiscovery"]["services"] == {"enabled": False}
    windows = yaml.safe_load((ROOT / "manifests" / "windows.yaml").read_text())["environments"]["kind"]
    assert values["global"]["scrapeInterval"] == f"{windows['scrape_interval_seconds']}s"


def test_loki_s_streams_have_the_labels_that_rules_and_experiments_ask_for():
    values = yaml.safe_load((ROOT / "setup" / "kind" / "k8s-monitoring.yaml").read_text())
    made = {"namespace", "container", "cluster", *values["podLogsViaLoki"]["labels"]}
    texts = [p.read_text() for p in [*(ROOT / "experiments").glob("*.json"), OBSERVABILITY / "loki-rules.yaml"]]
    streams = re.findall(r"\{(namespace=[^}]*)\}", "\n".join(texts).replace('\\"', '"'))
    assert streams
    assert {name for stream in streams for name in re.findall(r"(\w+)=~?\"", stream)} <= made
