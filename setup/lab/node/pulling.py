"""An image that cannot be had, told with a kubelet's words: nothing is ever pulled in the lab.

Reasons, messages and events are those of Kubernetes' pkg/kubelet/images/image_manager.go.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_LONGEST_SECONDS = 300.0
# https://pkg.go.dev/github.com/distribution/reference#pkg-overview, its grammar
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REFERENCE = re.compile(
    rf"(?:{_LABEL}(?:\.{_LABEL})*(?::\d+)?/)?{_PART}(?:/{_PART})*"
    r"(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)


@dataclass(frozen=True)
class Voice:
    """How the missing image is told: a waiting state (reason, message), and events (reason, message, type)."""

    wait: Callable[[str, str], None]
    event: Callable[[str, str, str], None]


def is_reference(image: str) -> bool:
    """Say whether a text is an image reference: [host[:port]/]name[:tag][@digest]."""
    return _REFERENCE.fullmatch(image) is not None


async def never(
    image: str, known: Iterable[str], policy: str, voice: Voice, stop: asyncio.Event, first: float
) -> None:
    """Tell that an image cannot be had, until somebody stops it.

    :param known: the images that there are, for the message.
    :param policy: the container's imagePullPolicy.
    :param first: seconds from the first attempt to the second.
    """
    if not is_reference(image):
        why = f'couldn\'t parse image name "{image}": invalid reference format'
        _refuse(
            voice, "InvalidImageName", "InspectFailed", f'Failed to apply default image tag "{image}": {why}'
        )
    elif policy == "Never":
        why = f'Container image "{image}" is not present with pull policy of Never'
        _refuse(voice, "ErrImageNeverPull", "ErrImageNeverPull", why)
    else:
        await _try_again_and_again(image, known, voice, stop, first)
    await stop.wait()


def _refuse(voice: Voice, reason: str, event: str, message: str) -> None:
    voice.event(event, message, "Warning")
    voice.event("Failed", f"Error: {reason}", "Warning")
    voice.wait(reason, message)


async def _try_again_and_again(
    image: str, known: Iterable[str], voice: Voice, stop: asyncio.Event, first: float
) -> None:
    """Attempt, then back off, twice as long each time (a kubelet: 10 s to 5 min)."""
    why = f'the lab has no image "{image}" and pulls none; it knows {", ".join(sorted(known))}'
    seconds = first
    while not stop.is_set():
        voice.event("Pulling", f'Pulling image "{image}"', "Normal")
        voice.event("Failed", f'Failed to pull image "{image}": {why}', "Warning")
        voice.event("Failed", "Error: ErrImagePull", "Warning")
        voice.wait("ErrImagePull", why)
        await _pause(stop, seconds / 5)
        if not stop.is_set():
            voice.event("BackOff", f'Back-off pulling image "{image}"', "Normal")
            voice.event("Failed", "Error: ImagePullBackOff", "Warning")
            voice.wait("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {why}')
        await _pause(stop, seconds * 4 / 5)
        seconds = min(seconds * 2, _LONGEST_SECONDS)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
