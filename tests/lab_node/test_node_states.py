"""What a cluster shows of containers that start in order, cannot start, fail or use too much memory."""

import asyncio
import os
import signal

import pytest

from lab.kube.tables import pods as table
from lab.node import pulling

SHELL = {"image": "ecommerce-shop:1"}
NEVER = {"restartPolicy": "Never"}


def _container(name: str, script: str, **fields) -> dict:
    return {"name": name, **SHELL, "command": ["sh", "-c", script], **fields}


def _state(world, pod: str, kind: str, name: str = "main") -> dict:
    """Return a container's state of a kind (waiting, running, terminated); empty when it is in another."""
    statuses = world.pod(pod)["status"]
    every = [*statuses.get("initContainerStatuses", []), *statuses.get("containerStatuses", [])]
    return next((one["state"].get(kind, {}) for one in every if one["name"] == name), {})


@pytest.mark.parametrize(
    ("image", "is_one"),
    [
        ("redis", True),
        ("redis:7.0.15", True),
        ("registry.example:5000/team/app_x:v1.2", True),
        (f"redis@sha256:{'a' * 64}", True),
        ("localhost/redis", True),
        ("Redis", False),
        ("redis:", False),
        ("redis:!", False),
        ("team//redis", False),
        ("redis@sha256:abc", False),
        ("", False),
    ],
)
def test_what_an_image_reference_is(image, is_one):
    assert pulling.is_reference(image) is is_one


def test_each_attempt_to_pull_is_followed_by_a_longer_wait():
    reasons, times = [], []

    async def main():
        stop = asyncio.Event()

        def wait(reason: str, _message: str) -> None:
            reasons.append(reason)
            times.append(asyncio.get_running_loop().time())
            if len(reasons) == 6:
                stop.set()

        voice = pulling.Voice(wait, lambda *_: None)
        await pulling.never("nginx:1", ["redis"], "Always", voice, stop, 0.05)

    asyncio.run(main())
    assert reasons == ["ErrImagePull", "ImagePullBackOff"] * 3
    # Waits are never shorter than said, however busy the machine is.
    assert times[2] - times[0] >= 0.045
    assert times[4] - times[2] >= 0.095


def test_an_image_that_cannot_be_pulled_backs_off(with_world):
    async def body(world):
        world.create("other", [{"name": "main", "image": "nginx:1.27"}])
        await world.until(lambda: _state(world, "other", "waiting").get("reason") == "ImagePullBackOff")
        message = _state(world, "other", "waiting")["message"]
        assert message.startswith('Back-off pulling image "nginx:1.27": ErrImagePull: the lab has no image')
        assert {
            ("Pulling", 'Pulling image "nginx:1.27"'),
            ("Failed", "Error: ErrImagePull"),
            ("Failed", "Error: ImagePullBackOff"),
            ("BackOff", 'Back-off pulling image "nginx:1.27"'),
        } <= set(world.events("other"))
        assert any(text.startswith('Failed to pull image "nginx:1.27":') for _, text in world.events("other"))
        assert world.pod("other")["status"]["phase"] == "Pending"

    with_world(body)


@pytest.mark.parametrize(
    ("image", "policy", "reason", "event", "words"),
    [
        ("redis:!", "IfNotPresent", "InvalidImageName", "InspectFailed", "invalid reference format"),
        ("nginx:1", "Never", "ErrImageNeverPull", "ErrImageNeverPull", "not present with pull policy of Never"),
    ],
)
def test_an_image_that_is_never_pulled_says_why(with_world, image, policy, reason, event, words):
    async def body(world):
        world.create("other", [{"name": "main", "image": image, "imagePullPolicy": policy}])
        waiting = await world.until(
            lambda: _state(world, "other", "waiting").get("message") and world.pod("other")
        )
        waiting = _state(world, "other", "waiting")
        assert waiting["reason"] == reason
        assert words in waiting["message"]
        assert (event, waiting["message"]) in world.events("other")
        assert ("Failed", f"Error: {reason}") in world.events("other")

    with_world(body)


