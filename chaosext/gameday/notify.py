"""Tells Slack how a game day went, by a webhook or as a bot. Address and token are secrets, and never shown.

A webhook's address says who is told. A bot (scope chat:write) has a token, and is told the channel. Slack
answers it with status 200 whatever it did, and says in the answer whether it was done:
https://api.slack.com/methods/chat.postMessage
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import requests

from ..report.svg.markup import clean

__all__ = ["ADDRESS", "CHANNEL", "LINK", "TOKEN", "message", "notify"]

ADDRESS = "SLACK_WEBHOOK_URL"
TOKEN = "SLACK_TOKEN"  # noqa: S105 - its name
CHANNEL = "SLACK_CHANNEL"
POST_MESSAGE = "https://slack.com/api/chat.postMessage"
LINK = "CHAOS_REPORT_URL"
"""Where a reader finds the reports: in CI, the job's page."""
TIMEOUT_SECONDS = 10.0
_LONGEST = 2900  # Slack takes 3000 characters in a section (https://api.slack.com/reference/block-kit/blocks)
_LONGEST_LINE = 500  # escaped, a character may become five


def message(headline: str, lines: Sequence[str]) -> dict[str, Any]:
    """Return the webhook's JSON: a text for notifications, and blocks for the channel."""
    link = os.environ.get(LINK, "")
    body = "\n".join(_escaped(_short(line)) for line in lines)
    if len(body) > _LONGEST:
        body = body[: body.rindex("\n", 0, _LONGEST)] + "\n…"
    if urlsplit(link).scheme in {"http", "https"}:
        body += f"\n<{_escaped(link)}|Reports>"
    return {
        "text": _escaped(headline),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": clean(headline)[:150]}},
            {"type": "section", "text": {"type": "mrkdwn", "text": body or "-"}},
        ],
    }


def notify(headline: str, lines: Sequence[str]) -> str | None:
    """Send it; return why it could not be sent, None when it was. It never raises: the day has its verdict."""
    address, token, channel = (os.environ.get(name, "") for name in (ADDRESS, TOKEN, CHANNEL))
    told = message(headline, lines)
    if address:
        problem = _post(ADDRESS, address, told, {})
    elif token and channel:
        problem = _post(TOKEN, POST_MESSAGE, {"channel": channel, **told}, {"Authorization": f"Bearer {token}"})
    else:
        problem = f"set {ADDRESS}, or {TOKEN} and {CHANNEL}"
    return problem and f"nobody was told: {problem}"


def _post(name: str, address: str, told: dict[str, Any], headers: dict[str, str]) -> str | None:
    """Post it; return what went wrong, by the name of the variable that the way was from."""
    try:
        answer = requests.post(
            address, json=told, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
    except (requests.RequestException, ValueError) as error:
        # The text of these errors holds the address, or the token.
        return f"Slack cannot be reached with {name} ({type(error).__name__})"
    if not 200 <= answer.status_code < 300:  # noqa: PLR2004 - HTTP's success; a redirect is none
        return f"{name} was answered with status {answer.status_code}"
    return None if name == ADDRESS else _refusal(answer)


def _refusal(answer: requests.Response) -> str | None:
    """Return why the bot's message was not taken, as Slack's own word: channel_not_found for example."""
    try:
        said = answer.json()
        return None if said["ok"] is True else f"Slack refused it: {clean(str(said.get('error')))[:100]}"
    except (ValueError, TypeError, KeyError, AttributeError):
        return f"{TOKEN} was answered with something that is not Slack's"


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"


def _escaped(text: str) -> str:
    """Escape what Slack's mrkdwn takes for its own; https://api.slack.com/reference/surfaces/formatting."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
