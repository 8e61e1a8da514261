"""Who may do what: kubectl with a ServiceAccount's token, or --as somebody.

kubernetes.io/docs/reference/access-authn-authz/rbac. A cluster learns of a Role or a binding a moment after it
is written, so what it allows is waited for.
"""

import json

import pytest
import yaml
from kubernetes.client.rest import ApiException

from .cluster import Kubectl, config_map, until


@pytest.fixture
def user(namespace):
    return f"system:serviceaccount:{namespace}:bob"


@pytest.fixture
def bob(kubectl, tmp_path) -> Kubectl:
    """kubectl with nothing but the token of a new ServiceAccount: a certificate beside it would come first."""
    kubectl("create", "serviceaccount", "bob")
    shown = yaml.safe_load(kubectl("config", "view", "--minify", "--flatten", "--raw"))
    for one in shown["users"]:
        one["user"] = {"token": kubectl("create", "token", "bob").strip()}
    path = tmp_path / "bob"
    path.write_text(yaml.safe_dump(shown))
    path.chmod(0o600)
    return Kubectl(kubectl.program, kubectl.environment | {"KUBECONFIG": str(path)}, kubectl.namespace)


@pytest.fixture
def grant(kubectl):
    """Return what makes a Role and binds it to bob."""

    def grant(name, verbs, resource, *options):
        kubectl("create", "role", name, f"--verb={verbs}", f"--resource={resource}", *options)
        kubectl("create", "rolebinding", name, f"--role={name}", f"--serviceaccount={kubectl.namespace}:bob")

    return grant


def allowed(kubectl, *words):
    """Tell what `kubectl auth can-i` says: its words and its exit code agree."""
    said = kubectl("auth", "can-i", *words, code=None).strip().splitlines()[-1]
    kubectl("auth", "can-i", *words, "--quiet", code=0 if said == "yes" else 1)
    assert said == "yes" or said.startswith("no"), said
    return said == "yes"


def test_nobody_may_what_no_role_allows(bob, user):
    """The words are those of apiserver's Forbidden."""
    said = bob("get", "configmaps", code=1)
    assert said.startswith("Error from server (Forbidden): configmaps is forbidden: ")
    assert f'User "{user}" cannot list resource "configmaps" in API group ""' in said
    assert f'in the namespace "{bob.namespace}"' in said
    said = bob("delete", "deployment/web", code=1)
    assert f'deployments.apps "web" is forbidden: User "{user}" cannot delete resource "deployments"' in said
    assert 'cannot list resource "nodes" in API group "" at the cluster scope' in bob("get", "nodes", code=1)


def test_a_role_allows_what_it_names_in_its_namespace(bob, grant, kubectl):
    grant("reader", "get,list", "configmaps")
    kubectl("create", "configmap", "c", "--from-literal=a=b")
    until(lambda: allowed(bob, "list", "configmaps"), "the right to list")
    assert "c" in bob("get", "configmaps", "-o", "name").replace("configmap/", "").split()
    assert bob.json("configmap/c")["data"] == {"a": "b"}
    assert 'cannot create resource "configmaps"' in bob("create", "configmap", "d", code=1)
    assert 'in the namespace "default"' in bob("get", "configmaps", "-n", "default", code=1)
    assert "at the cluster scope" in bob("get", "configmaps", "--all-namespaces", code=1)
    kubectl("delete", "rolebinding", "reader")
    until(lambda: not allowed(bob, "list", "configmaps"), "the loss of that right")


def test_a_role_can_name_objects(bob, grant, kubectl):
    """.../rbac/#referring-to-resources: a list has no name, so a right to named objects is none to list."""
    for name in ("mine", "other"):
        kubectl("create", "configmap", name)
    grant("one", "get,list,delete", "configmaps", "--resource-name=mine")
    until(lambda: allowed(bob, "get", "configmaps/mine"), "the right to one")
    bob("get", "configmap/mine")
    assert 'configmaps "other" is forbidden' in bob("get", "configmap/other", code=1)
    assert "cannot list" in bob("get", "configmaps", code=1)
    bob("delete", "configmap/mine", "--wait=false")


def test_a_subresource_is_a_resource_of_its_own(bob, grant):
    grant("reader", "get", "pods")
    until(lambda: allowed(bob, "get", "pods"), "the right to pods")
    assert not allowed(bob, "get", "pods", "--subresource=log")
    grant("logs", "get", "pods/log")
    until(lambda: allowed(bob, "get", "pods", "--subresource=log"), "the right to logs")


def test_a_cluster_role_can_be_bound_in_one_namespace(bob, kubectl):
    """.../rbac/#user-facing-roles: view lets nobody see Secrets or Roles, edit no Roles."""
    kubectl("create", "rolebinding", "view", "--clusterrole=view", f"--serviceaccount={kubectl.namespace}:bob")
    until(lambda: allowed(bob, "list", "deployments.apps"), "the right to view")
    for what in ("list secrets", "list roles", "create pods", "delete deployments.apps"):
        assert not allowed(bob, *what.split()), what
    assert not allowed(bob, "list", "deployments.apps", "-n", "default")
    kubectl("create", "rolebinding", "edit", "--clusterrole=edit", f"--serviceaccount={kubectl.namespace}:bob")
    until(lambda: allowed(bob, "delete", "deployments.apps"), "the right to edit")
    assert allowed(bob, "list", "secrets")
    assert not allowed(bob, "create", "rolebindings")


