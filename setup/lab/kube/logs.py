"""What lab.kube asks of whoever runs the pods: a container's log."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple, Protocol


class LogLine(NamedTuple):
    """One line of a container: when it was written (RFC 3339, nanoseconds), and its text without a newline."""

    timestamp: str
    text: str


class LogReader(Protocol):
    """Reads the logs of pods' containers."""

    def lines(
        self,
        pod: dict[str, object],
        container: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: datetime | None = None,
        previous: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Yield the lines of a container, oldest first.

        follow goes on until the container has ended for good; tail keeps the last so many lines; since
        drops the older ones; previous reads the run before the present one. Raises
        LookupError when there is no such log.
        """
        ...
