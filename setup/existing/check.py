"""Whether a cluster and a Grafana that are there already can have game days: python setup/existing/check.py.

Everything is looked at and nothing is changed. What is missing is said all at once, each with what to do; the
exit code is then 2. Which rights are needed is read from manifests/gameday/rbac.yaml: there is one list.
Before app.yaml is applied, its namespace may be absent; one that is there must welcome chaos even then, since
applying would label it.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from chaosext.environment import load_windows
from chaosext.errors import ChaosextError, Refused
from chaosext.grafana.client import Grafana
from chaosext.kubernetes.cluster import Cluster, describe
from chaosext.kubernetes.connection import connect
from chaosext.kubernetes.manifests import load_manifest, namespaces
from chaosext.kubernetes.rollout import wait_for_rollouts
from chaosext.kubernetes.safety import check_opt_in
from chaosext.slo.load import load_slos

RBAC = Path(__file__).parents[2] / "manifests" / "gameday" / "rbac.yaml"
TIMEOUT_SECONDS = 10
UNABLE = 2


def files(manifests: Path) -> Iterator[str]:
    """Yield what is wrong with the SLOs and the row of the window table that CHAOS_ENVIRONMENT names."""
    try:
        load_slos(manifests / "slo.yaml")
        load_windows(manifests / "windows.yaml")
    except ChaosextError as error:
        yield str(error)


def cluster(manifests: Path, *, before_apply: bool = False) -> Iterator[str]:
    """Yield what is missing in KUBECONFIG's cluster: rights, the opt-in, and objects of app.yaml."""
    try:
        documents = load_manifest(manifests / "app.yaml")
        asked = Cluster()
        for namespace in namespaces(documents):
            yield from _rights(namespace)
            if not _exists(asked, namespace):
                if not before_apply:
                    yield f"{asked} has no namespace {namespace}: setup/up existing --apply makes it"
                continue
            try:
                check_opt_in(asked, [namespace])
            except Refused as refused:
                yield str(refused)
                continue
            absent = [describe(d) for d in documents if _lies_in(d, namespace) and asked.get(d) is None]
            if absent and not before_apply:
                yield f"namespace {namespace} lacks {', '.join(absent)}: setup/up existing --apply makes them"
    except ChaosextError as error:
        yield str(error)


def rollouts(manifests: Path, seconds: float) -> Iterator[str]:
    """Wait until app.yaml's Deployments run, and yield what does not within `seconds`."""
    try:
        wait_for_rollouts(Cluster(), load_manifest(manifests / "app.yaml"), seconds)
    except ChaosextError as error:
        yield f"{error} (can the cluster pull the images of app.yaml? setup/existing/README.md says how)"


def grafana() -> Iterator[str]:
    """Yield what is missing in GRAFANA_URL's Grafana: an answer, a token that is let in, data sources."""
    try:
        asked = Grafana(os.environ.get("GRAFANA_URL", ""), os.environ.get("GRAFANA_TOKEN", ""))
        asked.health()
        kinds = {source.type for source in asked.datasources()}
    except ChaosextError as error:
        yield str(error)
        return
    if "prometheus" not in kinds:
        yield f"{asked.url} has no Prometheus data source: add one; SLIs are read from it"
    for kind, what in (("loki", "log lines"), ("tempo", "traces")):
        if kind not in kinds:
            print(f"note: {asked.url} has no {kind.capitalize()} data source: reports will hold no {what}")


def needed(rbac: Path = RBAC) -> list[tuple[str, str, str]]:
    """Return (verb, group, resource) for every right of the game day's Role, subresources as `a/b`."""
    roles = [d for d in yaml.safe_load_all(rbac.read_text(encoding="utf-8")) if d and d["kind"] == "Role"]
    return [
        (verb, group, resource)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def _rights(namespace: str) -> Iterator[str]:
    name, configuration = connect()
    configuration.retries = False
    with client.ApiClient(configuration) as api:
        reviews = client.AuthorizationV1Api(api)
        try:
            denied = [right for right in needed() if not _allowed(reviews, namespace, *right)]
        except (ApiException, HTTPError) as error:
            yield f"{name}: cannot ask what it lets me do: {getattr(error, 'reason', None) or error}"
            return
    if denied:
        words = ", ".join(f"{verb} {resource}" for verb, _, resource in denied)
        yield (
            f"{name} does not let me, in namespace {namespace}: {words}; an administrator gives that with: "
            "kubectl apply -f manifests/gameday/rbac.yaml"
        )


def _allowed(reviews: client.AuthorizationV1Api, namespace: str, verb: str, group: str, resource: str) -> bool:
    """Ask as `kubectl auth can-i` does: a SelfSubjectAccessReview."""
    kind, _, part = resource.partition("/")
    attributes: dict[str, Any] = {"verb": verb, "group": group, "resource": kind, "subresource": part}
    # A namespace lies in itself for this question, as for kubectl.
    attributes |= {"namespace": namespace, "name": namespace if kind == "namespaces" else ""}
    review = {"spec": {"resourceAttributes": attributes}}
    return bool(
        reviews.create_self_subject_access_review(review, _request_timeout=TIMEOUT_SECONDS).status.allowed
    )


def _exists(asked: Cluster, namespace: str) -> bool:
    return asked.get({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}) is not None


def _lies_in(document: dict[str, Any], namespace: str) -> bool:
    return document["metadata"].get("namespace") == namespace


def main(words: list[str]) -> int:
    """Look at everything, print what is missing, and return the exit code."""
    parser = argparse.ArgumentParser(prog="check.py", description="Looks at a cluster and a Grafana.")
    parser.add_argument("--manifests", type=Path, default=Path("manifests"))
    parser.add_argument("--before-apply", action="store_true", help="what app.yaml makes may be absent")
    parser.add_argument("--rollouts", type=float, metavar="SECONDS", help="first wait until app.yaml runs")
    options = parser.parse_args(words)
    missing = [] if options.rollouts is None else [*rollouts(options.manifests, options.rollouts)]
    missing += files(options.manifests)
    missing += cluster(options.manifests, before_apply=options.before_apply)
    missing += grafana()
    for line in missing:
        print(f"missing: {line}", file=sys.stderr)
    return UNABLE if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