def test_everything_that_is_allowed_is_listed(bob, grant, user):
    grant("reader", "get,list", "configmaps")
    until(lambda: allowed(bob, "list", "configmaps"), "the right to list")
    listed = [line.split() for line in bob("auth", "can-i", "--list").splitlines()]
    assert ["configmaps", "[]", "[]", "[get", "list]"] in listed
    who = [line.split(maxsplit=1) for line in bob("auth", "whoami").splitlines()]
    assert ["Username", user] in who


def test_who_may_do_all_can_act_as_another(bob, grant, kubectl, user):
    """.../authentication/#user-impersonation; a ServiceAccount acts by its user name."""
    grant("reader", "get", "configmaps")
    until(lambda: allowed(kubectl, "get", "configmaps", f"--as={user}"), "the right to get")
    assert not allowed(kubectl, "list", "configmaps", f"--as={user}")
    assert f'User "{user}" cannot list' in kubectl("get", "configmaps", f"--as={user}", code=1)
    said = kubectl("get", "configmaps", "--as=eve", "--as-group=dev", code=1)
    assert 'User "eve" cannot list resource "configmaps"' in said
    kubectl("create", "rolebinding", "dev", "--clusterrole=view", "--group=dev")
    until(lambda: allowed(kubectl, "list", "configmaps", "--as=eve", "--as-group=dev"), "the group's right")
    assert not allowed(kubectl, "list", "configmaps", "--as=eve")
    said = bob("get", "configmaps", "--as=eve", code=1)
    assert f'User "{user}" cannot impersonate resource "users"' in said


def test_nobody_grants_what_they_do_not_have(bob, grant, user):
    """.../rbac/#privilege-escalation-prevention-and-bootstrapping."""
    grant("roles", "get,create,patch", "roles,rolebindings")
    grant("reader", "get", "configmaps")
    until(lambda: allowed(bob, "create", "roles") and allowed(bob, "get", "configmaps"), "both rights")
    bob("create", "role", "same", "--verb=get", "--resource=configmaps")
    said = bob("create", "role", "more", "--verb=delete", "--resource=secrets", code=1)
    assert f'user "{user}"' in said
    assert "is attempting to grant RBAC permissions not currently held" in said
    said = bob("create", "rolebinding", "more", "--clusterrole=edit", "--user=eve", code=1)
    assert "is attempting to grant RBAC permissions not currently held" in said


def test_a_binding_is_to_one_role_for_ever(kubectl, grant):
    """.../rbac/#clusterrolebinding-example: to bind another, delete the binding and make a new one."""
    kubectl("create", "serviceaccount", "bob")
    grant("reader", "get", "configmaps")
    patch = json.dumps({"roleRef": {"name": "other"}})
    assert "cannot change roleRef" in kubectl("patch", "rolebinding", "reader", "-p", patch, code=1)


def test_a_binding_may_come_before_its_role(bob, kubectl):
    subject = f"--serviceaccount={kubectl.namespace}:bob"
    kubectl("create", "rolebinding", "early", "--role=late", subject)
    assert not allowed(bob, "get", "configmaps")
    kubectl("create", "role", "late", "--verb=get", "--resource=configmaps")
    until(lambda: allowed(bob, "get", "configmaps"), "the role's right")


def test_a_token_ends_with_its_account(bob, kubectl):
    """A cluster may know a token for some seconds more."""
    assert "Forbidden" in bob("get", "configmaps", code=1)
    kubectl("delete", "serviceaccount", "bob")
    until(lambda: "You must be logged in to the server" in bob("get", "configmaps", code=1), "its end")


def test_tokens_are_asked_for(core, namespace):
    """.../service-accounts-admin/#tokenrequest-api: bound to an account, for a time of ten minutes or more."""
    core.create_namespaced_service_account(namespace, config_map("bob") | {"kind": "ServiceAccount"})
    request = {"spec": {"audiences": [], "expirationSeconds": 600}}
    made = core.create_namespaced_service_account_token("bob", namespace, request)
    assert made.status.token.count(".") == 2
    assert made.status.expiration_timestamp is not None
    with pytest.raises(ApiException) as refused:
        core.create_namespaced_service_account_token(
            "bob", namespace, {"spec": {"audiences": [], "expirationSeconds": 599}}
        )
    assert refused.value.status == 422
    assert "may not specify a duration less than 10 minutes" in refused.value.body
    with pytest.raises(ApiException) as refused:
        core.create_namespaced_service_account_token("nobody", namespace, request)
    assert refused.value.status == 404
