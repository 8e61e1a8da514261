"""Lists and watches: from a version, in pages, of one moment, and what is said when that is too long ago."""

import base64
import json

import pytest
from kubernetes import watch
from kubernetes.client.rest import ApiException

from .cluster import config_map

LABEL = "test=1"
LABELS = {"labels": {"test": "1"}}


def make(core, namespace, *names):
    for name in names:
        core.create_namespaced_config_map(namespace, config_map(name, **LABELS))


def path(namespace):
    return f"/api/v1/namespaces/{namespace}/configmaps"


def test_watch_from_a_version(core, namespace):
    """kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes."""
    make(core, namespace, "before")
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map("after", {"a": "1"}, **LABELS))
    core.patch_namespaced_config_map("after", namespace, {"data": {"a": "2"}})
    core.delete_namespaced_config_map("after", namespace)
    options = {"label_selector": LABEL, "resource_version": version, "timeout_seconds": 1}
    events = list(watch.Watch().stream(core.list_namespaced_config_map, namespace, **options))
    assert [(one["type"], one["object"].data["a"]) for one in events] == [
        ("ADDED", "1"),
        ("MODIFIED", "2"),
        ("DELETED", "2"),
    ]
    versions = [int(one["object"].metadata.resource_version) for one in events]
    assert versions == sorted(set(versions))


def test_watch_without_a_version_begins_with_what_there_is(core, namespace):
    make(core, namespace, "a", "b")
    options = {"label_selector": LABEL, "timeout_seconds": 1}
    events = list(watch.Watch().stream(core.list_namespaced_config_map, namespace, **options))
    assert {(one["type"], one["object"].metadata.name) for one in events} == {("ADDED", "a"), ("ADDED", "b")}


def test_a_selector_sees_objects_come_and_go(core, namespace):
    core.create_namespaced_config_map(namespace, config_map("a", labels={"on": "1"}))
    core.create_namespaced_config_map(namespace, config_map("b"))
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.patch_namespaced_config_map("a", namespace, {"metadata": {"labels": {"on": None}}})
    core.patch_namespaced_config_map("b", namespace, {"metadata": {"labels": {"on": "1"}}})
    options = {"label_selector": "on=1", "resource_version": version, "timeout_seconds": 1}
    events = watch.Watch().stream(core.list_namespaced_config_map, namespace, **options)
    assert [(one["type"], one["object"].metadata.name) for one in events] == [("DELETED", "a"), ("ADDED", "b")]


