"""The controllers by themselves, in one event loop, with the kubelet that only says that containers run."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from lab.kept import Kept, stop_all
from lab.kube import meta
from lab.kube.controllers import start_all
from lab.kube.store import Store


@pytest.fixture
def world(fake_kubelet, make_deployment):
    """Return what opens a cluster without a server: a namespace n, and shorthands."""

    @asynccontextmanager
    async def opened():
        store = Store()
        kubelet = fake_kubelet(store)
        store.create("namespaces", {"metadata": {"name": "n"}})
        kept = [*start_all(store), Kept("kubelet", kubelet.run)]
        try:
            yield World(store, kubelet, make_deployment)
            assert [one.reason for one in kept if one.reason] == []
        finally:
            await stop_all(kept)

    return opened


class World:
    """Shorthands over a store."""

    def __init__(self, store, kubelet, make_deployment):
        self.store = store
        self.kubelet = kubelet
        self._make = make_deployment

    async def until(self, condition, seconds=5.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            await asyncio.sleep(0.002)

    def deploy(self, name="web", **options):
        document = self._make(name, **options)
        document["metadata"]["namespace"] = "n"
        return self.store.create("deployments", document)

    def web(self, name="web"):
        return self.store.get("deployments", "n", name)

    def change(self, change, name="web"):
        self.store.mutate("deployments", "n", name, lambda new: change(new["spec"]))

    def image(self, image, name="web"):
        self.change(lambda spec: spec["template"]["spec"]["containers"][0].update(image=image), name)

    def pods(self, selector="app=web"):
        return self.store.list("pods", "n", selector)

    async def settled(self, name="web"):
        def is_settled():
            found = self.web(name)
            status, wanted = found["status"], found["spec"]["replicas"]
            counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")]
            return status["observedGeneration"] == found["metadata"]["generation"] and counts == [wanted] * 3

        await self.until(lambda: "observedGeneration" in self.web(name)["status"] and is_settled())

    def job(self, name, **spec):
        container = {"name": "app", "image": "app"}
        template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
        self.store.create(
            "jobs", {"metadata": {"name": name, "namespace": "n"}, "spec": {"template": template, **spec}}
        )

    async def finish(self, name, phase):
        """End one of a Job's pods, once there is one."""

        def active():
            return [pod for pod in self.pods(f"job-name={name}") if pod["status"]["phase"] == "Running"]

        await self.until(active)
        self.store.mutate(
            "pods", *meta.key_of(active()[0]), lambda new: new["status"].update(phase=phase), "status"
        )

    def condition(self, name, kind):
        condition = meta.condition_of(self.store.get("jobs", "n", name), kind)
        return condition and condition["reason"]


def scenario(function):
    """Run an async test, whose first argument opens a world."""

    def test(world):
        async def run():
            async with world() as opened:
                await function(opened)

        asyncio.run(run())

    test.__name__ = function.__name__
    return test


@scenario
async def test_a_rolling_update_keeps_its_bounds(world):
    world.deploy(replicas=4, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    await world.settled()
    ready, active = [], []

    def look(_change):
        ready.append(sum(1 for pod in world.pods() if meta.is_pod_ready(pod) and not meta.is_deleting(pod)))
        active.append(sum(1 for pod in world.pods() if meta.is_pod_active(pod)))

    world.store.listen("pods", look)
    world.image("app:2")
    await world.settled()
    assert (min(ready), max(active)) == (4, 5)
    assert {pod["spec"]["containers"][0]["image"] for pod in world.pods()} == {"app:2"}


@scenario
async def test_a_bad_release_stops_at_its_bounds_and_is_rolled_back(world):
    world.kubelet.hold = lambda pod: pod["spec"]["containers"][0]["image"] == "bad"
    world.deploy(replicas=4, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}})
    await world.settled()
    world.image("bad")
    await world.until(lambda: world.web()["status"].get("updatedReplicas") == 2)
    await asyncio.sleep(0.05)
    status = world.web()["status"]
    assert (status["replicas"], status["availableReplicas"], status["unavailableReplicas"]) == (5, 3, 2)
    assert meta.condition_of(world.web(), "Available")["status"] == "True"
    world.image("app:1")
    await world.settled()
    assert meta.annotations_of(world.web())["deployment.kubernetes.io/revision"] == "3"
    assert len(world.store.list("replicasets", "n")) == 2


