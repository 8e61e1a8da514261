"""A running container's probes at work: they decide ``started`` and ``ready``, and whether it must restart."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping

from lab.node import tasks
from lab.node.probes import Probe
from lab.node.status import ContainerState


class Health:
    """Follows the probes of one container run.

    :param probes: by kind (Startup, Readiness, Liveness); None where there is none.
    :param changed: called after ``started`` or ``ready`` changed.
    :param unhealthy: hears the message of every failed attempt.
    :param restart: hears the kind of the probe by whose threshold the container must restart.
    """

    def __init__(
        self,
        probes: Mapping[str, Probe | None],
        state: ContainerState,
        *,
        changed: Callable[[], None],
        unhealthy: Callable[[str], None],
        restart: Callable[[str], None],
    ) -> None:
        self._probes, self._state = probes, state
        self._changed, self._unhealthy, self._restart = changed, unhealthy, restart
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin: the startup probe alone when there is one, else the others at once."""
        startup = self._probes["Startup"]
        if startup is None:
            self._begun(True)
        else:
            self._spawn(startup.follow(self._begun, self._unhealthy))

    def stop(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()

    def _begun(self, ok: bool) -> bool:
        """Take the startup probe's answer, its last either way."""
        if not ok:
            self._restart("startup")
            return False
        self._state.started = True
        readiness, liveness = self._probes["Readiness"], self._probes["Liveness"]
        self._state.ready = readiness is None
        if readiness is not None:
            self._spawn(readiness.follow(self._set_ready, self._unhealthy))
        if liveness is not None:
            self._spawn(liveness.follow(self._alive, self._unhealthy))
        self._changed()
        return False

    def _set_ready(self, ok: bool) -> bool:
        if self._state.ready != ok:
            self._state.ready = ok
            self._changed()
        return True

    def _alive(self, ok: bool) -> bool:
        # Once it has failed, a kubelet puts the probe on hold until there is a new container
        # (pkg/kubelet/prober/worker.go): asked on, it would fail again while this one is ending.
        if not ok:
            self._restart("liveness")
        return ok

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(tasks.start(work, f"probes of {self._state.name}"))
