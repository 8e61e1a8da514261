"""What Alertmanager sent: the lab's stand-in for Slack's incoming webhook, and the messages that it keeps.

https://api.slack.com/messaging/webhooks says what a message is and how Slack answers. Nothing leaves the
machine.
"""

import json
import logging
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from lab.kube.pki import write_private

Object = dict[str, Any]
_LOG = logging.getLogger(__name__)
_KEPT = 500
_LONGEST = 8000  # characters of a title or text; Slack itself shows fewer


class AlertLog:
    """The last messages, oldest first, in a file with one JSON object per line.

    :param path: the file; it is read at the start, and what is broken in it is left out.
    """

    def __init__(self, path: Path, kept: int = _KEPT) -> None:
        self._path = path
        self._messages = deque(read(path), maxlen=kept)

    def add(self, message: Object) -> None:
        """Keep a message of Slack's webhook, one entry for each of its attachments.

        :raises ValueError: it has neither a text nor attachments.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        for entry in _entries(message):
            last = self._messages[-1]["number"] if self._messages else 0
            self._messages.append({"number": last + 1, "time": now, **entry})
        lines = "".join(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in self._messages)
        try:
            write_private(self._path, lines.encode())
        except OSError as error:
            _LOG.error("an alert could not be written to %s: %s", self._path, error.strerror)


def read(path: Path) -> list[Object]:
    """Return the messages of a file, oldest first.

    Each has ``number`` (they are counted on), ``time`` (ISO 8601, UTC), ``title``, ``text`` and ``color``.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [entry for line in lines if (entry := _parsed(line)) is not None]


def routes(log: AlertLog, secret: str) -> list[web.RouteDef]:
    """Return the webhook's route; as with Slack's own, who knows the address may write."""

    async def receive(request: web.Request) -> web.Response:
        try:
            log.add(await request.json())
        except (ValueError, TypeError, AttributeError):
            return web.Response(status=400, text="invalid_payload")
        return web.Response(text="ok")

    return [web.post(f"/slack/{secret}", receive)]


def _entries(message: Object) -> list[Object]:
    attachments = message.get("attachments") or []
    if not attachments and not message.get("text"):
        raise ValueError("a message without text and attachments")
    found = [(message.get("text"), None, None)] if message.get("text") else []
    found += [
        (one.get("title"), one.get("text") or one.get("fallback"), one.get("color")) for one in attachments
    ]
    return [
        {"title": str(title or "")[:_LONGEST], "text": str(text or "")[:_LONGEST], "color": str(color or "")}
        for title, text, color in found
    ]


def _parsed(line: str) -> Object | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    known = isinstance(entry, dict) and {"number", "time", "title", "text", "color"} <= entry.keys()
    return entry if known and isinstance(entry["number"], int) else None
