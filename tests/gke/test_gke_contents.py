"""What Terraform makes of the repository's files: rules, SLOs, checks, the chart's values, the image policy."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from chaosext.grafana.alerts import ANY

ROOT = Path(__file__).parents[2]
GKE = ROOT / "setup/gke"
MANIFESTS = ROOT / "manifests"
CHART = json.loads((Path(__file__).parent / "chart/k8s-monitoring.json").read_text())
TERRAFORM = shutil.which("terraform")
ASKED = """jsonencode({
  recorded = local.recorded_groups, alerts = local.alert_groups, slos = local.slos,
  checks = local.checked_services, redis = local.redis_addresses, slack = local.slack_words,
  way = { for key, value in local.slack_way : key => nonsensitive(value) }, to_slack = local.to_slack,
  windows = local.windows,
  login = keys(local.exporter_login), namespace = local.namespace, dashboards = local.dashboards,
  values = templatefile("k8s-monitoring.yaml", {
    cluster = "c", interval = "60s",
    metrics_url = "https://m", logs_url = "https://l", traces_url = "https://t",
    postgres_series = local.exported_series["postgres"]
  }),
  alloy = templatefile("redis.alloy.tftpl", {
    addresses = local.redis_addresses, namespace = local.namespace, interval = "60s", series = "redis_up"
  }),
})"""


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """What Terraform's own interpreter makes of the locals."""
    return evaluate(tmp_path_factory.mktemp("gke"))


def evaluate(root, **answers):
    """Return what the locals are for the variables' values; Terraform needs no provider for these."""
    if TERRAFORM is None:
        pytest.skip("Terraform is not installed")
    folder = root / "setup/gke"
    folder.mkdir(parents=True)
    for name in ("manifests", "dashboards"):
        (root / name).symlink_to(ROOT / name)
    for path in GKE.glob("*.tf"):
        blocks = re.findall(r"^(?:locals|variable \"\w+\") \{$.*?^\}$", path.read_text(), re.M | re.S)
        (folder / path.name).write_text("\n".join(blocks))
    for name in ("k8s-monitoring.yaml", "redis.alloy.tftpl"):
        shutil.copy(GKE / name, folder)
    answers = {"project": "my-project", "owner": "jane", "grafana_stack": "mygameday"} | answers
    (folder / "terraform.tfvars.json").write_text(json.dumps(answers))
    done = subprocess.run(
        [TERRAFORM, f"-chdir={folder}", "console"],
        input=" ".join(ASKED.split()), capture_output=True, text=True, timeout=300, check=False,
        env={"PATH": "", "HOME": str(root), "TF_CLI_CONFIG_FILE": "/dev/null", "CHECKPOINT_DISABLE": "1"},
    )  # fmt: skip
    # With a value that is refused the console says so and goes on.
    assert (done.returncode, "Invalid value" in done.stderr) == (0, False), done.stderr
    return json.loads(json.loads(done.stdout))


def test_every_rule_of_the_files_is_there_once(evaluated):
    assert rules_of(evaluated) == rules_of_files("gke")


def test_the_row_for_production_is_taken_whole_when_the_variable_says_so(tmp_path, evaluated):
    production = evaluate(tmp_path, windows="production")
    assert (evaluated["windows"]["compressed"], production["windows"]["compressed"]) == (True, False)
    assert rules_of(production) == rules_of_files("production") != rules_of(evaluated)


@pytest.mark.parametrize("owner", ["jane-", "jane_", "-jane", "Jane", "j" * 64])
def test_an_owner_that_is_no_labels_value_is_refused(tmp_path, owner):
    with pytest.raises(AssertionError, match="owner is the value"):
        evaluate(tmp_path, owner=owner)


@pytest.mark.parametrize("owner", ["j", "jane-doe", "team_1"])
def test_an_owner_that_is_one_is_taken(tmp_path, owner):
    assert evaluate(tmp_path, owner=owner)["namespace"] == "ecommerce"