def test_a_container_over_its_memory_limit_is_killed_and_said_so(with_world):
    async def body(world):
        script = "import time\nkept = bytearray(96 * 1024 * 1024)\ntime.sleep(60)"
        container = {"name": "main", **SHELL, "command": ["python", "-c", script]}
        container["resources"] = {"limits": {"memory": "64Mi"}}
        pod = world.create("greedy", [container])
        last = await world.until(lambda: world.status("greedy").get("lastState", {}).get("terminated"), 20)
        assert (last["reason"], last["exitCode"]) == ("OOMKilled", 137)
        assert world.status("greedy")["restartCount"] >= 1
        told = [item for item in world.store.list("events") if item["reason"] == "OOMKilling"]
        assert told[0]["involvedObject"]["kind"] == "Node"
        assert told[0]["message"].startswith("Memory cgroup out of memory: Killed process ")
        await world.until(lambda: _state(world, "greedy", "waiting").get("reason") == "CrashLoopBackOff", 20)
        assert pod["metadata"]["uid"] in _state(world, "greedy", "waiting")["message"]
        series = world.series("greedy")
        assert (series["waiting_reason"], series["last_terminated_reason"]) == ("CrashLoopBackOff", "OOMKilled")
        assert series["restarts_total"] == world.status("greedy")["restartCount"] >= 1
        assert (series["last_terminated_exitcode"], series["waiting"], series["running"]) == (137, 1, 0)

    with_world(body)


def test_memory_of_children_counts_and_what_is_below_the_limit_lives(with_world):
    async def body(world):
        child = "import time; kept = bytearray(40 * 1024 * 1024); time.sleep(60)"
        script = f"python -c '{child}' & python -c '{child}' & wait"
        limits = {"limits": {"memory": "512Mi"}}
        world.run("family", script, resources=limits)
        meter = world.meter

        def used() -> int:
            series = [line for line in meter.text().splitlines() if line.startswith("container_memory_working")]
            return int(series[0].rpartition(" ")[2]) if series else 0

        await world.until(lambda: used() > 80 * 1024 * 1024, 20)
        assert used() < 200 * 1024 * 1024
        assert world.status("family")["restartCount"] == 0
        labels = 'namespace="test",pod="family",container="main",image="ecommerce-shop:1"'
        assert labels in meter.text()
        cpu = [
            line for line in meter.text().splitlines() if line.startswith("container_cpu_usage_seconds_total{")
        ]
        assert float(cpu[0].rpartition(" ")[2]) > 0
        world.store.delete("pods", "test", "family", grace_period_seconds=0)
        await world.until(lambda: used() == 0)

    with_world(body)


def test_a_program_that_cannot_be_started_restarts_with_back_off(with_world):
    async def body(world):
        world.create("typo", [{"name": "main", "image": "redis:7", "command": ["redis-sevrer"]}])
        waiting = await world.until(
            lambda: _state(world, "typo", "waiting").get("reason") == "RunContainerError"
        )
        assert waiting
        last = world.status("typo")["lastState"]["terminated"]
        assert (last["exitCode"], last["reason"]) == (128, "StartError")
        assert world.series("typo")["waiting_reason"] == "RunContainerError"
        await world.until(lambda: _state(world, "typo", "waiting").get("reason") == "CrashLoopBackOff")
        series = world.series("typo")
        assert (series["waiting_reason"], series["last_terminated_reason"]) == (
            "CrashLoopBackOff",
            "StartError",
        )
        assert series["restarts_total"] == world.status("typo")["restartCount"] >= 1
        world.create("once", [{"name": "main", "image": "redis:7", "command": ["redis-sevrer"]}], **NEVER)
        await world.until(lambda: world.pod("once")["status"].get("phase") == "Failed")
        assert table.status(world.pod("once")) == "StartError"

    with_world(body)


def test_a_killed_process_is_an_error_and_no_lack_of_memory(with_world):
    async def body(world):
        world.run("victim", "echo $$$$; exec sleep 60")
        pid = int(await world.until(lambda: world.output("victim")))
        await world.until(lambda: _state(world, "victim", "running"))
        series = world.series("victim")
        assert (series["restarts_total"], series["running"]) == (0, 1)
        assert not {"waiting_reason", "terminated_reason", "last_terminated_reason"} & series.keys()
        os.kill(pid, signal.SIGKILL)
        last = await world.until(lambda: world.status("victim").get("lastState", {}).get("terminated"))
        assert (last["exitCode"], last["reason"]) == (137, "Error")
        await world.until(lambda: _state(world, "victim", "running"))
        assert world.status("victim")["restartCount"] == 1
        series = world.series("victim")
        assert (series["last_terminated_reason"], series["last_terminated_exitcode"]) == ("Error", 137)
        assert (series["restarts_total"], series["running"], series["waiting"]) == (1, 1, 0)
        assert not {"waiting_reason", "terminated_reason"} & series.keys()

    with_world(body)