def test_a_list_as_a_watch_ends_with_a_bookmark(core, namespace, api):
    """.../api-concepts/#streaming-lists: sendInitialEvents, on by default since 1.32 for built-in kinds."""
    make(core, namespace, "a")
    query = [
        ("watch", "1"),
        ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"),
        ("allowWatchBookmarks", "true"),
        ("timeoutSeconds", "1"),
        ("labelSelector", LABEL),
    ]
    request = api.param_serialize("GET", path(namespace), query_params=query, auth_settings=["BearerToken"])
    lines = [json.loads(line) for line in api.call_api(*request).read().splitlines()]
    assert [line["type"] for line in lines[:2]] == ["ADDED", "BOOKMARK"]
    assert lines[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_watch_from_a_forgotten_version_is_gone(core, namespace):
    """Version 1 is compacted on every cluster that has run for some minutes."""
    stream = watch.Watch().stream(
        core.list_namespaced_config_map, namespace, resource_version="1", timeout_seconds=1
    )
    with pytest.raises(ApiException) as gone:
        list(stream)
    assert gone.value.status == 410
    assert "too old resource version" in str(gone.value.reason)


def test_pages_are_of_one_moment(core, namespace):
    """.../api-concepts/#retrieving-large-results-sets-in-chunks: what comes later is in no page."""
    names = [f"c{number}" for number in range(7)]
    make(core, namespace, *names)

    def page(token=None):
        return core.list_namespaced_config_map(namespace, limit=3, _continue=token, label_selector=LABEL)

    first = page()
    core.delete_namespaced_config_map("c5", namespace)
    make(core, namespace, "c4a")
    rest = page(first.metadata._continue)
    last = page(rest.metadata._continue)
    assert [one.metadata.name for part in (first, rest, last) for one in part.items] == names
    assert last.metadata._continue is None
    assert {part.metadata.resource_version for part in (first, rest, last)} == {first.metadata.resource_version}
    exact = core.list_namespaced_config_map(
        namespace,
        label_selector=LABEL,
        resource_version=first.metadata.resource_version,
        resource_version_match="Exact",
    )
    assert [one.metadata.name for one in exact.items] == names


def test_the_rest_is_counted_unless_there_is_a_selector(core, namespace):
    """ListMeta.remainingItemCount: servers leave it out with a selector."""
    make(core, namespace, "a", "b", "c")
    everything = core.list_namespaced_config_map(namespace)
    first = core.list_namespaced_config_map(namespace, limit=1)
    assert first.metadata.remaining_item_count == len(everything.items) - 1
    assert (
        core.list_namespaced_config_map(namespace, limit=1, label_selector=LABEL).metadata.remaining_item_count
        is None
    )


def test_a_page_that_comes_too_late(core, namespace, ask):
    """410, with a token that goes on without the promise of one moment (etcd3's handleCompactedErrorForPaging).

    A token says which version it is of; here it is made one that every cluster has forgotten.
    """
    make(core, namespace, "a", "b", "c")
    token = core.list_namespaced_config_map(namespace, limit=1, label_selector=LABEL).metadata._continue
    content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    old = base64.urlsafe_b64encode(json.dumps(content | {"rv": 1}).encode()).decode().rstrip("=")
    query = [("limit", "5"), ("labelSelector", LABEL)]
    gone = ask("GET", path(namespace), query=[*query, ("continue", old)])
    assert (gone.status, gone.body["reason"]) == (410, "Expired")
    assert "The provided continue parameter is too old to display a consistent list result" in gone.message
    rest = ask("GET", path(namespace), query=[*query, ("continue", gone.body["metadata"]["continue"])])
    assert [one["metadata"]["name"] for one in rest.body["items"]] == ["b", "c"]


LIST_ERRORS = {
    "no such match": ({"resourceVersion": "1", "resourceVersionMatch": "x"}, 422, "Unsupported value"),
    "a match of nothing": (
        {"resourceVersionMatch": "Exact"},
        422,
        "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    ),
    "exactly any": (
        {"resourceVersion": "0", "resourceVersionMatch": "Exact"},
        422,
        'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ),
    "too long ago": ({"resourceVersion": "1", "resourceVersionMatch": "Exact"}, 410, "too old"),
    "no version": ({"resourceVersion": "x"}, 400, "nvalid"),
    "no token": ({"continue": "x"}, 400, "continue key is not valid"),
    "no label selector": ({"labelSelector": "a b"}, 400, "unable to parse requirement"),
    "no field": ({"fieldSelector": "spec.x=1"}, 400, "field label not supported: spec.x"),
    "no number": ({"limit": "x"}, 400, ""),
}


@pytest.mark.parametrize("case", LIST_ERRORS)
def test_lists_that_cannot_be(ask, namespace, case):
    """The words are those of ValidateListOptions in apimachinery."""
    query, status, message = LIST_ERRORS[case]
    got = ask("GET", path(namespace), query=tuple(query.items()))
    assert (got.status, message in got.message) == (status, True), got


def test_metadata_alone(ask, core, namespace):
    """.../api-concepts/#alternate-representations: PartialObjectMetadataList."""
    core.create_namespaced_config_map(namespace, config_map("m", {"a": "b"}, **LABELS))
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    got = ask("GET", path(namespace), query=[("labelSelector", LABEL)], Accept=accept).body
    assert got["kind"] == "PartialObjectMetadataList"
    assert [one["metadata"]["name"] for one in got["items"]] == ["m"]
    assert "data" not in got["items"][0]