def rules_of_files(row):
    """Return every rule of a row's files, as text, sorted."""
    groups = documents(MANIFESTS / f"observability/rules/{row}/slo.yaml")[0]["groups"]
    groups += documents(MANIFESTS / "observability/loki-rules.yaml")[0]["groups"]
    return sorted(json.dumps(rule, sort_keys=True) for group in groups for rule in group["rules"])


def rules_of(evaluated):
    """Return every rule that Terraform makes, as text, sorted."""
    recorded = [rule for group in evaluated["recorded"].values() for rule in group["rules"]]
    alerts = [rule for group in evaluated["alerts"].values() for rule in group["rules"]]
    return sorted(json.dumps(rule, sort_keys=True) for rule in recorded + alerts)


def test_titles_are_unique_within_a_folder(evaluated):
    titles = [
        " ".join(filter(None, [rule["record"], rule["labels"].get("slo")]))
        for group in evaluated["recorded"].values()
        for rule in group["rules"]
    ]
    assert len(titles) == len(set(titles))
    for severity in ("page", "ticket"):
        names = [
            rule["alert"]
            for g in evaluated["alerts"].values()
            if g["severity"] == severity
            for rule in g["rules"]
        ]
        assert names
        assert len(names) == len(set(names))


def test_alerts_that_experiments_expect_are_there(evaluated):
    there = {
        (rule["alert"], group["severity"]) for group in evaluated["alerts"].values() for rule in group["rules"]
    }
    for path in (ROOT / "experiments").glob("*.json"):
        for extension in json.loads(path.read_text()).get("extensions", []):
            for alert in extension.get("alerts", []):
                if alert["alert"] == ANY:
                    continue
                severity = alert.get("labels", {}).get("severity", "page")
                assert (alert["alert"], severity) in there, path


def test_grafana_evaluates_groups_at_whole_tens_of_seconds(evaluated):
    intervals = {group["interval"] for group in evaluated["recorded"].values()}
    intervals.add(evaluated["windows"]["rule_interval_seconds"])
    assert [interval for interval in intervals if interval % 10 or interval < 10] == []
    assert evaluated["recorded"]["slo-payment-success"]["interval"] == 60
    assert evaluated["recorded"]["slo-budgets"]["interval"] == 300
    assert evaluated["recorded"]["data-stores"]["interval"] == 30


def test_log_counts_are_recorded_from_loki_as_zero_where_there_are_none(evaluated):
    group = evaluated["recorded"]["data-stores"]
    assert group["source"] == "loki"
    assert {rule["record"] for rule in group["rules"]} == {"ProductDBErrors", "SessionDBErrors", "CartDBErrors"}
    assert all(rule["expr"].endswith("or vector(0)") for rule in group["rules"])
    assert {g["source"] for name, g in evaluated["recorded"].items() if name != "data-stores"} == {"prometheus"}


def test_the_numbers_in_alerts_texts_are_the_querys():
    text = (GKE / "rules.tf").read_text()
    assert 'replace(text, "$value", "$values.query.Value")' in text
    assert text.count('ref_id         = "query"') == 2


def test_every_slo_with_a_budget_is_grafanas_too(evaluated):
    budgeted = {
        d["metadata"]["name"]: d for d in documents(MANIFESTS / "slo.yaml")
        if d["kind"] == "SLO" and "ratioMetric" in d["spec"]["indicator"]["spec"]
    }  # fmt: skip
    assert evaluated["slos"].keys() == budgeted.keys()
    for name, slo in evaluated["slos"].items():
        assert slo["objective"] == budgeted[name]["spec"]["objectives"][0]["target"]
        assert slo["events"].keys() in ({"good", "total"}, {"bad", "total"})
        assert all("[$__rate_interval]" in query and "{{" not in query for query in slo["events"].values())


def test_checks_are_those_that_the_services_want_and_the_slis_ask_for(evaluated):
    wanted = {
        d["metadata"]["name"] for d in documents(MANIFESTS / "app.yaml")
        if d["kind"] == "Service" and d["metadata"].get("annotations", {}).get("prometheus.io/probe") == "true"
    }  # fmt: skip
    assert evaluated["checks"].keys() == wanted
    assert evaluated["checks"]["web-gateway"] == "http://web-gateway.ecommerce.svc.cluster.local:8080/healthz"
    asked = set(re.findall(r'probe_success\{job="([^"]+)"', (MANIFESTS / "slo.yaml").read_text()))
    assert asked <= {f"{evaluated['namespace']}-{name}" for name in evaluated["checks"]}


