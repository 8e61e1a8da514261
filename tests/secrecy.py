"""What nobody may read, and where it is looked for."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

CARD = "4242424242424242"
"""The number of the card that the load pays with."""


def secrets_of(lab: Any) -> list[str]:
    """Return the values of the namespace's Secrets, Grafana's token, and the number of the load's card."""
    items = json.loads(lab.run("kubectl", "get", "secret", "-n", "ecommerce", "-o", "json").stdout)["items"]
    # The name of a role is none.
    encoded = [value for item in items for name, value in item["data"].items() if name != "username"]
    assert encoded
    return [*(base64.b64decode(value).decode() for value in encoded), lab.grafana_token, CARD]


def assert_not_written(secrets: list[str], folders: Iterable[Path]) -> None:
    """Assert that no file below these folders has one of the secrets."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        text = path.read_text(errors="replace")
        assert not any(secret in text for secret in secrets), path


def assert_in_no_argument(secrets: list[str]) -> None:
    """Assert that no process of this machine was started with one of the secrets as an argument."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            assert not any(secret in words for secret in secrets), process.name()
