"""kubectl logs: all of a container's output, a part of it, as it comes, and that of its life before."""

import re

import pytest

from .cluster import read_until, until

pytestmark = pytest.mark.container
# Prints five lines and waits; ends with an error, once, when its file says so.
SCRIPT = "for n in 1 2 3 4 5; do echo line $n; done; while true; do sleep 0.2; echo tick; done"


def pod(image, script, **spec):
    container = {"name": "app", "image": image, "command": ["sh", "-c", script]}
    metadata = {"name": "talk", "labels": {"app": "talk"}}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [container], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture
def talking(kubectl, world):
    kubectl.apply(pod(world.image, SCRIPT))
    kubectl("wait", "pod/talk", "--for=condition=Ready", "--timeout=50s")
    until(lambda: "tick" in kubectl("logs", "talk"), "its output")
    return kubectl


def test_parts_of_a_log(talking):
    whole = talking("logs", "pod/talk").splitlines()
    assert whole[:6] == ["line 1", "line 2", "line 3", "line 4", "line 5", "tick"]
    last = talking("logs", "talk", "--tail=2").splitlines()
    assert last in (["tick", "tick"], ["line 5", "tick"])
    assert talking("logs", "talk", "--tail=0") == ""
    assert talking("logs", "talk", "-c", "app", "--limit-bytes=6") == "line 1"
    stamped = talking("logs", "talk", "--timestamps").splitlines()[0]
    time, _, text = stamped.partition(" ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", time)
    assert text == "line 1"
    assert "line 1" in talking("logs", "talk", "--since=1h")
    assert "line 1" in talking("logs", "talk", f"--since-time={time[:19]}Z")
    assert talking("logs", "talk", "--since-time=2999-01-01T00:00:00Z") == ""
    labelled = talking("logs", "-l", "app=talk", "--prefix", "--tail=1")
    assert labelled.startswith("[pod/talk/app] ")


def test_logs_that_are_not_there(talking):
    refused = talking("logs", "talk", "-c", "none", code=1)
    assert "container none is not valid for pod talk" in refused
    refused = talking("logs", "talk", "--previous", code=1)
    assert 'previous terminated container "app" in pod "talk" not found' in refused
    assert 'pods "none" not found' in talking("logs", "none", code=1)


def test_logs_are_followed_to_the_end(talking, started):
    process = started(talking.command("logs", "-f", "talk", "--tail=1"))
    read_until(process, "tick")
    read_until(process, "tick")
    talking("delete", "pod", "talk", "--wait=false")
    assert process.wait(50) == 0


def test_the_life_before(kubectl, world):
    """A container that failed is started again; its state, its row and `logs --previous` tell of it."""
    kubectl.apply(pod(world.image, "echo first; exit 3"))
    until(
        lambda: kubectl.json("pod/talk")["status"].get("containerStatuses", [{}])[0].get("restartCount"),
        "a restart",
    )
    until(lambda: kubectl("logs", "talk", "--previous", code=None) == "first\n", "its log")
    status = kubectl.json("pod/talk")["status"]["containerStatuses"][0]
    last = status["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (3, "Error")
    assert kubectl("get", "pod", "talk", "--no-headers").split()[2] in ("Error", "CrashLoopBackOff", "Running")
    shown = kubectl("describe", "pod", "talk")
    assert re.search(r"Exit Code:\s+3", shown)
    until(
        lambda: "BackOff" in kubectl("get", "events", "--field-selector=involvedObject.name=talk"), "an event"
    )


def test_a_job_runs_to_its_end(kubectl, world):
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once"},
        "spec": {"template": {"spec": pod(world.image, "echo done")["spec"] | {"restartPolicy": "Never"}}},
    }
    kubectl.apply(job)
    kubectl("wait", "job/once", "--for=condition=complete", "--timeout=50s")
    assert kubectl("logs", "job/once") == "done\n"
    assert kubectl("get", "job", "once", "--no-headers").split()[1:3] == ["Complete", "1/1"]
    assert kubectl("get", "pods", "--no-headers").split()[1:3] == ["0/1", "Completed"]
    kubectl("delete", "job", "once")
    until(lambda: not kubectl.json("pods")["items"], "the pod's end")
