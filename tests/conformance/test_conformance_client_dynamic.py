"""The dynamic client: every verb by discovery alone, errors as types of their own."""

import pytest
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError, UnprocessibleEntityError

from .cluster import config_map, deployment

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
LABELS = {"labels": {"test": "1"}}


@pytest.fixture
def config_maps(typed):
    return typed.resources.get(api_version="v1", kind="ConfigMap")


@pytest.fixture
def deployments(typed):
    return typed.resources.get(api_version="apps/v1", kind="Deployment")


def test_create_get_list_delete(config_maps, namespace):
    for name in ("a", "b"):
        made = config_maps.create(body=config_map(name, {"key": name}, **LABELS), namespace=namespace)
        assert (made.kind, made.metadata.name, made.data.key) == ("ConfigMap", name, name)
    assert config_maps.get(name="a", namespace=namespace).to_dict()["data"] == {"key": "a"}
    listed = config_maps.get(namespace=namespace, label_selector="test=1")
    assert listed.kind == "ConfigMapList"
    assert [one.metadata.name for one in listed.items] == ["a", "b"]
    assert config_maps.get(namespace=namespace, field_selector="metadata.name=b").items[0].data.key == "b"
    gone = config_maps.delete(name="a", namespace=namespace)
    assert (gone.kind, gone.status, gone.details.name) == ("Status", "Success", "a")
    with pytest.raises(NotFoundError):
        config_maps.get(name="a", namespace=namespace)
    config_maps.delete(namespace=namespace, label_selector="test=1")
    assert config_maps.get(namespace=namespace, label_selector="test=1").items == []


def test_patch_and_replace(config_maps, namespace):
    made = config_maps.create(body=config_map("c", {"a": "1", "b": "1"}), namespace=namespace)
    body = {"metadata": {"name": "c"}, "data": {"a": "2", "b": None}}
    patched = config_maps.patch(body=body, namespace=namespace, content_type=MERGE)
    assert patched.data.to_dict() == {"a": "2"}
    steps = [{"op": "add", "path": "/data/c", "value": "3"}]
    patched = config_maps.patch(name="c", body=steps, namespace=namespace, content_type=JSON)
    assert patched.data.to_dict() == {"a": "2", "c": "3"}
    with pytest.raises(ConflictError):
        config_maps.replace(body=made.to_dict() | {"data": {"late": "1"}}, namespace=namespace)
    replaced = config_maps.replace(body=patched.to_dict() | {"data": {"new": "1"}}, namespace=namespace)
    assert replaced.data.to_dict() == {"new": "1"}


def test_a_strategic_patch_is_what_it_sends_by_default(deployments, namespace):
    deployments.create(body=deployment(), namespace=namespace)
    container = {"name": "app", "env": [{"name": "A", "value": "1"}]}
    body = {"metadata": {"name": "web"}, "spec": {"template": {"spec": {"containers": [container]}}}}
    (patched,) = deployments.patch(body=body, namespace=namespace).spec.template.spec.containers
    assert patched.image == deployment()["spec"]["template"]["spec"]["containers"][0]["image"]
    assert patched.env[0].value == "1"


def test_subresources(deployments, namespace):
    deployments.create(body=deployment(paused=True), namespace=namespace)
    scale = deployments.scale.get(name="web", namespace=namespace)
    assert (scale.kind, scale.spec.replicas) == ("Scale", 0)
    body = {"spec": {"replicas": 2}}
    deployments.scale.patch(name="web", body=body, namespace=namespace, content_type=MERGE)
    assert deployments.get(name="web", namespace=namespace).spec.replicas == 2
    assert deployments.status.get(name="web", namespace=namespace).kind == "Deployment"


def test_watch_from_a_version(config_maps, namespace):
    """.../api-concepts/#efficient-detection-of-changes."""
    config_maps.create(body=config_map("before", **LABELS), namespace=namespace)
    version = config_maps.get(namespace=namespace).metadata.resourceVersion
    config_maps.create(body=config_map("after", {"a": "1"}, **LABELS), namespace=namespace)
    config_maps.patch(name="after", body={"data": {"a": "2"}}, namespace=namespace, content_type=MERGE)
    config_maps.delete(name="after", namespace=namespace)
    options = {"label_selector": "test=1", "resource_version": version, "timeout": 1}
    events = list(config_maps.watch(namespace=namespace, **options))
    assert [(one["type"], one["object"].metadata.name, one["object"].data.a) for one in events] == [
        ("ADDED", "after", "1"),
        ("MODIFIED", "after", "2"),
        ("DELETED", "after", "2"),
    ]


def test_errors_have_types(config_maps, namespace):
    config_maps.create(body=config_map("c"), namespace=namespace)
    with pytest.raises(ConflictError) as taken:
        config_maps.create(body=config_map("c"), namespace=namespace)
    assert taken.value.summary().endswith('configmaps "c" already exists')
    with pytest.raises(UnprocessibleEntityError):
        config_maps.create(body=config_map("No"), namespace=namespace)
    with pytest.raises(NotFoundError):
        config_maps.create(body=config_map("c"), namespace=f"{namespace}-none")
