"""The life of pods on a real node: status, ends, restarts, what they leave."""

import os
import time

import pytest

from lab.node import procfs


def test_a_pod_becomes_running_and_ready_with_an_address_of_its_own(with_world):
    async def body(world):
        world.run("one", "exec sleep 60")
        world.run("two", "exec sleep 60")
        await world.until(lambda: world.condition("one", "Ready") == world.condition("two", "Ready") == "True")
        status = world.pod("one")["status"]
        assert status["phase"] == "Running"
        assert status["hostIP"] == "127.0.0.1"
        assert status["podIP"].startswith("127.")
        assert status["podIP"] != world.pod("two")["status"]["podIP"]
        container = status["containerStatuses"][0]
        assert container["ready"]
        assert container["started"]
        assert container["restartCount"] == 0
        assert container["imageID"].startswith("ecommerce-shop@sha256:")
        assert container["containerID"].startswith("lab://")
        assert {reason for reason, _ in world.events("one")} == {"Pulled", "Created", "Started"}

    with_world(body)


def test_processes_run_as_the_pods_user_at_lower_priority_without_new_privileges(with_world):
    async def body(world):
        script = "id -u; id -g; id -G; nice; grep NoNewPrivs /proc/self/status; pwd; whoami"
        world.run(
            "me",
            script,
            pod={"restartPolicy": "Never", "securityContext": {"runAsUser": 12345, "fsGroup": 777}},
        )
        await world.ended("me", 0)
        uid, gid, groups, nice, privileges, folder, name = world.output("me").splitlines()
        if os.geteuid() == 0:
            assert (uid, gid, groups) == ("12345", "12345", "12345 777")
        assert int(nice) == min(os.nice(0) + 5, 19)
        assert privileges.split() == ["NoNewPrivs:", "1"]
        assert folder.startswith(str(world.folder))
        assert name == "shop"

    with_world(body)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could run a pod as root")
def test_no_pod_runs_as_root(with_world):
    async def body(world):
        world.run("root", "id -u", pod={"securityContext": {"runAsUser": 0}})
        waiting = await world.until(lambda: world.status("root")["state"].get("waiting", {}).get("message"))
        assert "no container as root" in waiting

    with_world(body)


@pytest.mark.parametrize(("script", "phase", "code"), [("exit 0", "Succeeded", 0), ("exit 7", "Failed", 7)])
def test_a_pod_that_never_restarts_ends_with_its_exit_code(with_world, script, phase, code):
    async def body(world):
        world.run("job", script, pod={"restartPolicy": "Never"})
        await world.ended("job", code)
        assert world.pod("job")["status"]["phase"] == phase
        assert world.condition("job", "Ready") == "False"

    with_world(body)


def test_a_signal_ends_a_container_with_128_plus_its_number(with_world):
    async def body(world):
        world.run("killed", "kill -9 $$$$", pod={"restartPolicy": "Never"})
        await world.ended("killed", 137)

    with_world(body)


def test_a_crashing_container_restarts_at_once_then_backs_off(with_world):
    async def body(world):
        world.run("crash", "echo run; exit 3")
        waiting = await world.until(
            lambda: world.status("crash")["restartCount"] == 1 and world.status("crash")["state"].get("waiting")
        )
        assert waiting["reason"] == "CrashLoopBackOff"
        assert world.status("crash")["lastState"]["terminated"]["exitCode"] == 3
        assert world.pod("crash")["status"]["phase"] == "Running"
        series = world.series("crash")
        assert (series["waiting_reason"], series["last_terminated_reason"]) == ("CrashLoopBackOff", "Error")
        assert (series["restarts_total"], series["last_terminated_exitcode"]) == (1, 3)
        assert (series["waiting"], series["running"], series["terminated"], series["ready"]) == (1, 0, 0, 0)
        began = time.monotonic()
        await world.until(lambda: world.status("crash")["restartCount"] == 2)
        assert time.monotonic() - began > 0.2  # the test's first back-off is 0.5 s
        assert world.series("crash")["restarts_total"] == 2
        assert "BackOff" in dict(world.events("crash"))
        assert world.output("crash", 1) == "run"

    with_world(body)


def test_on_failure_restarts_a_failure_and_leaves_a_success(with_world):
    async def body(world):
        script = "test -e done && exit 0; touch done; exit 1"
        world.run("again", script, pod={"restartPolicy": "OnFailure"})
        await world.until(lambda: world.pod("again")["status"].get("phase") == "Succeeded")
        assert world.status("again")["restartCount"] == 1

    with_world(body)