def test_every_redis_is_asked_by_the_collector(evaluated):
    wanted = {
        d["metadata"]["name"] for d in documents(MANIFESTS / "app.yaml")
        if d["kind"] == "Service"
        and d["metadata"].get("annotations", {}).get("prometheus.io/exporter") == "redis"
    }  # fmt: skip
    assert evaluated["redis"].keys() == wanted
    text = evaluated["alloy"]
    for name, address in evaluated["redis"].items():
        assert f'redis_addr = "{address}"' in text
        assert f'target_label = "service"\n    replacement  = "{name}"' in text
    assert "prometheus.remote_write.metrics.receiver" in text, "the chart's name of the destination `metrics`"
    assert text.count("{") == text.count("}")
    assert evaluated["login"] == ["password", "username"]


def test_slack_gets_the_words_of_alertmanager(evaluated):
    assert "CommonLabels.alertname" in evaluated["slack"]["title"]
    assert "Annotations.description" in evaluated["slack"]["text"]


WEBHOOK = {"slack_webhook_url": "https://hooks.slack.example/1"}
BOT = {"slack_token": "xoxb-1", "slack_channel": "#alerts"}


@pytest.mark.parametrize(
    ("answers", "way"),
    [
        (WEBHOOK, {"url": "https://hooks.slack.example/1", "token": None, "recipient": None}),
        (BOT, {"url": None, "token": "xoxb-1", "recipient": "#alerts"}),
        (WEBHOOK | BOT, {"url": "https://hooks.slack.example/1", "token": None, "recipient": None}),
    ],
    ids=["webhook", "bot", "both"],
)
def test_slack_is_reached_by_a_webhook_or_else_as_a_bot(tmp_path, evaluated, answers, way):
    found = evaluate(tmp_path, **answers)
    assert (found["to_slack"], found["way"]) == (True, way)
    assert evaluated["to_slack"] is False


@pytest.mark.parametrize("half", BOT)
def test_half_of_a_bot_is_refused(tmp_path, half):
    with pytest.raises(AssertionError, match="SLACK_TOKEN and SLACK_CHANNEL"):
        evaluate(tmp_path, **{half: BOT[half]})


def test_dashboards_are_loaded_with_the_stacks_data_sources(evaluated):
    stack = {"datasource": "grafanacloud-prom", "loki": "grafanacloud-logs", "tempo": "grafanacloud-traces"}
    files = {path.name: json.loads(path.read_text()) for path in (ROOT / "dashboards").glob("*.json")}
    assert evaluated["dashboards"].keys() == files.keys()
    for name, dashboard in files.items():
        variables = dashboard.setdefault("templating", {}).setdefault("list", [])
        for variable in variables:
            if variable["type"] == "datasource":
                source = stack[variable["name"]]
                variable["current"] = {"text": source, "value": source}
        dashboard["templating"] = {"list": variables}
        assert evaluated["dashboards"][name] == dashboard


def unknown(place, value, tree):
    """Return the paths of a value that a tree of keys does not have, or has with another type."""
    kinds = {"map": dict, "list": list, "bool": bool, "number": (int, float), "string": (str, int)}
    if isinstance(tree, str):
        return [] if isinstance(value, kinds[tree]) else [f"{place} is no {tree}"]
    if not isinstance(value, dict):
        return [f"{place} is no map"]
    found = [f"{place}.{key} is unknown" for key in value.keys() - tree.keys()]
    return found + [
        path for key in value.keys() & tree.keys() for path in unknown(f"{place}.{key}", value[key], tree[key])
    ]


