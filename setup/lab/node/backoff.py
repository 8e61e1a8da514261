"""How long a crashed container waits, as a kubelet decides it (client-go's util/flowcontrol Backoff).

The first restart is immediate; then the wait is 10 s after the last end, doubling to 5 minutes. A container
that ran for 10 minutes starts over.
"""

from dataclasses import dataclass


@dataclass
class Backoff:
    """The waits of one container; times are seconds of any monotonic clock."""

    first: float = 10.0
    limit: float = 300.0
    forget_after: float = 600.0
    _wait: float = 0.0
    _last_start: float = 0.0

    def remaining(self, ended: float, now: float) -> float:
        """Return how many seconds a container that ended then must still wait (0: start it)."""
        if ended - self._last_start > self.forget_after:
            self._wait = 0.0
        return max(0.0, ended + self._wait - now)

    def restarted(self, now: float) -> None:
        """Take note of a restart: the next wait is longer."""
        self._wait = min(self._wait * 2, self.limit) if self._wait else self.first
        self._last_start = now

    @property
    def seconds(self) -> float:
        """Return the whole of the present wait, as messages state it."""
        return self._wait