def test_a_stopped_process_is_found_by_its_liveness_probe(with_world):
    async def body(world):
        script = "echo $$$$ >pid; cat pid; while :; do sleep 0.1; done"
        check = '! grep "^State:.T" "/proc/$(cat pid)/status"'
        probe = {"exec": {"command": ["sh", "-c", check]}, "periodSeconds": 1, "failureThreshold": 2}
        probe |= {"timeoutSeconds": 5, "initialDelaySeconds": 1}
        world.run("frozen", script, livenessProbe=probe, pod={"terminationGracePeriodSeconds": 1})
        pid = int(await world.until(lambda: world.output("frozen")))
        os.kill(pid, signal.SIGSTOP)
        await world.until(lambda: world.status("frozen")["restartCount"] == 1, 30)
        assert ("Killing", "Container main failed liveness probe, will be restarted") in world.events("frozen")
        assert "Unhealthy" in dict(world.events("frozen"))
        assert world.status("frozen")["lastState"]["terminated"]["exitCode"] == 137

    with_world(body)


def test_a_container_that_is_ending_is_not_asked_whether_it_lives(with_world):
    async def body(world):
        probe = {"exec": {"command": ["false"]}, "periodSeconds": 1}
        probe |= {"failureThreshold": 1, "initialDelaySeconds": 1}
        # It refuses to end for as long as three more questions would take.
        script = "trap '' TERM; while :; do sleep 0.1; done"
        world.run("stubborn", script, livenessProbe=probe, pod={"terminationGracePeriodSeconds": 3})
        await world.until(lambda: world.status("stubborn")["restartCount"] == 1)
        assert world.status("stubborn")["lastState"]["terminated"]["exitCode"] == 137
        counts = {event["reason"]: event["count"] for event in world.store.list("events", "test")}
        assert (counts["Unhealthy"], counts["Killing"]) == (1, 1)

    with_world(body)


def test_init_containers_run_one_after_the_other_before_the_others(with_world):
    async def body(world):
        volume = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
        gate = "while ! test -e /shared/go; do sleep 0.05; done"
        first = _container("first", f"{gate}; echo first >>/shared/order", **volume)
        second = _container("second", "echo second >>/shared/order", **volume)
        main = _container("main", "cat /shared/order; exec sleep 60", **volume)
        created = world.create(
            "ordered", [main], initContainers=[first, second], volumes=[{"name": "shared", "emptyDir": {}}]
        )
        await world.until(lambda: _state(world, "ordered", "running", "first"))
        pod = world.pod("ordered")
        assert table.status(pod) == "Init:0/2"
        assert pod["status"]["phase"] == "Pending"
        assert _state(world, "ordered", "waiting")["reason"] == "PodInitializing"
        condition = next(one for one in pod["status"]["conditions"] if one["type"] == "Initialized")
        assert condition["reason"] == "ContainersNotInitialized"
        assert condition["message"] == "containers with incomplete status: [first second]"
        (world.folder / "pods" / created["metadata"]["uid"][:8] / "volumes" / "shared" / "go").touch()
        await world.until(lambda: world.condition("ordered", "Ready") == "True")
        await world.until(lambda: world.output("ordered") == "first\nsecond")
        assert world.condition("ordered", "Initialized") == "True"
        assert table.status(world.pod("ordered")) == "Running"
        assert all(one["ready"] for one in world.pod("ordered")["status"]["initContainerStatuses"])

    with_world(body)


