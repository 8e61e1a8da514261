"""Asks the daemon how it is, over its internal port."""

import json
import urllib.request
from typing import Any

from lab.settings import HOST, Settings

Object = dict[str, Any]
_TIMEOUT_SECONDS = 5.0
# The lab is on this machine, whatever proxy the environment names.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(url: str) -> Any:
    """Return the JSON that a local URL answers with.

    :raises OSError: nothing answers (urllib's HTTPError and URLError are ones).
    :raises ValueError: the answer is no JSON.
    """
    with _DIRECT.open(url, timeout=_TIMEOUT_SECONDS) as answer:
        return json.load(answer)


def running_lab(internal_port: int) -> Object | None:
    """Return the status of whatever lab listens on the internal port; None when none answers."""
    try:
        found = fetch(f"http://{HOST}:{internal_port}/status")
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"user", "pid", "state"} <= found.keys() else None


def find_own(settings: Settings) -> Object | None:
    """Return the status of this checkout's lab; None when it does not answer at its ports."""
    found = running_lab(settings.ports.internal)
    return found if found is not None and found["state"] == str(settings.state) else None
