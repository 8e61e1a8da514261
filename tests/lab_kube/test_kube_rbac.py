"""Who may do what: kubectl, the Python client and plain requests, each with the token of a ServiceAccount."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from lab.kube.api.request import parse_target
from lab.kube.auth.attributes import Attributes, attributes_of
from lab.kube.auth.rbac import allows
from lab.kube.errors import ApiError
from lab.kube.resources import RESOURCES

GROUP = "rbac.authorization.k8s.io"
REVIEWS = "/apis/authorization.k8s.io/v1"


class Account:
    """A ServiceAccount named bob in the test's namespace, and ways to ask as it."""

    def __init__(self, cluster, namespace, ask):
        self.cluster, self.namespace, self._ask = cluster, namespace, ask
        self.user = f"system:serviceaccount:{namespace}:bob"
        cluster.kubectl("create", "serviceaccount", "bob", "-n", namespace)
        self.token = cluster.kubectl("create", "token", "bob", "-n", namespace).stdout.strip()

    def grant(self, *rules, name="role"):
        """Make a Role of these rules and bind it."""
        documents = [
            {"kind": "Role", "metadata": {"name": name}, "rules": list(rules)},
            {
                "kind": "RoleBinding",
                "metadata": {"name": name},
                "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": "bob"}],
            },
        ]
        for document in documents:
            made = {"apiVersion": f"{GROUP}/v1", **document}
            self.cluster.kubectl("create", "-n", self.namespace, "-f", "-", stdin=json.dumps(made))

    def ask(self, method, path, body=None, **headers):
        """Return the status and the message of an answer."""
        status, _, text = self._ask(method, path, body, token=self.token, **headers)
        return status, json.loads(text).get("message", "")

    def kubectl(self, *words):
        """Run kubectl with the account's token and no other identity."""
        with_token = ("--kubeconfig=/dev/null", f"--certificate-authority={self.cluster.ca}")
        where = (f"--server={self.cluster.server}", f"--token={self.token}", "-n", self.namespace)
        return self.cluster.kubectl(*words, *with_token, *where, check=False)


@pytest.fixture
def bob(cluster, namespace, ask):
    return Account(cluster, namespace, ask)


def rule(resources, verbs, groups=("",), **more):
    return {"apiGroups": list(groups), "resources": resources.split(), "verbs": verbs.split(), **more}


def test_what_no_rule_allows_is_forbidden_in_the_words_of_kubernetes(bob, namespace):
    deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    status, message = bob.ask("GET", f"{deployments}/x")
    assert (status, message) == (
        403,
        f'deployments.apps "x" is forbidden: User "{bob.user}" cannot get resource "deployments"'
        f' in API group "apps" in the namespace "{namespace}"',
    )
    assert bob.ask("GET", "/api/v1/nodes") == (
        403,
        f'nodes is forbidden: User "{bob.user}" cannot list resource "nodes" in API group ""'
        " at the cluster scope",
    )
    assert bob.ask("GET", f"/api/v1/namespaces/{namespace}/pods/p/log")[1] == (
        f'pods "p" is forbidden: User "{bob.user}" cannot get resource "pods/log" in API group ""'
        f' in the namespace "{namespace}"'
    )
    assert bob.ask("GET", "/metrics") == (403, f'forbidden: User "{bob.user}" cannot get path "/metrics"')
    assert bob.ask("GET", "/<b>&")[1].endswith('cannot get path "/&lt;b&gt;&amp;"')


def test_a_status_names_the_resource(ask, bob, namespace):
    _, _, body = ask("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/x", token=bob.token)
    status = json.loads(body)
    assert (status["kind"], status["status"], status["reason"]) == ("Status", "Failure", "Forbidden")
    assert status["details"] == {"name": "x", "group": "apps", "kind": "deployments"}


def test_discovery_is_open_to_everybody_with_a_token(bob):
    for path in ("/api", "/apis", "/api/v1", "/apis/apps/v1", "/version", "/openapi/v3", "/healthz", "/readyz"):
        status = bob.cluster.kubectl("get", "--raw", path, f"--token={bob.token}").returncode
        assert status == 0, path


