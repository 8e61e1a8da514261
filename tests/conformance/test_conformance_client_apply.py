"""Server-side apply by the dynamic client: who owns which field, who may change it, and what goes.

kubernetes.io/docs/reference/using-api/server-side-apply.
"""

import json

import pytest
from kubernetes.client.rest import ApiException
from kubernetes.dynamic.exceptions import ConflictError

from .cluster import config_map, container_of, deployment


@pytest.fixture
def apply(typed, namespace):
    """Return what applies an object as one manager."""

    def apply(manager, document, *, force=False):
        resource = typed.resources.get(api_version=document["apiVersion"], kind=document["kind"])
        return typed.server_side_apply(
            resource, body=document, namespace=namespace, field_manager=manager, force_conflicts=force
        ).to_dict()

    return apply


def refused(apply, manager, document):
    """Apply what must conflict; returns the fields it names, with whom, and the text."""
    with pytest.raises(ConflictError) as caught:
        apply(manager, document)
    status = json.loads(caught.value.body)
    assert (status["code"], status["reason"]) == (409, "Conflict")
    return {one["field"]: one["message"] for one in status["details"]["causes"]}


def managers(live):
    return {one["manager"]: one["fieldsV1"] for one in live["metadata"]["managedFields"]}


def with_env(**values):
    document = deployment()
    container_of(document)["env"] = [{"name": name, "value": value} for name, value in values.items()]
    return document


def env_of(live):
    return {one["name"]: one.get("value") for one in container_of(live).get("env", [])}


def test_who_applies_owns_what_was_applied(apply):
    live = apply("one", config_map("c", {"a": "1"}, labels={"x": "1"}))
    (entry,) = live["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"], entry["fieldsType"]) == ("one", "Apply", "FieldsV1")
    assert entry["fieldsV1"] == {
        "f:data": {"f:a": {}},
        "f:metadata": {"f:labels": {"f:x": {}}},
    }


def test_a_field_that_its_manager_drops_goes(apply):
    apply("one", config_map("c", {"a": "1", "b": "1"}, annotations={"note": "1"}))
    live = apply("one", config_map("c", {"a": "1"}))
    assert live["data"] == {"a": "1"}
    assert "annotations" not in live["metadata"]


def test_a_shared_field_stays_until_its_last_owner_drops_it(apply):
    """Two managers may own a field, for as long as they want the same value."""
    apply("one", with_env(A="1", B="1"))
    live = apply("two", with_env(A="1"))
    assert {"one", "two"} <= managers(live).keys()
    assert env_of(apply("one", deployment())) == {"A": "1"}
    assert env_of(apply("two", deployment())) == {}


def test_a_conflict_names_the_fields_and_changes_nothing(apply, apps, namespace):
    apply("one", deployment())
    assert refused(apply, "two", deployment(replicas=1)) == {".spec.replicas": 'conflict with "one"'}
    found = refused(apply, "two", deployment(replicas=1, image="example.com/b:1"))
    assert found.keys() == {".spec.replicas", '.spec.template.spec.containers[name="app"].image'}
    assert apps.read_namespaced_deployment("web", namespace).spec.replicas == 0


def test_force_takes_fields_over(apply):
    apply("one", deployment())
    live = apply("two", deployment(replicas=1), force=True)
    assert live["spec"]["replicas"] == 1
    assert "f:replicas" not in managers(live)["one"]["f:spec"]
    assert "f:replicas" in managers(live)["two"]["f:spec"]
    assert refused(apply, "one", deployment()) == {".spec.replicas": 'conflict with "two"'}


def test_an_update_takes_fields_over_and_then_conflicts(apply, apps, namespace):
    apply("one", deployment())
    apps.patch_namespaced_deployment("web", namespace, {"spec": {"replicas": 1}}, field_manager="hand")
    assert refused(apply, "one", deployment()) == {".spec.replicas": 'conflict with "hand" using apps/v1'}
    live = apply("one", deployment(), force=True)
    assert "f:replicas" in managers(live)["one"]["f:spec"]
    # Whoever owns nothing any more is named no more.
    assert "hand" not in managers(live)


