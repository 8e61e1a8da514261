"""Which ports a lab takes: the first offset at which nothing is in its way.

The search begins at the offset that the last ``up`` wrote down, so that addresses stay what they were; whoever
gave LAB_PORT_OFFSET gets that one or a line that says why not.
"""

from collections.abc import Callable

from lab import checks
from lab.errors import LabError
from lab.settings import MAX_OFFSET, OFFSET_STEP, Settings

_TRIES = 30


def choose(settings: Settings, say: Callable[[str], None]) -> Settings:
    """Return the lab at the first free offset; ``say`` is told of each that is not.

    :raises LabError: none is free, or the one that the user chose is not, or the pods' ports are taken.
    """
    checks.check_pods_ports(settings)
    found = settings
    for _ in range(_TRIES):
        obstacle = checks.obstacle(found)
        if not obstacle:
            return found
        if settings.chosen:
            raise LabError(
                f"{obstacle}: end that, or give another LAB_PORT_OFFSET than {settings.offset}, or none at all"
            )
        say(f"port offset {found.offset} is taken: {obstacle}")
        found = found.at((found.offset + OFFSET_STEP) % (MAX_OFFSET + OFFSET_STEP))
    raise LabError(
        f"no free ports at {_TRIES} offsets from {settings.offset} on: end other labs, or give LAB_PORT_OFFSET"
    )
