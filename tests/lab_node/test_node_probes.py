"""Probes of every kind on real containers."""

READY_FILE = {"exec": {"command": ["sh", "-c", "test -e ready"]}, "periodSeconds": 1, "failureThreshold": 1}


def _file(world, pod, name):
    return world.folder / "pods" / pod["metadata"]["uid"][:8] / "containers" / "main" / "root" / name


def test_readiness_by_exec_comes_and_goes_without_a_restart(with_world):
    async def body(world):
        pod = world.run("probed", "exec sleep 60", readinessProbe=READY_FILE)
        await world.until(lambda: any("Readiness probe failed" in text for _, text in world.events("probed")))
        assert world.condition("probed", "Ready") == "False"
        _file(world, pod, "ready").touch()
        await world.until(lambda: world.condition("probed", "Ready") == "True")
        _file(world, pod, "ready").unlink()
        await world.until(lambda: world.condition("probed", "Ready") == "False")
        assert world.status("probed")["restartCount"] == 0

    with_world(body)


def test_readiness_by_http_asks_the_pods_address_at_a_named_port(with_world):
    async def body(world):
        script = 'exec python -m http.server --bind "$POD_IP" 8080'
        env = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
        ports = [{"name": "web", "containerPort": 8080}]
        probe = {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 1}
        world.run("server", script, env=env, ports=ports, readinessProbe=probe)
        missing = {"httpGet": {"path": "/nothing", "port": 8080}, "periodSeconds": 1}
        world.run("other", script, env=env, ports=ports, readinessProbe=missing)
        await world.until(lambda: world.condition("server", "Ready") == "True")
        text = "Readiness probe failed: HTTP probe failed with statuscode: 404"
        await world.until(lambda: ("Unhealthy", text) in world.events("other"))
        assert world.condition("other", "Ready") == "False"

    with_world(body)


def test_liveness_by_tcp_restarts_a_container_that_does_not_listen(with_world):
    async def body(world):
        probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
        world.run("mute", "exec sleep 60", livenessProbe=probe)
        await world.until(lambda: world.status("mute").get("restartCount") == 1)
        assert ("Killing", "Container main failed liveness probe, will be restarted") in world.events("mute")

    with_world(body)


def test_a_startup_probe_keeps_the_others_waiting(with_world):
    async def body(world):
        never = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
        startup = {**READY_FILE, "failureThreshold": 30}
        pod = world.run("slow", "exec sleep 60", startupProbe=startup, livenessProbe=never)
        await world.until(lambda: any("Startup probe failed" in text for _, text in world.events("slow")))
        assert world.status("slow")["started"] is False
        assert world.status("slow")["restartCount"] == 0
        _file(world, pod, "ready").touch()
        await world.until(lambda: world.status("slow").get("restartCount") == 1)

    with_world(body)


def test_a_probe_that_hangs_is_ended_at_its_timeout(with_world):
    async def body(world):
        hangs = {"exec": {"command": ["sleep", "60"]}, "periodSeconds": 1, "timeoutSeconds": 1}
        world.run("stuck", "exec sleep 60", readinessProbe=hangs)
        await world.until(lambda: any("no answer within 1s" in text for _, text in world.events("stuck")))

    with_world(body)


def test_a_probe_that_writes_much_does_not_hang(with_world):
    async def body(world):
        loud = {"exec": {"command": ["sh", "-c", "head -c 1000000 /dev/zero"]}, "periodSeconds": 1}
        world.run("loud", "exec sleep 60", readinessProbe=loud)
        await world.until(lambda: world.condition("loud", "Ready") == "True")

    with_world(body)
