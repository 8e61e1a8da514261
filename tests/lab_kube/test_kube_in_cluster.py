"""Which cluster is meant: a pod's own, or a kubeconfig's; always the one that chaosk8s means."""

import chaosk8s
import pytest
import yaml
from chaosk8s.deployment.actions import scale_deployment
from kubernetes.config import incluster_config

from chaosext.errors import BadInput, KubernetesError, Refused
from chaosext.kubernetes.cluster import Cluster
from chaosext.kubernetes.safety import check_opt_in

from .conftest import ROOT

RBAC = ROOT / "manifests" / "gameday" / "rbac.yaml"
NAMESPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "ecommerce", "labels": {"chaos.enabled": "true"}},
}


@pytest.fixture
def in_pod(cluster, tmp_path, monkeypatch):
    """The process has what a pod has: address, CA, token (nobody's), no kubeconfig. Returns their folder."""
    (tmp_path / "token").write_text("nobody's")
    host, _, port = cluster.server.removeprefix("https://").rpartition(":")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(cluster.ca))
    for name, value in {
        "HOME": str(tmp_path),
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        "CHAOSTOOLKIT_IN_POD": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return tmp_path


@pytest.fixture
def pod(cluster, in_pod):
    """The token is the chaos runner's, in the shop's namespace."""
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(NAMESPACE))
    cluster.kubectl("apply", "-f", RBAC)
    token = cluster.kubectl("create", "token", "chaos-runner", "-n", "ecommerce").stdout.strip()
    (in_pod / "token").write_text(token)
    yield
    cluster.call(cluster.store.delete, "namespaces", None, "ecommerce")
    cluster.wait_for(lambda: cluster.store.find("namespaces", None, "ecommerce") is None, timeout=30)


def test_a_pod_acts_as_its_service_account_and_no_further(cluster, pod, namespace):
    own = Cluster()
    assert str(own) == f"this pod's own cluster at {cluster.server}"
    check_opt_in(own, ["ecommerce"])
    user = 'User "system:serviceaccount:ecommerce:chaos-runner"'
    with pytest.raises(KubernetesError, match=f"403: .* is forbidden: {user}"):
        check_opt_in(own, [namespace])


def test_the_opt_in_is_asked_for_in_a_pod_too(cluster, pod):
    cluster.kubectl("label", "namespace", "ecommerce", "chaos.enabled-")
    with pytest.raises(Refused, match=r"namespace 'ecommerce' of this pod's own cluster at .* does not carry"):
        check_opt_in(Cluster(), ["ecommerce"])


def test_chaosk8s_goes_where_the_checks_went(cluster, pod, make_deployment):
    cluster.kubectl("create", "-n", "ecommerce", "-f", "-", stdin=yaml.safe_dump(make_deployment("web")))
    scale_deployment(name="web", replicas=0, ns="ecommerce")
    assert cluster.store.find("deployments", "ecommerce", "web")["spec"]["replicas"] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"CHAOSTOOLKIT_IN_POD": ""}, "this is a pod: export CHAOSTOOLKIT_IN_POD=true"),
        ({"KUBERNETES_SERVICE_PORT": ""}, "ServiceAccount cannot be used: Service host/port is set but empty"),
        ({"KUBECONFIG": "/nowhere"}, "KUBECONFIG: /nowhere does not exist"),
        ({"KUBERNETES_SERVICE_HOST": ""}, r"KUBECONFIG: .*/\.kube/config does not exist"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_no_pod_s_account_is_refused(in_pod, monkeypatch, change, said):
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=said):
        Cluster()


def test_a_pod_without_a_token_is_refused(in_pod):
    (in_pod / "token").unlink()
    with pytest.raises(BadInput, match="this pod's ServiceAccount cannot be used: Service token file does not"):
        Cluster()


@pytest.fixture
def two_contexts(cluster, tmp_path, monkeypatch):
    """KUBECONFIG's current context is dead; its other one, `alive`, is the test's cluster."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    (context,) = config["contexts"]
    config["clusters"].append({"name": "dead", "cluster": {"server": "https://127.0.0.1:1"}})
    config["contexts"] = [
        {"name": "alive", "context": context["context"]},
        {"name": "dead", "context": {**context["context"], "cluster": "dead"}},
    ]
    config["current-context"] = "dead"
    (tmp_path / "two").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "two"))
    # The client reads KUBECONFIG once, when it is imported.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "two"))


@pytest.mark.usefixtures("two_contexts")
def test_the_context_that_chaosk8s_takes_is_the_one_that_is_checked(cluster, monkeypatch):
    with pytest.raises(KubernetesError, match=r"context dead at https://127.0.0.1:1 cannot be reached"):
        Cluster()
    monkeypatch.setenv("KUBERNETES_CONTEXT", "alive")
    assert str(Cluster()) == f"context alive at {cluster.server}"
    assert chaosk8s.create_k8s_api_client().configuration.host == cluster.server


@pytest.mark.usefixtures("two_contexts")
def test_a_context_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setenv("KUBERNETES_CONTEXT", "elsewhere")
    with pytest.raises(BadInput, match=r"two cannot be used: .*elsewhere"):
        Cluster()


def test_the_server_says_its_version(cluster, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    said = cluster.kubectl("version", "-o", "json").stdout
    assert Cluster().version() == yaml.safe_load(said)["serverVersion"]["gitVersion"]