def test_the_items_of_a_map_list_have_owners_of_their_own(apply):
    """Containers and variables are merged by name (x-kubernetes-list-map-keys of the OpenAPI definitions)."""
    apply("one", with_env(A="1"))
    live = apply("two", with_env(B="2"))
    assert env_of(live) == {"A": "1", "B": "2"}
    containers = managers(live)["two"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert containers['k:{"name":"app"}']["f:env"]['k:{"name":"B"}'] == {".": {}, "f:name": {}, "f:value": {}}
    assert refused(apply, "two", with_env(A="2", B="2")) == {
        '.spec.template.spec.containers[name="app"].env[name="A"].value': 'conflict with "one"'
    }


def test_an_atomic_list_has_one_owner(apply):
    """A container's args are replaced as a whole: to add one is to want another value."""
    document = deployment()
    container_of(document)["args"] = ["a"]
    apply("one", document)
    container_of(document)["args"] = ["a", "b"]
    field = '.spec.template.spec.containers[name="app"].args'
    assert refused(apply, "two", document).keys() == {field}
    live = apply("two", document, force=True)
    assert container_of(live)["args"] == ["a", "b"]


def test_the_values_of_a_set_have_owners_of_their_own(apply):
    """metadata.finalizers is a set (x-kubernetes-list-type)."""
    apply("one", config_map("c", finalizers=["example.com/a"]))
    live = apply("two", config_map("c", finalizers=["example.com/b"]))
    assert set(live["metadata"]["finalizers"]) == {"example.com/a", "example.com/b"}
    live = apply("one", config_map("c"))
    assert live["metadata"]["finalizers"] == ["example.com/b"]
    apply("two", config_map("c"))


def test_a_default_belongs_to_nobody(apply):
    live = apply("one", deployment())
    assert live["spec"]["revisionHistoryLimit"] == 10
    live = apply("two", deployment(revisionHistoryLimit=3))
    assert live["spec"]["revisionHistoryLimit"] == 3
    live = apply("two", deployment())
    assert live["spec"]["revisionHistoryLimit"] == 10


def test_an_apply_that_changes_nothing_writes_nothing(apply):
    first = apply("one", config_map("c", {"a": "1"}))
    again = apply("one", config_map("c", {"a": "1"}))
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_what_apply_refuses(apply, ask, namespace):
    path = f"/api/v1/namespaces/{namespace}/configmaps/c"
    form = {"Content_Type": "application/apply-patch+yaml"}
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
    nobody = ask("PATCH", path, text.encode(), **form)
    assert (nobody.status, nobody.causes) == (422, [("fieldManager", "FieldValueRequired")])
    assert "fieldManager: Required value: is required for apply patch" in nobody.message
    query = [("fieldManager", "one")]
    unknown = ask("PATCH", path, (text + "dta: {}\n").encode(), query=query, **form)
    assert ".dta: field not declared in schema" in unknown.message
    owned = ask(
        "PATCH", path, text.replace("name: c", "name: c, managedFields: [{}]").encode(), query=query, **form
    )
    assert (owned.status, owned.message) == (400, "metadata.managedFields must be nil")
    made = ask("PATCH", path, text.encode(), query=query, **form)
    assert made.status == 201
    assert ask("PATCH", path, text.encode(), query=query, **form).status == 200
    stale = ask(
        "PATCH", path, text.replace("name: c", "name: c, resourceVersion: '1'").encode(), query=query, **form
    )
    assert stale.status == 409
    with pytest.raises(ApiException):
        apply("one", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "No"}})


def test_managed_fields_can_be_reset(apply, core, namespace):
    """.../server-side-apply/#clearing-managedfields: a list of one empty entry."""
    apply("one", config_map("c", {"a": "1"}))
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]
    core.patch_namespaced_config_map("c", namespace, patch)
    assert not core.read_namespaced_config_map("c", namespace).metadata.managed_fields
    assert apply("two", config_map("c", {"a": "2"}))["data"] == {"a": "2"}