@scenario
async def test_scaling_in_the_middle_is_shared_out(world):
    world.kubelet.hold = lambda pod: pod["spec"]["containers"][0]["image"] == "bad"
    world.deploy(replicas=4, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    await world.settled()
    world.image("bad")
    await world.until(lambda: world.web()["status"].get("updatedReplicas") == 1)
    world.change(lambda spec: spec.update(replicas=8))
    sizes = lambda: sorted(one["spec"]["replicas"] for one in world.store.list("replicasets", "n"))  # noqa: E731
    # 9 in all, in the proportion of 4 to 1.
    await world.until(lambda: sizes() == [2, 7])


@scenario
async def test_recreate_never_runs_both(world):
    world.deploy(replicas=2, strategy={"type": "Recreate"})
    await world.settled()
    world.kubelet.linger = lambda _pod: True
    world.image("app:2")
    await world.until(lambda: all(map(meta.is_deleting, world.pods())))
    await asyncio.sleep(0.05)
    assert {pod["spec"]["containers"][0]["image"] for pod in world.pods()} == {"app:1"}
    world.kubelet.linger = lambda _pod: False
    for pod in world.pods():
        world.kubelet.look_at(pod)
    await world.settled()
    assert {pod["spec"]["containers"][0]["image"] for pod in world.pods()} == {"app:2"}


@scenario
async def test_history_is_kept_as_long_as_asked(world):
    world.deploy(revisionHistoryLimit=2)
    for number in range(1, 6):
        world.image(f"app:{number}")
        await world.settled()
    await world.until(lambda: len(world.store.list("replicasets", "n")) == 3)


@scenario
async def test_minimum_ready_time_delays_availability(world):
    world.deploy(minReadySeconds=1)
    await world.until(lambda: world.web()["status"].get("readyReplicas") == 1)
    assert "availableReplicas" not in world.web()["status"]
    await world.settled()


@scenario
async def test_nothing_is_written_when_nothing_happens(world):
    world.deploy(replicas=3)
    world.store.create(
        "services",
        {
            "metadata": {"name": "web", "namespace": "n"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
        },
    )
    await world.settled()
    await asyncio.sleep(0.05)
    version, cpu = world.store.version, time.process_time()
    await asyncio.sleep(0.5)
    assert world.store.version == version
    assert time.process_time() - cpu < 0.25  # half of what a busy loop would take


@scenario
async def test_a_replica_set_adopts_and_lets_go(world):
    world.deploy(replicas=2)
    await world.settled()
    first = world.pods()[0]
    world.store.mutate("pods", *meta.key_of(first), lambda new: new["metadata"]["labels"].update(app="debug"))
    await world.until(lambda: len(world.pods()) == 2)
    loose = world.store.get("pods", *meta.key_of(first))
    assert "ownerReferences" not in loose["metadata"]
    world.store.mutate("pods", *meta.key_of(first), lambda new: new["metadata"]["labels"].update(app="web"))
    # Adopted, and one is too many.
    await world.until(lambda: len(world.pods()) == 2 and all(map(meta.controller_of, world.pods())))


@scenario
async def test_what_serves_least_goes_first(world):
    world.deploy(replicas=3)
    await world.settled()
    broken = world.pods()[1]

    def not_ready(new):
        meta.condition_of(new, "Ready")["status"] = "False"

    world.store.mutate("pods", *meta.key_of(broken), not_ready, "status")
    world.change(lambda spec: spec.update(replicas=2))
    await world.settled()
    assert broken["metadata"]["name"] not in {pod["metadata"]["name"] for pod in world.pods()}


@scenario
async def test_endpoints_hold_ready_pods_that_stay(world):
    spec = {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    world.store.create("services", {"metadata": {"name": "web", "namespace": "n"}, "spec": spec})
    document = world._make(replicas=2)
    document["metadata"]["namespace"] = "n"
    document["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 8080}]
    world.store.create("deployments", document)
    await world.settled()

    def ready():
        subsets = world.store.get("endpoints", "n", "web").get("subsets", [])
        return {one["ip"] for subset in subsets for one in subset.get("addresses", [])}

    await world.until(lambda: len(ready()) == 2)
    assert world.store.get("endpoints", "n", "web")["subsets"][0]["ports"][0]["port"] == 8080
    world.kubelet.linger = lambda _pod: True
    going = world.pods()[0]
    world.store.delete("pods", *meta.key_of(going))
    await world.until(lambda: going["status"]["podIP"] not in ready())
    (piece,) = world.store.list("endpointslices", "n")
    terminating = [one for one in piece["endpoints"] if one["conditions"]["terminating"]]
    assert [one["addresses"] for one in terminating] == [[going["status"]["podIP"]]]
    world.store.delete("services", "n", "web")
    await world.until(
        lambda: not world.store.list("endpointslices", "n") and not world.store.list("endpoints", "n")
    )


@scenario
async def test_jobs_complete(world):
    world.job("three", completions=3, parallelism=2)
    for _ in range(3):
        await world.finish("three", "Succeeded")
    await world.until(lambda: world.condition("three", "Complete") == "CompletionsReached")
    status = world.store.get("jobs", "n", "three")["status"]
    assert (status["succeeded"], "failed" in status, "completionTime" in status) == (3, False, True)
    assert len(world.pods("job-name=three")) == 3


@scenario
async def test_jobs_give_up(world):
    world.job("fails", backoffLimit=1)
    await world.finish("fails", "Failed")
    await world.finish("fails", "Failed")
    await world.until(lambda: world.condition("fails", "Failed") == "BackoffLimitExceeded")
    world.job("late", activeDeadlineSeconds=1, ttlSecondsAfterFinished=1)
    await world.until(lambda: world.condition("late", "Failed") == "DeadlineExceeded")
    await world.until(lambda: world.store.find("jobs", "n", "late") is None)
    assert world.pods("job-name=late") == []


@scenario
async def test_a_deleted_jobs_pods_go_or_stay_as_asked(world):
    for name, propagation in (("gone", "Background"), ("kept", None)):
        world.job(name)
        await world.until(lambda name=name: world.pods(f"job-name={name}"))
        world.store.delete("jobs", "n", name, propagation=propagation)
    await world.until(lambda: not world.pods("job-name=gone"))
    await world.until(lambda: world.store.find("jobs", "n", "kept") is None)
    assert len(world.pods("job-name=kept")) == 1


@scenario
async def test_an_object_goes_with_its_last_owner(world):
    def make(name, *owners):
        references = [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": one["metadata"]["name"],
                "uid": one["metadata"]["uid"],
            }
            for one in owners
        ]
        return world.store.create(
            "configmaps", {"metadata": {"name": name, "namespace": "n", "ownerReferences": references}}
        )

    one, two = make("one"), make("two")
    make("both", one, two)
    make("chain", world.store.get("configmaps", "n", "both"))
    world.store.delete("configmaps", "n", "one")
    await world.until(
        lambda: len(world.store.get("configmaps", "n", "both")["metadata"]["ownerReferences"]) == 1
    )
    world.store.delete("configmaps", "n", "two")
    await world.until(lambda: not world.store.list("configmaps", "n"))
    make("late", one)
    await world.until(lambda: not world.store.list("configmaps", "n"))


@scenario
async def test_every_namespace_has_its_account_again(world):
    await world.until(lambda: world.store.find("serviceaccounts", "n", "default"))
    world.store.delete("serviceaccounts", "n", "default")
    await world.until(lambda: world.store.find("serviceaccounts", "n", "default"))


@scenario
async def test_names_that_are_used_again_are_other_objects(world):
    for _ in range(20):
        world.deploy(replicas=1)
        await world.until(world.pods)
        world.store.delete("deployments", "n", "web")
        await world.until(lambda: not world.pods() and not world.store.list("replicasets", "n"))
