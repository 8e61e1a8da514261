"""What running containers use of CPU and memory, read from /proc, and who is over its memory limit.

A cluster reads a container's cgroup; a lab that is not root has none to make. Every second this adds up a
container's first process and its descendants: the CPU time of those that live and of those that they waited
for, and their anonymous and shared memory, which is what a kernel cannot take back from a cgroup at its limit
(pages of files, which it can, do not count). So an excess that begins and ends between two looks is missed,
and so are processes that left their parent.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lab.kube.quantity import value
from lab.kube.series import family
from lab.node import procfs

_PERIOD_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class Watched:
    """One run of a container.

    :param pid: its first process.
    :param labels: of its series, as cAdvisor names them.
    :param limit: bytes of memory that it may use; None for no limit.
    :param over: called when it uses more.
    """

    pid: int
    labels: Mapping[str, str]
    limit: int | None
    over: Callable[[], None]


class Meter:
    """Looks at the watched containers every second, for as long as ``run`` runs."""

    def __init__(self) -> None:
        self._uses: dict[Watched, procfs.Use] = {}

    @contextlib.contextmanager
    def watching(self, watched: Watched) -> Iterator[None]:
        """Watch a run while the body runs."""
        self._uses[watched] = procfs.Use(0.0, 0)
        try:
            yield
        finally:
            del self._uses[watched]

    async def run(self) -> None:
        """Look every second, for ever."""
        while True:
            await asyncio.sleep(_PERIOD_SECONDS)
            self.look()

    def look(self) -> None:
        """Look once; tell every container that is over its limit."""
        for watched, last in self._uses.items():
            use = procfs.use(watched.pid)
            # What a process used that nobody waited for is gone with it; a counter must not fall.
            self._uses[watched] = procfs.Use(max(last.cpu_seconds, use.cpu_seconds), use.memory_bytes)
            if watched.limit is not None and use.memory_bytes > watched.limit:
                watched.over()

    def text(self) -> str:
        """Return cAdvisor's series as of the last look, in Prometheus' text format."""
        cpu = ((one.labels, round(use.cpu_seconds, 2)) for one, use in self._uses.items())
        memory = ((one.labels, use.memory_bytes) for one, use in self._uses.items())
        lines = [
            *family(
                "container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds.", cpu
            ),
            *family("container_memory_working_set_bytes", "gauge", "Current working set in bytes.", memory),
        ]
        return "\n".join(lines) + "\n"


def memory_limit(container: dict[str, Any]) -> int | None:
    """Return a container's memory limit in bytes; None when it has none."""
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
    return int(value(limit)) if limit is not None else None
