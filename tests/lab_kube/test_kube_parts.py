"""The parts by themselves: merging, ownership, selectors, quantities, names, the generated schema."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.kube.codec import copy
from lab.kube.errors import ApiError
from lab.kube.patch import fieldsets
from lab.kube.patch.apply import apply
from lab.kube.patch.merge import merge_patch
from lab.kube.patch.strategic import strategic_merge
from lab.kube.quantity import canonical
from lab.kube.resources import BY_PLURAL, RESOURCES
from lab.kube.schema import generate
from lab.kube.selectors import labels_match, object_selector
from lab.kube.store import Store
from lab.kube.tables.text import human_duration

POD = BY_PLURAL["pods"].schema
PODS = BY_PLURAL["pods"]


def test_the_schema_is_what_the_definitions_say():
    assert generate.TARGET.read_text() == generate.generate(), "run python -m lab.kube.schema.generate"


def test_every_resource_has_a_schema():
    for resource in RESOURCES:
        assert resource.schema.type == "struct"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (1, "1"),
        ("1000m", "1"),
        (0.5, "500m"),
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000", "1k"),
        ("0", "0"),
        ("250m", "250m"),
        ("1e3", "1e3"),
        ("100M", "100M"),
        ("128974848", "128974848"),
        ("0Mi", "0"),
    ],
)
def test_quantities_have_one_form(text, expected):
    assert canonical(text) == expected


@pytest.mark.parametrize("text", ["", "much", "1 Gi", "1KiB", "--1", "1.2.3"])
def test_what_is_no_quantity(text):
    with pytest.raises(ValueError, match="quantities must match"):
        canonical(text)


LABELS = {"app": "web", "tier": "front"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web,tier=front", True),
        ("app!=web", False),
        ("none!=x", True),
        ("app in (web, api)", True),
        ("app notin (web)", False),
        ("none notin (web)", True),
        ("app,!none", True),
        ("!app", False),
        ("app = web , tier", True),
        ("app=", False),
    ],
)
def test_label_selectors(selector, expected):
    assert labels_match(selector)(LABELS) is expected


@pytest.mark.parametrize("selector", ["a b", "a in x", "=x", "a=b=c", "a,,b", "a in (x"])
def test_bad_label_selectors(selector):
    with pytest.raises(ApiError, match="unable to parse requirement"):
        labels_match(selector)


def test_object_selectors():
    expressions = [
        {"key": "app", "operator": "In", "values": ["web"]},
        {"key": "x", "operator": "DoesNotExist"},
    ]
    assert object_selector({"matchLabels": {"tier": "front"}, "matchExpressions": expressions})(LABELS)
    assert not object_selector({"matchExpressions": [{"key": "x", "operator": "Exists"}]})(LABELS)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "5s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (620, "10m"),
        (3 * 3600 + 60, "3h1m"),
        (90000, "25h"),
        (8 * 86400, "8d"),
    ],
)
def test_durations_read_as_kubectls(seconds, text):
    assert human_duration(seconds) == text


def pod(*containers, **spec):
    return {"spec": {"containers": list(containers), **spec}}


def strategic(original, patch):
    before = copy(original)
    result = strategic_merge(original, patch, POD)
    assert original == before
    return result


def test_strategic_merge_by_key():
    original = pod(
        {"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b", "image": "1"}
    )
    patch = pod({"name": "a", "image": "2", "env": [{"name": "Y", "value": "2"}]})
    (first, second) = strategic(original, patch)["spec"]["containers"]
    assert (first["image"], [one["name"] for one in first["env"]]) == ("2", ["Y", "X"])
    assert second == {"name": "b", "image": "1"}


def test_strategic_directives():
    original = pod(
        {"name": "a", "image": "1", "args": ["x"]}, {"name": "b"}, {"name": "c"}, nodeSelector={"x": "y"}
    )
    names = lambda patch: [one["name"] for one in strategic(original, patch)["spec"]["containers"]]  # noqa: E731
    assert names(pod({"name": "b", "$patch": "delete"})) == ["a", "c"]
    assert names(pod({"$patch": "replace"}, {"name": "z"})) == ["z"]
    order = {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]}}
    assert names(order) == ["b", "c", "a"] or names(order) == ["c", "b", "a"] or names(order) == ["c", "a", "b"]
    assert strategic(original, {"spec": {"nodeSelector": None}})["spec"].get("nodeSelector") is None
    replaced = strategic(original, {"spec": {"nodeSelector": {"$patch": "replace", "a": "b"}}})
    assert replaced["spec"]["nodeSelector"] == {"a": "b"}
    volumes = {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}
    patch = {
        "spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/"}}]}
    }
    assert strategic(volumes, patch)["spec"]["volumes"] == [{"name": "v", "hostPath": {"path": "/"}}]
    finalizers = {"metadata": {"finalizers": ["a", "b"]}}
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}}
    assert strategic(finalizers, patch)["metadata"]["finalizers"] == ["c", "b"]


def test_ports_merge_by_number_alone_in_a_strategic_patch():
    original = pod({"name": "a", "ports": [{"containerPort": 80, "protocol": "TCP", "name": "x"}]})
    patch = pod({"name": "a", "ports": [{"containerPort": 80, "name": "y"}, {"containerPort": 81}]})
    ports = strategic(original, patch)["spec"]["containers"][0]["ports"]
    assert [(one["containerPort"], one.get("name")) for one in ports] == [(80, "y"), (81, None)]


def test_merge_patch_follows_rfc_7386():
    assert merge_patch({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None}, "d": [2], "e": {"f": None}}) == {
        "a": {"c": 2},
        "d": [2],
        "e": {},
    }


def test_field_sets_read_as_kubernetes_writes_them():
    value = pod({"name": "a", "image": "1", "ports": [{"containerPort": 80}], "args": ["x"]})
    written = fieldsets.to_fields_v1(fieldsets.paths_of(value, POD))
    port = 'k:{"containerPort":80,"protocol":"TCP"}'
    inner = {
        ".": {},
        "f:args": {},
        "f:image": {},
        "f:name": {},
        "f:ports": {port: {".": {}, "f:containerPort": {}}},
    }
    assert written == {"f:spec": {"f:containers": {'k:{"name":"a"}': inner}}}
    assert set(fieldsets.from_fields_v1(written)) == fieldsets.paths_of(value, POD)


def test_paths_read_as_kubernetes_words_them():
    path = (
        "f:spec",
        "f:containers",
        'k:{"name":"a"}',
        "f:ports",
        'k:{"containerPort":80,"protocol":"TCP"}',
        "f:name",
    )
    assert fieldsets.display(path) == '.spec.containers[name="a"].ports[containerPort=80,protocol="TCP"].name'
    assert fieldsets.display(("f:metadata", "f:finalizers", 'v:"x"')) == '.metadata.finalizers[="x"]'


def applied(live, config, name, **options):
    options = {"force": False, "subresource": "", **options}
    return apply(PODS, live, {"metadata": {"name": "p"}, **config}, name, **options)


def test_applied_lists_keep_the_order_of_who_applies_and_the_place_of_others():
    live = applied(None, pod({"name": "a"}, {"name": "b"}, {"name": "c"}), "one")
    live = applied(live, pod({"name": "x"}, {"name": "c"}, {"name": "a"}), "two")
    assert [one["name"] for one in live["spec"]["containers"]] == ["x", "b", "c", "a"] or [
        one["name"] for one in live["spec"]["containers"]
    ] == ["x", "c", "a", "b"]


def test_dropping_a_whole_struct_takes_its_defaults_along():
    probe = {"httpGet": {"port": 80}, "periodSeconds": 1}
    live = applied(None, pod({"name": "a", "readinessProbe": probe}), "one")
    live["spec"]["containers"][0]["readinessProbe"]["successThreshold"] = 1
    part = applied(live, pod({"name": "a", "readinessProbe": {"httpGet": {"port": 80}}}), "one")
    assert part["spec"]["containers"][0]["readinessProbe"] == {"httpGet": {"port": 80}, "successThreshold": 1}
    none = applied(live, pod({"name": "a"}), "one")
    assert none["spec"]["containers"] == [{"name": "a"}]


def test_items_without_their_key_and_twice_the_same():
    with pytest.raises(ApiError, match="omits key field"):
        applied(None, pod({"image": "1"}), "one")
    with pytest.raises(ApiError, match="duplicate entries for key"):
        applied(None, pod({"name": "a"}, {"name": "a"}), "one")


CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abc")},
        optional={
            "image": st.sampled_from("12"),
            "args": st.lists(st.sampled_from("xy"), max_size=2),
            "env": st.lists(
                st.fixed_dictionaries(
                    {"name": st.sampled_from("ABC")}, optional={"value": st.sampled_from("12")}
                ),
                unique_by=lambda one: one["name"],
            ),
            "ports": st.lists(
                st.fixed_dictionaries({"containerPort": st.sampled_from((80, 81))}),
                unique_by=lambda one: one["containerPort"],
            ),
        },
    ),
    unique_by=lambda one: one["name"],
    min_size=1,
)
LABEL_SETS = st.dictionaries(st.sampled_from("kl"), st.sampled_from("12"), min_size=1)
CONFIGS = st.builds(
    lambda containers, labels: {
        "metadata": {"name": "p", "labels": labels},
        "spec": {"containers": containers},
    },
    CONTAINERS,
    LABEL_SETS,
)


def meaning(value):
    """Return a value without the order of lists and without what is empty."""
    if isinstance(value, dict):
        return {
            key: meaning(item) for key, item in value.items() if item not in ({}, []) and key != "managedFields"
        }
    if isinstance(value, list):
        return sorted((meaning(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


@settings(max_examples=60, deadline=None)
@given(first=CONFIGS, fault=CONFIGS)
def test_whoever_applies_the_first_again_has_exactly_that(first, fault):
    live = applied(None, first, "one")
    again = applied(applied(live, fault, "one"), first, "one")
    assert meaning(again) == meaning(live)
    assert fieldsets.compare(live, again, POD).modified <= {("f:metadata", "f:managedFields")}


@settings(max_examples=60, deadline=None)
@given(first=CONFIGS, fault=CONFIGS)
def test_a_fault_by_another_manager_is_undone_when_both_go_back(first, fault):
    live = applied(None, first, "one")
    broken = applied(live, fault, "two", force=True)
    healed = applied(applied(broken, first, "one", force=True), first, "two", force=True)
    assert meaning(healed) == meaning(live)


@settings(max_examples=60, deadline=None)
@given(first=CONFIGS, other=CONFIGS)
def test_without_force_nothing_of_others_changes(first, other):
    live = applied(None, first, "one")
    owned = fieldsets.paths_of(first, POD)
    try:
        both = applied(live, other, "two")
    except ApiError as refused:
        fields = {cause["field"] for cause in refused.details["causes"]}
        assert fields <= {fieldsets.display(path) for path in owned}
    else:
        difference = fieldsets.compare(live, both, POD)
        assert not (difference.modified | difference.removed) & owned


def config_map(name, namespace="default", **data):
    return {"metadata": {"name": name, "namespace": namespace}, "data": data}


def test_the_store_keeps_what_it_handed_out():
    store = Store()
    given_in = config_map("a", x="1")
    made = store.create("configmaps", given_in)
    before = copy(made)
    store.mutate("configmaps", "default", "a", lambda new: new["data"].update(x="2"))
    assert made == before
    assert "uid" not in given_in["metadata"]
    version = store.version
    store.mutate("configmaps", "default", "a", lambda new: new["data"].update(x="2"))
    assert store.version == version


def test_a_mutation_that_fails_changes_nothing():
    store = Store()
    store.create("configmaps", config_map("a"))
    version = store.version
    with pytest.raises(ApiError, match="a valid config key"):
        store.mutate("configmaps", "default", "a", lambda new: new.update(data={"/": "x"}))
    assert store.version == version


def test_versions_are_those_of_a_later_life():
    first = Store()
    first.create("configmaps", config_map("a"))
    assert Store().version > first.version - 1000


def test_a_thousand_objects_are_listed_in_milliseconds():
    store = Store()
    for number in range(1000):
        store.create("configmaps", config_map(f"c{number}", x="y" * 500))
    started = time.perf_counter()
    assert len(store.list("configmaps", "default", "!x")) == 1000
    assert time.perf_counter() - started < 0.05