def test_a_role_is_for_its_namespace(bob, namespace):
    bob.grant(rule("configmaps", "list create"))
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert bob.ask("GET", path)[0] == 200
    assert bob.ask("POST", path, {"metadata": {"name": "x"}})[0] == 201
    assert bob.ask("DELETE", f"{path}/x")[0] == 403
    assert bob.ask("DELETE", path)[1].count("deletecollection") == 1
    assert bob.ask("GET", "/api/v1/namespaces/default/configmaps")[0] == 403
    assert bob.ask("GET", "/api/v1/configmaps")[0] == 403


def test_a_namespace_lies_in_itself(bob, namespace):
    bob.grant(rule("namespaces", "get", resourceNames=[namespace]))
    assert bob.ask("GET", f"/api/v1/namespaces/{namespace}")[0] == 200
    assert bob.ask("GET", "/api/v1/namespaces/default")[0] == 403
    assert (
        bob.ask("PATCH", f"/api/v1/namespaces/{namespace}", {}, Content_Type="application/merge-patch+json")[0]
        == 403
    )


def test_subresources_are_granted_by_themselves(bob, namespace, web):
    bob.grant(rule("deployments/scale", "get patch", ["apps"]), rule("pods", "list"), rule("pods/log", "get"))
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    assert bob.ask("GET", path)[0] == 403
    assert bob.ask("GET", f"{path}/scale")[0] == 200
    assert bob.kubectl("scale", "deployment/web", "--replicas=1").returncode == 1
    logs = bob.kubectl("logs", "-l", "app=web")
    assert logs.returncode == 0, logs.stderr


def test_resource_names(bob, namespace):
    bob.grant(rule("configmaps", "*", resourceNames=["mine"]))
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    # A name is not known before an object is created by POST; an apply names it.
    assert bob.ask("POST", path, {"metadata": {"name": "mine"}})[0] == 403
    body = {"apiVersion": "v1", "kind": "ConfigMap"}
    patch = {"Content_Type": "application/apply-patch+yaml"}
    assert bob.ask("PATCH", f"{path}/mine?fieldManager=t", body, **patch)[0] == 201
    assert bob.ask("PATCH", f"{path}/other?fieldManager=t", body, **patch)[0] == 403
    assert bob.ask("GET", path)[0] == 403
    assert bob.ask("GET", f"{path}?fieldSelector=metadata.name%3Dmine")[0] == 200
    assert bob.ask("GET", f"{path}?fieldSelector=metadata.name%3Dother")[0] == 403


def test_an_apply_that_makes_an_object_needs_create(bob, namespace):
    bob.grant(rule("configmaps", "patch"))
    path = f"/api/v1/namespaces/{namespace}/configmaps/x?fieldManager=t"
    body = {"apiVersion": "v1", "kind": "ConfigMap"}
    status, message = bob.ask("PATCH", path, body, Content_Type="application/apply-patch+yaml")
    assert (status, "cannot create resource" in message) == (403, True)


def test_watch_is_a_verb_of_its_own(bob, namespace):
    bob.grant(rule("configmaps", "list"))
    path = f"/api/v1/namespaces/{namespace}/configmaps?watch=true&timeoutSeconds=1"
    assert 'cannot watch resource "configmaps"' in bob.ask("GET", path)[1]


def test_a_binding_to_a_role_that_does_not_exist_says_so(bob, cluster, namespace):
    words = ("create", "rolebinding", "b", "--role=none", f"--serviceaccount={namespace}:bob", "-n", namespace)
    cluster.kubectl(*words)
    message = bob.ask("GET", f"/api/v1/namespaces/{namespace}/pods")[1]
    assert message.endswith(f': RBAC: role.{GROUP} "none" not found')


