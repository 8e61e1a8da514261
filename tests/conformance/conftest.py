"""The cluster that is judged: that of --kubeconfig or CONFORMANCE_KUBECONFIG, else the lab; and its namespaces.

No test needs more than the rights of a namespace's owner, save to make namespaces, to read nodes and, for those
of RBAC, to act as somebody else.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config, dynamic
from kubernetes.client.rest import ApiException

from .cluster import Answer, Kubectl, chosen_kubeconfig, parsed, until

BIN = Path(sys.executable).parent
OLDEST = BIN.parent / "kubectl" / "1.32" / "kubectl"
"""The oldest version that is held to work; setup/oldest-kubectl puts it beside the environment's own."""
MISSING = pytest.mark.skipif(
    not OLDEST.exists(), reason="kubectl 1.32 is not here: run setup/oldest-kubectl (x86_64 only)"
)
KUBECTLS = [
    pytest.param(BIN / "kubectl", id="kubectl"),
    pytest.param(OLDEST, id="kubectl-1.32", marks=[pytest.mark.full, MISSING]),
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names a cluster."""
    parser.addoption("--kubeconfig", help="the cluster that tests/conformance judges; env: KUBECONFIG's")


@dataclass(frozen=True)
class World:
    """Which cluster it is, and an image that runs there until it is told to stop, with a shell in it."""

    kubeconfig: Path
    environment: dict[str, str]
    image: str


@pytest.fixture(scope="session")
def world(request, tmp_path_factory) -> World:
    try:
        # pytest knows the option only when it is told to run this folder.
        chosen = chosen_kubeconfig(request.config.getoption("kubeconfig", None), os.environ)
    except ValueError as error:
        pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)
    kubeconfig = chosen or str(request.getfixturevalue("lab").kubeconfig)
    folder = tmp_path_factory.mktemp("conformance")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "LAB_"))}
    # HOME stays: a kubeconfig may name a program that keeps its login there.
    own = {"KUBECONFIG": kubeconfig, "KUBECACHEDIR": str(folder / "cache"), "KUBERC": "off"}
    return World(Path(kubeconfig), kept | own, os.environ.get("CONFORMANCE_IMAGE", "redis:7"))


@pytest.fixture(scope="session")
def api(world) -> Iterator[client.ApiClient]:
    """The Python client."""
    with config.new_client_from_config(str(world.kubeconfig)) as made:
        yield made


@pytest.fixture(scope="session")
def core(api):
    return client.CoreV1Api(api)


@pytest.fixture(scope="session")
def apps(api):
    return client.AppsV1Api(api)


@pytest.fixture(scope="session")
def typed(api, tmp_path_factory):
    """The dynamic client."""
    return dynamic.DynamicClient(api, cache_file=str(tmp_path_factory.mktemp("dynamic") / "discovery.json"))


@pytest.fixture
def namespace(core) -> Iterator[str]:
    """A new namespace, with the ServiceAccount that pods need; it is deleted without waiting for its end."""
    name = f"conformance-{secrets.token_hex(4)}"
    core.create_namespace({"metadata": {"name": name, "labels": {"purpose": "conformance"}}})
    try:
        until(lambda: core.list_namespaced_service_account(name).items, "the default ServiceAccount")
        yield name
    finally:
        # A test that failed half-way may have left one that would hold the namespace for ever.
        for held in core.list_namespaced_config_map(name).items:
            if held.metadata.finalizers:
                core.patch_namespaced_config_map(held.metadata.name, name, {"metadata": {"finalizers": None}})
        try:
            core.delete_namespace(name)
        except ApiException as error:
            if error.status != 404:
                raise


@pytest.fixture(params=KUBECTLS)
def kubectl(request, world, namespace) -> Kubectl:
    """kubectl in the test's namespace: the environment's own and the oldest (that with the mark full)."""
    return Kubectl(request.param, world.environment, namespace)


@pytest.fixture
def started(world) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what starts a command that goes on until the test is over."""
    processes: list[subprocess.Popen[str]] = []

    def start(command: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, env=world.environment, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def ask(api) -> Callable[..., Answer]:
    """Return what asks the API over HTTP with the kubeconfig's rights, errors included."""

    def ask(method: str, path: str, body: Any = None, query: tuple = (), **headers: str) -> Answer:
        named = {"Content-Type": "application/json", "Accept": "application/json"}
        named |= {key.replace("_", "-"): value for key, value in headers.items()}
        _, url, signed, *_ = api.param_serialize(
            method, path, query_params=list(query), header_params=named, auth_settings=["BearerToken"]
        )
        # Around the client's own sender, which turns bodies that do not fit into others.
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        got = api.rest_client.pool_manager.request(method, url, body=data, headers=signed, retries=False)
        return Answer(got.status, got.headers, parsed(got.data))

    return ask