def test_a_failing_init_container_holds_its_pod_or_fails_it(with_world):
    async def body(world):
        broken, main = _container("broken", "exit 3"), _container("main", "exec sleep 60")
        world.create("held", [main], initContainers=[broken])
        world.create("failed", [main], initContainers=[broken], **NEVER)
        await world.until(lambda: table.status(world.pod("held")) == "Init:CrashLoopBackOff")
        assert world.pod("held")["status"]["phase"] == "Pending"
        assert table.restarts(world.pod("held")) != "0"
        series = world.series("held", "init_container")
        assert (series["waiting_reason"], series["last_terminated_reason"]) == ("CrashLoopBackOff", "Error")
        assert series["restarts_total"] == float(table.restarts(world.pod("held")).split()[0])
        assert world.series("held")["waiting_reason"] == "PodInitializing"
        await world.until(lambda: world.pod("failed")["status"].get("phase") == "Failed")
        assert table.status(world.pod("failed")) == "Init:Error"
        assert _state(world, "failed", "waiting")["reason"] == "PodInitializing"
        world.store.delete("pods", "test", "held")
        await world.until(lambda: world.pod("held") is None)

    with_world(body)


def test_a_sidecar_starts_first_and_ends_last(with_world):
    async def body(world):
        volume = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
        loop = "trap 'echo side >>/shared/ends; cat /shared/ends; exit 0' TERM; while :; do sleep 0.05; done"
        startup = {
            "exec": {"command": ["test", "-e", "/shared/up"]},
            "periodSeconds": 1,
            "failureThreshold": 30,
        }
        side = _container("side", f"sleep 0.3; touch /shared/up; {loop}", restartPolicy="Always", **volume)
        side["startupProbe"] = startup
        gate = "while ! test -e /shared/go; do sleep 0.05; done"
        main = _container("main", f"test -e /shared/up && {gate}; echo main >>/shared/ends", **volume)
        pod = world.create(
            "two", [main], initContainers=[side], volumes=[{"name": "shared", "emptyDir": {}}], **NEVER
        )
        await world.until(lambda: _state(world, "two", "running"))
        assert table.ready_containers(world.pod("two")).endswith("/2")
        (world.folder / "pods" / pod["metadata"]["uid"][:8] / "volumes" / "shared" / "go").touch()
        await world.until(lambda: world.pod("two")["status"].get("phase") == "Succeeded")
        log = world.logs.pod("test", "two", pod["metadata"]["uid"]) / "side" / "0.log"
        ends = [line.split(" ", 3)[3] for line in log.read_text().splitlines()]
        assert ends == ["main", "side"]

    with_world(body)


def test_post_start_runs_before_the_container_counts_as_running(with_world):
    async def body(world):
        hook = {"postStart": {"exec": {"command": ["sh", "-c", "sleep 0.5; touch done"]}}}
        world.run("hooked", "exec sleep 60", lifecycle=hook)
        seen = []

        def running() -> bool:
            done = list(world.folder.glob("pods/*/containers/main/root/done"))
            seen.append(bool(_state(world, "hooked", "running")) and not done)
            return bool(_state(world, "hooked", "running"))

        await world.until(running)
        assert not any(seen)

    with_world(body)


def test_a_failed_post_start_ends_the_container(with_world):
    async def body(world):
        hook = {"postStart": {"exec": {"command": ["sh", "-c", "echo secret; exit 4"]}}}
        world.run("hooked", "exec sleep 60", lifecycle=hook)
        await world.until(lambda: world.status("hooked")["restartCount"] >= 1)
        events = world.events("hooked")
        assert ("FailedPostStartHook", "PostStartHook failed") in events
        assert ("Killing", "FailedPostStartHook") in events
        assert not any("secret" in message for _, message in events)

    with_world(body)


def test_hooks_can_ask_an_address(with_world):
    async def body(world):
        asked = asyncio.Queue()

        async def answer(reader, writer):
            asked.put_nowait((await reader.readline()).decode().split()[1])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        target = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
        hooks = {
            name: {"httpGet": {**target, "path": path}}
            for name, path in {"postStart": "/begin", "preStop": "/end"}.items()
        }
        world.run("asker", "exec sleep 60", lifecycle=hooks)
        assert await asyncio.wait_for(asked.get(), 10) == "/begin"
        await world.until(lambda: _state(world, "asker", "running"))
        world.store.delete("pods", "test", "asker")
        assert await asyncio.wait_for(asked.get(), 10) == "/end"
        await world.until(lambda: world.pod("asker") is None)
        server.close()

    with_world(body)