def test_deleting_a_pod_runs_its_hook_then_its_stop_signal_and_leaves_nothing(with_world):
    async def body(world):
        script = "trap 'echo term; exit 0' TERM; echo up; while :; do sleep 0.05; done"
        hook = {"preStop": {"exec": {"command": ["sh", "-c", "touch hooked; sleep 0.3"]}}}
        pod = world.run("gentle", script, lifecycle=hook)
        await world.until(lambda: world.output("gentle") == "up")
        folder = world.folder / "pods" / pod["metadata"]["uid"][:8]
        log = world.logs.pod("test", "gentle", pod["metadata"]["uid"]) / "main" / "0.log"
        world.store.delete("pods", "test", "gentle")
        assert "deletionTimestamp" in world.pod("gentle")["metadata"]
        await world.until((folder / "containers" / "main" / "root" / "hooked").exists)
        assert "term" not in log.read_text()
        await world.until(lambda: world.pod("gentle") is None)
        assert log.read_text().endswith("term\n")
        assert not folder.exists()
        assert not list((world.folder / "records").iterdir())
        assert ("Killing", "Stopping container main") in world.events("gentle")

    with_world(body)


def test_a_container_that_ignores_its_signal_is_killed_after_the_grace(with_world):
    async def body(world):
        world.run("deaf", "trap '' TERM; echo up; while :; do sleep 0.05; done")
        await world.until(lambda: world.output("deaf") == "up")
        began = time.monotonic()
        world.store.delete("pods", "test", "deaf", grace_period_seconds=1)
        await world.until(lambda: world.pod("deaf") is None)
        assert time.monotonic() - began > 0.9

    with_world(body)


def test_a_forced_deletion_kills_at_once(with_world):
    async def body(world):
        world.run("deaf", "trap '' TERM; echo up; while :; do sleep 0.05; done")
        await world.until(lambda: world.output("deaf") == "up")
        world.store.delete("pods", "test", "deaf", grace_period_seconds=0)
        await world.until(lambda: not procfs.marked(world.mark), 2)

    with_world(body)


def test_what_a_container_leaves_running_dies_with_it(with_world):
    async def body(world):
        # One in a session of its own, one that keeps its environment but not its parent.
        script = "setsid sleep 61 & (sleep 62 &) ; echo up; sleep 0.3; exit 0"
        world.run("parent", script, pod={"restartPolicy": "Never"})
        await world.until(lambda: world.output("parent") == "up")
        assert len(procfs.marked(world.mark)) >= 3
        await world.ended("parent", 0)
        await world.until(lambda: not procfs.marked(world.mark), 2)

    with_world(body)


def test_an_unknown_image_says_which_the_lab_knows(with_world):
    async def body(world):
        world.create("other", [{"name": "main", "image": "nginx:1.27"}])
        waiting = await world.until(lambda: world.status("other")["state"].get("waiting", {}).get("message"))
        assert "ecommerce-load, ecommerce-shop, postgres, redis" in waiting
        assert world.status("other")["state"]["waiting"]["reason"] in ("ErrImagePull", "ImagePullBackOff")
        world.store.delete("pods", "test", "other")
        await world.until(lambda: world.pod("other") is None)

    with_world(body)


def test_a_missing_secret_holds_the_container_until_it_is_there(with_world):
    async def body(world):
        reference = {"secretKeyRef": {"name": "late", "key": "word"}}
        world.run(
            "wants",
            "echo $WORD",
            env=[{"name": "WORD", "valueFrom": reference}],
            pod={"restartPolicy": "Never"},
        )
        waiting = await world.until(lambda: world.status("wants")["state"].get("waiting", {}).get("message"))
        assert waiting == 'secret "late" not found'
        assert world.status("wants")["state"]["waiting"]["reason"] == "CreateContainerConfigError"
        world.store.create(
            "secrets", {"metadata": {"name": "late", "namespace": "test"}, "data": {"word": "aGk="}}
        )
        await world.ended("wants", 0)
        assert world.output("wants") == "hi"

    with_world(body)


def test_a_program_that_does_not_exist_is_an_error_of_the_container(with_world):
    async def body(world):
        world.create("typo", [{"name": "main", "image": "redis:7", "command": ["redis-sevrer"]}])
        last = await world.until(lambda: world.status("typo").get("lastState", {}).get("terminated"))
        assert last["message"] == 'exec: "redis-sevrer": executable file not found in $PATH'

    with_world(body)
