"""Tells a Slack-compatible webhook how a game day went. Its address is a secret, and is never shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import requests

from ..report.svg.markup import clean

__all__ = ["ADDRESS", "LINK", "message", "notify"]

ADDRESS = "SLACK_WEBHOOK_URL"
LINK = "CHAOS_REPORT_URL"
"""Where a reader finds the reports: in CI, the job's page."""
TIMEOUT_SECONDS = 10.0
_LONGEST = 2900  # Slack takes 3000 characters in a section (https://api.slack.com/reference/block-kit/blocks)


def message(headline: str, lines: Sequence[str]) -> dict[str, Any]:
    """Return the webhook's JSON: a text for notifications, and blocks for the channel."""
    link = os.environ.get(LINK, "")
    body = "\n".join(_escaped(line) for line in lines)
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
    address = os.environ.get(ADDRESS, "")
    if not address:
        return f"nobody was told: {ADDRESS} is not set"
    try:
        answer = requests.post(
            address, json=message(headline, lines), timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
    except (requests.RequestException, ValueError) as error:
        # The text of these errors holds the address.
        return f"nobody was told: {ADDRESS} cannot be reached ({type(error).__name__})"
    accepted = 200 <= answer.status_code < 300  # noqa: PLR2004 - HTTP's success; a redirect is none
    return None if accepted else f"nobody was told: {ADDRESS} answered with status {answer.status_code}"


def _escaped(text: str) -> str:
    """Escape what Slack's mrkdwn takes for its own; https://api.slack.com/reference/surfaces/formatting."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
