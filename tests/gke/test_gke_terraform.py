"""The Terraform of setup/gke, as far as it can be judged without its providers."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from .configuration import Configuration, schemas

ROOT = Path(__file__).parents[2]
GKE = ROOT / "setup/gke"
TERRAFORM = shutil.which("terraform")
PROVIDERS = """
terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "7.45.0"
    }
  }
}
"""
NETWORK = """
resource "google_compute_network" "this" {
  name = "x"
}
"""


@pytest.fixture(scope="module")
def configuration():
    return Configuration.of(GKE)


def test_every_argument_is_the_providers_and_every_reference_is_declared(configuration):
    assert configuration.wrong() == []


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("name ", "title ", ["NETWORK: no argument title", "NETWORK: name is missing"]),
        ('"x"', "true", ["NETWORK: name is True, and should be string"]),
        ('"x"', "var.x", ["var.x is not declared"]),
        ('"x"', '"${local.x}"', ["local.x is not declared"]),
        ('"x"', "google_service_account.x.email", ["google_service_account.x is not declared"]),
        ('"x"', "NETWORK.nothing", ["NETWORK has no nothing"]),
        ('"x"', 'data.google_client_config.x["a"].project', ["data.google_client_config.x is not declared"]),
        ('"x"', '"x"\n  self_link = "y"', ["NETWORK: self_link can only be read"]),
        ('"x"', '"x"\n  timeouts {\n    creat = "1m"\n  }', ["NETWORK.timeouts: no argument creat"]),
        ('"x"', '"x"\n  dynamic "no" {\n    for_each = []\n    content {}\n  }', ["NETWORK: no block no"]),
        (
            "compute_network",
            "compute_net",
            ["google_compute_net.this: not in the excerpt of the provider's documentation"],
        ),
        (
            "google_compute_network",
            "grafana_folder",
            ["grafana_folder.this: the provider grafana is not declared"],
        ),
        (
            "\nresource",
            '\nprovider "google" {\n  projekt = "x"\n}\nresource',
            ["provider google: no argument projekt"],
        ),
        ("\nresource", "\n# var.x is only a comment\nresource", []),
    ],
)
def test_the_check_itself_finds(old, new, wrong):
    name = "google_compute_network.this"
    text = NETWORK.replace(old, new.replace("NETWORK", name))
    assert Configuration.read(PROVIDERS, text).wrong() == [line.replace("NETWORK", name) for line in wrong]


def test_a_missing_block_is_found():
    secret = 'resource "kubernetes_secret_v1" "x" {\n  data = {}\n}'
    providers = PROVIDERS.replace("google = {", "kubernetes = {")
    assert Configuration.read(providers, secret).wrong() == [
        "kubernetes_secret_v1.x: block metadata is missing"
    ]


def test_providers_are_pinned_to_the_versions_whose_documentation_is_here(configuration):
    for name, entry in configuration.providers().items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
        assert schemas()[name]["about"].startswith(f"{entry['source']} {entry['version']}:")
    assert set(configuration.providers()) == set(schemas())


def test_every_grafana_resource_says_which_grafana(configuration):
    aliases = {
        body["alias"].strip('"')
        for kind, labels, body in configuration.blocks
        if (kind, labels) == ("provider", ("grafana",))
    }
    for labels, body in configuration.named("resource").items():
        if labels[0].startswith("grafana_"):
            assert body["provider"].strip("${}").removeprefix("grafana.") in aliases, labels


def test_variables_are_documented_used_and_in_the_example(configuration):
    example = (GKE / "terraform.tfvars.example").read_text()
    given = set(re.findall(r"^(\w+) +=", example, re.M))
    offered = set(re.findall(r"^(?:# )?(\w+) +=", example, re.M))
    variables = {labels[0]: body for labels, body in configuration.named("variable").items()}
    assert given == {name for name, body in variables.items() if "default" not in body}
    assert offered <= variables.keys()
    for name, body in variables.items():
        assert body["description"].strip('"'), name
        assert "type" in body, name
        assert f"var.{name}" in configuration.text, f"{name} is not used"


def test_every_local_is_used(configuration):
    names = [n for kind, _, body in configuration.blocks if kind == "locals" for n in body if n[:2] != "__"]
    assert [n for n in names if not re.search(rf"local\.{n}\b", configuration.text)] == []


def test_outputs_are_documented_and_tokens_are_sensitive(configuration):
    outputs = {labels[0]: body for labels, body in configuration.named("output").items()}
    assert {
        "grafana_url",
        "grafana_token",
        "connect",
        "environment",
        "registry",
        "checks_enabled",
    } == outputs.keys()
    for name, body in outputs.items():
        assert body["description"].strip('"'), name
        assert body.get("sensitive", False) is (name == "grafana_token")


def test_secrets_have_no_value_here(configuration):
    variables = configuration.named("variable")
    for name in ("slack_webhook_url", "slack_token"):
        assert variables[name,]["sensitive"] is True
        assert variables[name,]["default"] == '""'
    secret = re.compile(
        r"gls?a_\w{8}|glc_\w{8}|xox[abp]-\w|hooks\.slack\.com/services/\w|AIza\w{20}|ya29\."
        r"|BEGIN [A-Z ]*PRIVATE KEY"
    )
    for path in [p for p in GKE.rglob("*") if p.is_file() and ".terraform" not in p.parts]:
        if path.suffix not in {".tfstate", ".tfplan"}:
            assert not secret.search(path.read_text(errors="replace")), path


def test_the_nodes_have_no_more_rights_than_they_need(configuration):
    resources = configuration.named("resource")
    roles = {body["role"].strip('"') for labels, body in resources.items() if labels[0].endswith("iam_member")}
    assert roles == {"roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"}
    pool = resources["google_container_node_pool", "shop"]["node_config"][0]
    assert pool["service_account"] == "${google_service_account.nodes.email}"
    assert pool["workload_metadata_config"][0]["mode"] == '"GKE_METADATA"'


def test_the_probes_container_keeps_the_policy_of_every_other(configuration):
    """That of tests/setup_kind/test_kind_manifests.py, in Terraform's words."""
    deployment = configuration.named("resource")["kubernetes_deployment_v1", "probe"]
    pod = deployment["spec"][0]["template"][0]["spec"][0]
    assert pod["automount_service_account_token"] is False
    assert pod["security_context"][0]["run_as_non_root"] is True
    assert pod["security_context"][0]["run_as_user"] > 0
    assert pod["security_context"][0]["seccomp_profile"][0]["type"] == '"RuntimeDefault"'
    (container,) = pod["container"]
    security = container["security_context"][0]
    assert (security["allow_privilege_escalation"], security["read_only_root_filesystem"]) == (False, True)
    assert security["capabilities"][0]["drop"] == ['"ALL"']
    assert {*container["resources"][0]["limits"]} - {"__is_block__"} == {"cpu", "memory"}
    assert {*container["resources"][0]["requests"]} - {"__is_block__"} == {"cpu", "memory"}
    assert re.fullmatch(r'"[^:]+:v[\d.]+"', container["image"])
    assert container["image_pull_policy"] == '"IfNotPresent"'
    live, ready = (container[f"{kind}_probe"][0]["http_get"][0] for kind in ("liveness", "readiness"))
    assert live["port"] == ready["port"] == 4050
    assert (live["path"], ready["path"]) == ('"/"', '"/ready"')