@pytest.mark.parametrize(
    "group", ["system:serviceaccounts:{}", "system:serviceaccounts", "system:authenticated"]
)
def test_groups_of_service_accounts(bob, cluster, namespace, group):
    words = ("create", "rolebinding", "b", "--clusterrole=view", f"--group={group.format(namespace)}")
    cluster.kubectl(*words, "-n", namespace)
    assert bob.ask("GET", f"/api/v1/namespaces/{namespace}/pods")[0] == 200
    assert bob.ask("GET", f"/api/v1/namespaces/{namespace}/secrets")[0] == 403


def test_edit_and_admin_contain_view(cluster):
    def rules(name):
        return cluster.get("clusterrole", name)["rules"]

    view = rules("system:aggregate-to-view")
    cluster.wait_for(
        lambda: all(one in cluster.store.get("clusterroles", None, "admin")["rules"] for one in view)
    )
    view, edit, admin = map(rules, ("view", "edit", "admin"))
    assert all(one in edit for one in view)
    assert all(one in admin for one in edit)
    assert rules("cluster-admin")[0] == rule("*", "*", ["*"])


def test_a_label_aggregates_a_role(cluster, bob, namespace):
    name = f"extra-{namespace}"
    cluster.kubectl(
        "create", "rolebinding", "b", "--clusterrole=view", f"--serviceaccount={namespace}:bob", "-n", namespace
    )
    assert bob.ask("GET", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")[0] == 403
    words = ("create", "clusterrole", name, "--verb=list", "--resource=leases.coordination.k8s.io")
    try:
        cluster.kubectl(*words)
        cluster.kubectl("label", "clusterrole", name, f"{GROUP}/aggregate-to-view=true")
        wanted = rule("leases", "list", ["coordination.k8s.io"])
        cluster.wait_for(lambda: wanted in cluster.store.get("clusterroles", None, "view")["rules"])
        assert bob.ask("GET", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")[0] == 200
    finally:
        cluster.kubectl("delete", "clusterrole", name)
    cluster.wait_for(lambda: wanted not in cluster.store.get("clusterroles", None, "view")["rules"])


def test_nobody_grants_what_they_do_not_have(bob, namespace):
    bob.grant(rule("roles rolebindings", "create patch get", [GROUP]), rule("pods", "get list"))
    roles = f"/apis/{GROUP}/v1/namespaces/{namespace}/roles"
    less = {"metadata": {"name": "less"}, "rules": [rule("pods", "get")]}
    assert bob.ask("POST", roles, less)[0] == 201
    more = {"metadata": {"name": "more"}, "rules": [rule("pods secrets", "get delete")]}
    status, message = bob.ask("POST", roles, more)
    assert (status, message) == (
        403,
        f'roles.{GROUP} "more" is forbidden: user "{bob.user}" (groups=["system:serviceaccounts"'
        f' "system:serviceaccounts:{namespace}" "system:authenticated"]) is attempting to grant RBAC'
        ' permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}',
    )
    patch = {"rules": more["rules"]}
    assert bob.ask("PATCH", f"{roles}/less", patch, Content_Type="application/merge-patch+json")[0] == 403
    assert bob.kubectl("create", "rolebinding", "a", "--clusterrole=admin", "--user=eve").returncode == 1
    assert bob.kubectl("create", "rolebinding", "b", "--role=none", "--user=eve").returncode == 1
    done = bob.kubectl("create", "rolebinding", "c", "--role=less", "--user=eve")
    assert done.returncode == 0, done.stderr


def test_escalate_and_bind_allow_it_all_the_same(bob, namespace):
    bob.grant(
        rule("roles", "create escalate", [GROUP]),
        rule("rolebindings", "create", [GROUP]),
        rule("clusterroles", "bind", [GROUP], resourceNames=["view"]),
    )
    done = bob.kubectl("create", "role", "r", "--verb=delete", "--resource=secrets")
    assert done.returncode == 0, done.stderr
    assert bob.kubectl("create", "rolebinding", "a", "--clusterrole=view", "--user=eve").returncode == 0
    assert bob.kubectl("create", "rolebinding", "b", "--clusterrole=edit", "--user=eve").returncode == 1


def test_can_i(bob, cluster, namespace):
    bob.grant(rule("pods", "get"), rule("pods/log", "get"))
    assert bob.kubectl("auth", "can-i", "get", "pods").stdout == "yes\n"
    assert bob.kubectl("auth", "can-i", "get", "pods", "--subresource=log").stdout == "yes\n"
    assert bob.kubectl("auth", "can-i", "delete", "pods").stdout == "no\n"
    assert bob.kubectl("auth", "can-i", "get", "/api").stdout == "yes\n"
    listed = [line.split() for line in bob.kubectl("auth", "can-i", "--list").stdout.splitlines()]
    assert ["pods", "[]", "[]", "[get]"] in listed
    assert ["pods/log", "[]", "[]", "[get]"] in listed
    assert cluster.kubectl("auth", "can-i", "*", "*").stdout == "yes\n"
    who = [line.split(maxsplit=1) for line in bob.kubectl("auth", "whoami").stdout.splitlines()]
    assert ["Username", bob.user] in who


def test_reviews_of_others(ask, bob, namespace):
    bob.grant(rule("pods", "get"))

    def review(plural, spec):
        status, _, body = ask("POST", f"{REVIEWS}/{plural}", {"spec": spec})
        return status, json.loads(body)

    attributes = {"verb": "get", "resource": "pods", "namespace": namespace}
    status, allowed = review("subjectaccessreviews", {"user": bob.user, "resourceAttributes": attributes})
    assert (status, allowed["status"]) == (
        201,
        {
            "allowed": True,
            "reason": f'RBAC: allowed by RoleBinding "role/{namespace}" of Role "role"'
            f' to ServiceAccount "bob/{namespace}"',
        },
    )
    _, denied = review("subjectaccessreviews", {"user": "eve", "resourceAttributes": attributes})
    assert denied["status"] == {"allowed": False}
    local = f"namespaces/{namespace}/localsubjectaccessreviews"
    assert review(local, {"user": bob.user, "resourceAttributes": attributes})[1]["status"]["allowed"] is True
    elsewhere = {"user": bob.user, "resourceAttributes": attributes | {"namespace": "x"}}
    assert review(local, elsewhere)[0] == 400
    assert review("subjectaccessreviews", {"resourceAttributes": attributes})[0] == 422
    assert review("selfsubjectaccessreviews", {})[0] == 422
    assert bob.ask("POST", f"{REVIEWS}/subjectaccessreviews", {"spec": {}})[0] == 403


def test_acting_as_another(cluster, bob, namespace):
    bob.grant(rule("pods", "get"))
    as_bob = (f"--as={bob.user}", "-n", namespace)
    assert cluster.kubectl("auth", "can-i", "get", "pods", *as_bob, check=False).stdout == "yes\n"
    assert cluster.kubectl("auth", "can-i", "list", "pods", *as_bob, check=False).stdout == "no\n"
    refused = cluster.kubectl("get", "nodes", "--as=eve", "--as-group=dev", check=False)
    assert 'User "eve" cannot list resource "nodes"' in refused.stderr
    refused = bob.kubectl("get", "pods", "--as=kubernetes-admin", "--as-group=system:masters")
    assert f'User "{bob.user}" cannot impersonate resource "users"' in refused.stderr
    assert bob.ask("GET", "/api", Impersonate_Extra_scopes="x")[0] == 400
    assert bob.ask("GET", "/api", Impersonate_Group="system:masters")[0] == 500


def test_the_python_client_is_told_403_and_401(cluster, bob, namespace):
    bob.grant(rule("pods", "list"))
    configuration = client.Configuration(host=cluster.server)
    configuration.ssl_ca_cert = str(cluster.ca)
    configuration.api_key = {"authorization": f"Bearer {bob.token}"}
    with client.ApiClient(configuration) as api:
        core = client.CoreV1Api(api)
        assert core.list_namespaced_pod(namespace).items == []
        with pytest.raises(ApiException) as refused:
            core.list_namespaced_secret(namespace)
        assert refused.value.status == 403
        configuration.api_key["authorization"] = "Bearer nonsense"
        with pytest.raises(ApiException) as refused:
            core.list_namespaced_pod(namespace)
        assert refused.value.status == 401


def test_roles_are_validated(ask, namespace):
    roles = f"/apis/{GROUP}/v1/namespaces/{namespace}/roles"
    for bad, field in (
        ({"resources": ["pods"], "apiGroups": [""]}, "rules[0].verbs"),
        ({"resources": ["pods"], "verbs": ["get"]}, "rules[0].apiGroups"),
        ({"apiGroups": [""], "verbs": ["get"]}, "rules[0].resources"),
        ({"nonResourceURLs": ["/x"], "verbs": ["get"]}, "rules[0].nonResourceURLs"),
    ):
        status, _, body = ask("POST", roles, {"metadata": {"name": "r"}, "rules": [bad]})
        causes = json.loads(body)["details"]["causes"]
        assert (status, causes[0]["field"]) == (422, field)
    bindings = f"/apis/{GROUP}/v1/namespaces/{namespace}/rolebindings"
    role = {"apiGroup": GROUP, "kind": "Role", "name": "r"}
    for change, field in (
        ({"roleRef": role | {"kind": "Pod"}}, "roleRef.kind"),
        ({"roleRef": role | {"apiGroup": "apps"}}, "roleRef.apiGroup"),
        ({"subjects": [{"kind": "Pod", "name": "p"}]}, "subjects[0].kind"),
        ({"subjects": [{"kind": "User"}]}, "subjects[0].name"),
    ):
        status, _, body = ask("POST", bindings, {"metadata": {"name": "b"}, "roleRef": role, **change})
        causes = json.loads(body)["details"]["causes"]
        assert (status, causes[0]["field"]) == (422, field)


@pytest.mark.parametrize(
    ("granted", "asked", "is_allowed"),
    [
        ({"apiGroups": ["*"], "resources": ["*"]}, ("pods", "log"), True),
        ({"apiGroups": [""], "resources": ["pods"]}, ("pods", "log"), False),
        ({"apiGroups": [""], "resources": ["pods/*"]}, ("pods", "log"), False),
        ({"apiGroups": [""], "resources": ["*/log"]}, ("pods", "log"), True),
        ({"apiGroups": ["apps"], "resources": ["pods"]}, ("pods", ""), False),
        ({"resources": ["pods"]}, ("pods", ""), False),
        ({"nonResourceURLs": ["*"]}, ("pods", ""), False),
    ],
)
def test_wildcards(granted, asked, is_allowed):
    attributes = Attributes("get", resource=asked[0], subresource=asked[1])
    assert allows(granted | {"verbs": ["*"]}, attributes) is is_allowed


def test_paths_with_wildcards():
    granted = {"nonResourceURLs": ["/healthz/*", "/version"], "verbs": ["get"]}
    assert allows(granted, Attributes("get", "/healthz/ping"))
    assert allows(granted, Attributes("get", "/version"))
    assert not allows(granted, Attributes("get", "/healthz"))
    assert not allows(granted, Attributes("post", "/version"))


_PART = st.sampled_from(
    ["namespaces", "pods", "nodes", "a", "status", "finalize", "log", "events", "", "a%2Fb"]
)


@given(resource=st.sampled_from(RESOURCES), parts=st.lists(_PART, max_size=6))
def test_what_is_authorized_is_what_is_done(resource, parts):
    rest = "/".join([*parts[:-1], resource.plural, *parts[-1:]])
    prefix = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    try:
        target = parse_target(resource.group, resource.version, rest)
    except ApiError:
        return
    found = attributes_of("GET", f"{prefix}/{rest}", {})
    assert (found.group, found.resource) == (target.resource.group, target.resource.plural)
    assert (found.name or None, found.subresource or None) == (target.name, target.subresource)
    if target.resource.namespaced:
        assert found.namespace == (target.namespace or "")
