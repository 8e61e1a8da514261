"""Decisions without processes: phases, conditions, back-off, volumes, the shop's image."""

import os

import pytest

from lab.node import volumes
from lab.node.backoff import Backoff
from lab.node.build import build
from lab.node.environment import ConfigError
from lab.node.status import ContainerState, fill, phase

RUNNING = {"running": {"startedAt": "2026-11-23T12:00:00Z"}}
WAITING = {"waiting": {"reason": "CrashLoopBackOff"}}
GOOD, BAD = {"terminated": {"exitCode": 0}}, {"terminated": {"exitCode": 2}}


def _state(current, last=None, *, ready=False):
    return ContainerState("main", "image", current=current, last=last or {}, ready=ready)


@pytest.mark.parametrize(
    ("states", "policy", "expected"),
    [
        ([_state(RUNNING)], "Always", "Running"),
        ([_state({"waiting": {"reason": "ContainerCreating"}})], "Always", "Pending"),
        ([_state(RUNNING), _state({"waiting": {"reason": "ErrImagePull"}})], "Always", "Pending"),
        ([_state(WAITING, BAD)], "Always", "Running"),
        ([_state(BAD)], "Always", "Running"),
        ([_state(BAD)], "OnFailure", "Running"),
        ([_state(GOOD)], "OnFailure", "Succeeded"),
        ([_state(GOOD), _state(GOOD)], "Never", "Succeeded"),
        ([_state(GOOD), _state(BAD)], "Never", "Failed"),
        ([_state(GOOD), _state(RUNNING)], "Never", "Running"),
    ],
)
def test_the_phase_is_the_kubelets(states, policy, expected):
    assert phase(states, policy) == expected


def _fill(status, states):
    fill(status, {"containers": []}, states, ip="127.77.0.1", host_ip="127.0.0.1", final=False)
    return {entry["type"]: entry for entry in status["conditions"]}


def test_conditions_keep_their_time_until_they_change_and_others_stay():
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    status = {"conditions": [scheduled]}
    assert _fill(status, [_state(RUNNING)])["Ready"]["reason"] == "ContainersNotReady"
    for entry in status["conditions"]:
        entry["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    found = _fill(status, [_state(RUNNING, ready=True)])
    assert found["PodScheduled"] == scheduled
    assert found["Initialized"]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert found["Ready"]["status"] == "True"
    assert found["Ready"]["lastTransitionTime"] > "2026-01-01T00:00:00Z"
    assert "reason" not in found["Ready"]


def test_back_off_doubles_to_its_limit_and_forgets_after_ten_good_minutes():
    backoff, now, waits = Backoff(), 1000.0, []
    for _ in range(8):
        waits.append(backoff.remaining(now, now))
        now += waits[-1]
        backoff.restarted(now)
        now += 1
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]
    assert backoff.remaining(now + 601, now + 601) == 0


def _pod(*volume):
    return {
        "metadata": {"namespace": "shop"},
        "spec": {"volumes": list(volume), "securityContext": {"fsGroup": 777}},
    }


OBJECTS = {
    "configmaps": {"kind": "ConfigMap", "data": {"a.sh": "echo a", "b.txt": "b"}},
    "secrets": {"kind": "Secret", "data": {"key": "c2VjcmV0"}},
}


def _look_up(plural, _namespace, name):
    return OBJECTS[plural] if name == "there" else None


def test_config_maps_and_secrets_become_files_of_the_pods_group(tmp_path):
    config = {
        "name": "c",
        "configMap": {"name": "there", "items": [{"key": "a.sh", "path": "run/me", "mode": 0o500}]},
    }
    secret = {"name": "s", "secret": {"secretName": "there", "defaultMode": 0o400}}
    made = volumes.make(_pod(config, secret, {"name": "e", "emptyDir": {}}), tmp_path, _look_up)
    script, key = made["c"] / "run" / "me", made["s"] / "key"
    assert script.read_text() == "echo a"
    assert key.read_bytes() == b"secret"
    assert (script.stat().st_mode & 0o777, key.stat().st_mode & 0o777) == (0o540, 0o440)
    assert not (made["c"] / "b.txt").exists()
    if os.geteuid() == 0:
        assert {path.stat().st_gid for path in (script, key, made["e"])} == {777}


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "gone"}}, 'configmap "gone" not found'),
        ({"secret": {"secretName": "gone"}}, 'secret "gone" not found'),
        (
            {"configMap": {"name": "there", "items": [{"key": "no", "path": "x"}]}},
            "non-existent config key: no",
        ),
        ({"configMap": {"name": "there", "items": [{"key": "b.txt", "path": "../x"}]}}, "leaves the volume"),
        ({"hostPath": {"path": "/etc"}}, "type hostPath is not supported"),
    ],
)
def test_volumes_that_cannot_be_made_are_told(tmp_path, volume, message):
    with pytest.raises(ConfigError, match=message):
        volumes.make(_pod({"name": "v", **volume}), tmp_path, _look_up)


def test_the_image_changes_with_the_code_and_is_compiled(tmp_path):
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("A = 1\n")
    first = build(package, tmp_path / "images")
    assert build(package, tmp_path / "images") == first
    assert list((first / "shop" / "__pycache__").glob("*.pyc"))
    (package / "__init__.py").write_text("A = 2\n")
    second = build(package, tmp_path / "images")
    assert second != first
    assert not first.exists()
