"""A container's environment and its mount paths."""

from pathlib import Path

import pytest

from lab.node.environment import ConfigError, compute, expand
from lab.node.mounts import Mounts

POD = {
    "metadata": {
        "name": "cart-1",
        "namespace": "shop",
        "uid": "u-1",
        "labels": {"app.kubernetes.io/name": "cart"},
        "annotations": {"note": "hello"},
    },
    "spec": {"nodeName": "lab"},
}
OBJECTS = {
    ("configmaps", "shop", "settings"): {"kind": "ConfigMap", "data": {"COLOUR": "green", "SIZE": "1"}},
    ("secrets", "shop", "keys"): {"kind": "Secret", "data": {"key": "c2VjcmV0"}},
}


def _compute(env=(), env_from=()):
    mounts = Mounts(Path("/pod/root"), {"/data": Path("/pod/volumes/data")})
    container = {"env": list(env), "envFrom": list(env_from)}
    return compute(POD, container, "127.77.0.1", "127.0.0.1", lambda *key: OBJECTS.get(key), mounts)


def _from(name, **source):
    return {"name": name, "valueFrom": source}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)-$(A)", "x-x"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(A)", "$(A)"),
        ("$A ${A}", "$A ${A}"),
    ],
)
def test_variables_are_expanded_as_kubernetes_does(text, expected):
    assert expand(text, {"A": "x"}) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "cart-1"),
        ("metadata.namespace", "shop"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['app.kubernetes.io/name']", "cart"),
        ("metadata.annotations['note']", "hello"),
        ("metadata.labels['absent']", ""),
        ("spec.nodeName", "lab"),
        ("status.podIP", "127.77.0.1"),
        ("status.hostIP", "127.0.0.1"),
    ],
)
def test_field_references(path, expected):
    assert _compute([_from("X", fieldRef={"fieldPath": path})]) == {"X": expected}


def test_later_entries_win_and_see_earlier_ones():
    env = [{"name": "SIZE", "value": "2"}, {"name": "BOTH", "value": "$(COLOUR)$(SIZE)"}]
    found = _compute(env, [{"configMapRef": {"name": "settings"}}])
    assert found == {"COLOUR": "green", "SIZE": "2", "BOTH": "green2"}


def test_secret_and_config_map_keys():
    env = [_from("K", secretKeyRef={"name": "keys", "key": "key"})]
    env.append(_from("C", configMapKeyRef={"name": "settings", "key": "COLOUR"}))
    assert _compute(env) == {"K": "secret", "C": "green"}


def test_what_is_optional_may_be_missing():
    env = [_from("K", secretKeyRef={"name": "none", "key": "key", "optional": True})]
    env.append(_from("C", configMapKeyRef={"name": "settings", "key": "none", "optional": True}))
    assert _compute(env, [{"configMapRef": {"name": "none", "optional": True}}]) == {}


@pytest.mark.parametrize(
    ("env", "env_from", "message"),
    [
        ([_from("K", secretKeyRef={"name": "none", "key": "k"})], [], 'secret "none" not found'),
        (
            [_from("K", secretKeyRef={"name": "keys", "key": "k"})],
            [],
            "couldn't find key k in Secret shop/keys",
        ),
        ([], [{"configMapRef": {"name": "none"}}], 'configmap "none" not found'),
        ([_from("X", fieldRef={"fieldPath": "status.mood"})], [], "fieldPath 'status.mood' is not supported"),
        ([_from("X", resourceFieldRef={"resource": "limits.cpu"})], [], "resourceFieldRef is not supported"),
        ([{"name": "LD_PRELOAD", "value": "/x.so"}], [], "variable LD_PRELOAD"),
    ],
)
def test_what_cannot_be_given_is_said(env, env_from, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        _compute(env, env_from)


def test_mount_paths_in_values_are_mapped():
    assert _compute([{"name": "PGDATA", "value": "/data/pg"}]) == {"PGDATA": "/pod/volumes/data/pg"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data", "/v/data"),
        ("/data/deep", "/v/deep"),
        ("--dir=/data", "--dir=/v/data"),
        ("/data/deep/x:/data/y", "/v/deep/x:/v/data/y"),
        ("/database", "/database"),
        ("/var/data", "/var/data"),
        ("http://host/data", "http://host/data"),
        ("cd '/data' && ls", "cd '/v/data' && ls"),
    ],
)
def test_only_whole_mentions_of_a_mount_path_are_rewritten(text, expected):
    mounts = Mounts(Path("/root"), {"/data": Path("/v/data"), "/data/deep/": Path("/v/deep")})
    assert mounts.rewrite(text) == expected


def test_a_path_of_the_image_lies_below_the_containers_root():
    mounts = Mounts(Path("/pod/root"), {"/data": Path("/v/data")})
    assert mounts.place("/var/run/postgresql") == Path("/pod/root/var/run/postgresql")
    assert mounts.place("/data/x") == Path("/v/data/x")
