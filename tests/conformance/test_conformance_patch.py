"""PATCH, in three media types: directives of strategic merge patches, and what is no patch.

kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch, and for the directives
github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md.
"""

import pytest

from .cluster import NEVER, config_map, container_of, deployment

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"


@pytest.fixture
def web(ask, namespace):
    """A Deployment's containers: a and b, with variables X and Y in a; returns what patches it."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    document = deployment(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}})
    containers = [
        {"name": "a", "image": NEVER, "args": ["x"], "env": [{"name": "X", "value": "1"}, {"name": "Y"}]},
        {"name": "b", "image": NEVER, "ports": [{"containerPort": 80, "name": "p"}]},
    ]
    document["spec"]["template"]["spec"] |= {"containers": containers, "nodeSelector": {"k": "v"}}
    assert ask("POST", path, document).status == 201

    def patch(content, form=STRATEGIC):
        got = ask("PATCH", f"{path}/web", content, Content_Type=form)
        assert got.status == 200, got
        return got.body["spec"]

    return patch


def pod_spec(**content):
    return {"spec": {"template": {"spec": content}}}


def names(items):
    return [one["name"] for one in items]


def test_lists_are_merged_by_their_key(web):
    """What the patch adds comes first (normalizeElementOrder of strategicpatch)."""
    env = [{"name": "Z", "value": "3"}, {"name": "X", "value": "2"}]
    spec = web(pod_spec(containers=[{"name": "a", "env": env}]))
    first, second = spec["template"]["spec"]["containers"]
    assert [(one["name"], one.get("value")) for one in first["env"]] == [("Z", "3"), ("X", "2"), ("Y", None)]
    assert (first["args"], second["name"]) == (["x"], "b")


def test_items_are_deleted_and_lists_replaced(web):
    spec = web(pod_spec(containers=[{"name": "b", "$patch": "delete"}]))
    assert names(spec["template"]["spec"]["containers"]) == ["a"]
    spec = web(pod_spec(containers=[{"$patch": "replace"}, {"name": "z", "image": NEVER}]))
    assert names(spec["template"]["spec"]["containers"]) == ["z"]


def test_an_order_is_set(web):
    order = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}
    assert names(web(pod_spec(**order))["template"]["spec"]["containers"]) == ["b", "a"]
    order = {"$setElementOrder/containers": [{"name": "n"}, {"name": "a"}, {"name": "b"}]}
    added = {"containers": [{"name": "n", "image": NEVER}]}
    assert names(web(pod_spec(**order, **added))["template"]["spec"]["containers"]) == ["n", "a", "b"]


def test_maps_are_merged_replaced_and_deleted(web):
    assert web(pod_spec(nodeSelector={"l": "w"}))["template"]["spec"]["nodeSelector"] == {"k": "v", "l": "w"}
    assert web(pod_spec(nodeSelector={"k": None}))["template"]["spec"]["nodeSelector"] == {"l": "w"}
    replaced = web(pod_spec(nodeSelector={"$patch": "replace", "m": "x"}))
    assert replaced["template"]["spec"]["nodeSelector"] == {"m": "x"}
    assert "nodeSelector" not in web(pod_spec(nodeSelector=None))["template"]["spec"]


def test_keys_that_are_not_retained_go(web):
    """A strategy of another type must not keep rollingUpdate: Deployments' strategy has retainKeys."""
    strategy = {"$retainKeys": ["type"], "type": "Recreate"}
    assert web({"spec": {"strategy": strategy}})["strategy"] == {"type": "Recreate"}


def test_values_are_deleted_from_a_set(ask, namespace):
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    ask("POST", path, config_map("c", finalizers=["example.com/a", "example.com/b"]))
    drop = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/a"]}}
    got = ask("PATCH", f"{path}/c", drop, Content_Type=STRATEGIC)
    assert got.body["metadata"]["finalizers"] == ["example.com/b"]
    more = {"metadata": {"finalizers": ["example.com/c"]}}
    got = ask("PATCH", f"{path}/c", more, Content_Type=STRATEGIC)
    assert set(got.body["metadata"]["finalizers"]) == {"example.com/b", "example.com/c"}
    ask("PATCH", f"{path}/c", {"metadata": {"finalizers": None}}, Content_Type=MERGE)


def test_a_merge_patch_replaces_lists(web):
    """RFC 7386: null removes, a list is a value."""
    containers = [{"name": "only", "image": NEVER}]
    spec = web(pod_spec(containers=containers, nodeSelector=None), MERGE)
    assert names(spec["template"]["spec"]["containers"]) == ["only"]
    assert "nodeSelector" not in spec["template"]["spec"]


def test_a_json_patch_goes_by_place(web):
    """RFC 6902."""
    place = "/spec/template/spec/containers/0"
    steps = [
        {"op": "test", "path": f"{place}/name", "value": "a"},
        {"op": "add", "path": f"{place}/args/0", "value": "w"},
        {"op": "remove", "path": f"{place}/env/0"},
        {"op": "copy", "from": f"{place}/args/1", "path": f"{place}/args/-"},
    ]
    first = container_of({"spec": web(steps, JSON)})
    assert (first["args"], names(first["env"])) == (["w", "x", "x"], ["Y"])


UNFIT = {
    "a failed test": (JSON, [{"op": "test", "path": "/data/a", "value": "z"}], 422),
    "a path to nothing": (JSON, [{"op": "remove", "path": "/data/none"}], 422),
    "no list": (JSON, "not a list", 400),
    "a list": (MERGE, [], 400),
    "a number for an object": (MERGE, {"metadata": 3}, None),
    "an unknown directive": (STRATEGIC, {"data": {"$patch": "what"}}, None),
    "another form": ("application/json", {}, 415),
    "another version": (MERGE, {"metadata": {"resourceVersion": "1"}}, 409),
    "another name": (MERGE, {"metadata": {"name": "d"}}, 400),
    "another kind": (MERGE, {"kind": "Secret"}, 422),
}


@pytest.mark.parametrize("case", UNFIT)
def test_what_is_no_patch(ask, namespace, case):
    """Where the code is None, Kubernetes answers one of 400 and 422, by the kind of decoder that stumbles."""
    form, content, status = UNFIT[case]
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    ask("POST", path, config_map("c", {"a": "b"}))
    got = ask("PATCH", f"{path}/c", content, Content_Type=form)
    assert got.status in ((status,) if status else (400, 422)), got
    assert (got.body["kind"], got.body["status"]) == ("Status", "Failure")
    assert ask("GET", f"{path}/c").body["data"] == {"a": "b"}