def test_whatever_takes_labels_names_the_owner(configuration):
    resources = configuration.named("resource")
    for labels, argument in {
        ("google_container_cluster", "this"): "resource_labels",
        ("google_artifact_registry_repository", "shop"): "labels",
        ("grafana_cloud_stack", "this"): "labels",
    }.items():
        assert resources[labels][argument] == "${local.labels}"
    pool = resources["google_container_node_pool", "shop"]["node_config"][0]
    assert pool["resource_labels"] == "${local.labels}"


def test_nothing_is_protected_from_down(configuration):
    resources = configuration.named("resource")
    assert resources["google_container_cluster", "this"]["deletion_protection"] is False
    assert resources["grafana_cloud_stack", "this"]["delete_protection"] is False


@pytest.fixture(scope="module")
def tested():
    """The file that `terraform test` runs, where the providers can be had: in CI."""
    return Configuration.read((GKE / "tests" / "gke.tftest.hcl").read_text())


def test_the_tests_mock_every_provider_and_only_those(configuration, tested):
    def named(kind, blocks):
        return {
            (labels[0], body.get("alias", "").strip('"')) for found, labels, body in blocks if found == kind
        }

    assert named("mock_provider", tested.blocks) == named("provider", configuration.blocks)


def test_what_the_tests_name_is_there(configuration, tested):
    declared = {
        "var": {labels[0] for labels in configuration.named("variable")},
        "output": {labels[0] for labels in configuration.named("output")},
    }
    for kind, names in declared.items():
        asked = set(re.findall(rf"(?<![\w.]){kind}\.(\w+)", tested.text))
        assert asked, kind
        assert asked <= names
    resources = set(re.findall(r"(?<![\w.])((?:google|grafana|helm|kubernetes)_\w+)\.(\w+)", tested.text))
    assert resources
    assert resources <= configuration.named("resource").keys()
    given = [body for kind, _, body in tested.blocks if kind == "variables"]
    given += [inner for kind, _, run in tested.blocks if kind == "run" for inner in run.get("variables", [])]
    assert {name for body in given for name in body if name[:2] != "__"} <= declared["var"]
    mocked = set(re.findall(r'mock_resource "(\w+)"', tested.text))
    assert mocked <= {labels[0] for labels in configuration.named("resource")}


def test_ci_tests_with_a_terraform_that_is_new_enough():
    job = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["terraform"]
    (required,) = re.findall(r'required_version = ">= ([\d.]+)"', (GKE / "versions.tf").read_text())
    assert Version(job["env"]["TERRAFORM_VERSION"]) >= Version(required)
    commands = [step["run"].split(" -")[0] for step in job["steps"] if "run" in step][1:]
    assert commands == [f"terraform {word}" for word in ("fmt", "init", "validate", "test")]


@pytest.mark.skipif(TERRAFORM is None, reason="Terraform is not installed")
def test_files_are_formatted_as_terraform_does(tmp_path):
    words = [TERRAFORM, f"-chdir={GKE}", "fmt", "-check", "-recursive", "-diff"]
    env = {"PATH": "", "HOME": str(tmp_path), "TF_CLI_CONFIG_FILE": "/dev/null", "CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