def wrong_values(values):
    """Return what the chart does not know in values, or what they refer to and lack."""
    found = []
    rest = dict(values)
    collectors, destinations = rest.pop("collectors"), rest.pop("destinations")
    for name, destination in destinations.items():
        found += unknown(f"destinations.{name}", destination, CHART["destinations"][destination["type"]])
    for name, collector in collectors.items():
        found += unknown(f"collectors.{name}", collector, CHART["collector"])
        found += [
            f"collectors.{name}: no preset {p}" for p in set(collector["presets"]) - set(CHART["presets"])
        ]
    integrations = dict(rest.pop("integrations"))
    for instance in integrations.pop("postgresql")["instances"]:
        found += unknown("postgresql", instance, CHART["postgresql"])
    found += unknown("integrations", integrations, CHART["values"]["integrations"])
    for key, section in {**rest, "integrations": integrations}.items():
        found += [] if key == "integrations" else unknown(key, section, CHART["values"].get(key, {}))
        if isinstance(section, dict) and section.get("collector", next(iter(collectors))) not in collectors:
            found.append(f"{key}: no collector {section['collector']}")
        found += [
            f"{key}: no destination {d}" for d in section.get("destinations", []) if d not in destinations
        ]
    return found


def values():
    return documents(GKE / "k8s-monitoring.yaml")[0]


def test_the_charts_values_are_keys_that_it_has():
    assert wrong_values(values()) == []
    pinned = re.search(r'version    = "([^"]+)"', (GKE / "monitoring.tf").read_text())
    assert CHART["about"].startswith(f"k8s-monitoring {pinned[1]}:")


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        (["podLogsViaLoki", "labls"], {}, "podLogsViaLoki.labls is unknown"),
        (["podLogsViaLoki", "labels"], "x", "podLogsViaLoki.labels is no map"),
        (["podLogsViaLoki", "collector"], "alloy-x", "podLogsViaLoki: no collector alloy-x"),
        (["destinations", "logs", "uri"], "x", "destinations.logs.uri is unknown"),
        (["collectors", "alloy-logs", "presets"], ["tiny"], "collectors.alloy-logs: no preset tiny"),
        (["applicationObservability", "destinations"], ["x"], "applicationObservability: no destination x"),
        (["nothing"], {"enabled": True}, "nothing.enabled is unknown"),
    ],
)
def test_the_check_of_values_itself_finds(path, value, wrong):
    changed = json.loads(json.dumps(values()))
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert wrong in wrong_values(changed)


def test_the_chart_gets_no_secret():
    text = (GKE / "k8s-monitoring.yaml").read_text()
    assert "password:" not in text
    for destination in values()["destinations"].values():
        assert destination["secret"] == {"create": False, "name": "grafana-cloud", "namespace": "monitoring"}
    keys = set(re.findall(r"^    (\S+) += ", (GKE / "monitoring.tf").read_text(), re.M))
    for destination in values()["destinations"].values():
        assert {destination["auth"]["usernameKey"], destination["auth"]["passwordKey"]} <= keys


def test_pods_send_spans_to_the_charts_receiver():
    endpoint = documents(GKE / "telemetry.yaml")[0]["data"]["OTEL_EXPORTER_OTLP_ENDPOINT"]
    release = re.search(r'name       = "([^"]+)"', (GKE / "monitoring.tf").read_text())[1]
    collector = values()["applicationObservability"]["collector"]
    assert endpoint == f"http://{release}-{collector}.monitoring.svc.cluster.local:4318"
    assert collector in values()["collectors"]


def test_the_image_policy_covers_the_shops_images_and_no_others():
    policy, binding = documents(GKE / "images.yaml")
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    namespace = policy["spec"]["matchConstraints"]["namespaceSelector"]["matchLabels"]
    assert namespace == {"kubernetes.io/metadata.name": "ecommerce"}
    expression = policy["spec"]["mutations"][0]["applyConfiguration"]["expression"]
    prefix = re.search(r'startsWith\("([^"]+)"\)', expression)[1]
    built = set(re.findall(r"ecommerce-\w+", (ROOT / "setup/shop/Dockerfile").read_text()))
    for path in [MANIFESTS / "app.yaml", *(MANIFESTS / "variants").glob("*.yaml")]:
        for image in re.findall(r"image: (\S+)", path.read_text()):
            assert image.startswith(prefix) == (image.partition(":")[0] in built), image
