"""Keeps secrets out of evidence: log lines and spans are other programs' words."""

from __future__ import annotations

import re

__all__ = ["masked"]

_PATTERNS = (
    # https://user:password@host
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"), "[masked]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 [masked]"),
    # password=..., "api_key": "...", token: ...
    (
        re.compile(
            r"(?i)((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|authorization|cookie)\\?[\"']?\s*[=:]\s*)"
            r"(?!\[masked\]|(?:bearer|basic)\s)(\\?\"[^\"]*\"|'[^']*'|[^\s,;&\"']+)"
        ),
        r"\1[masked]",
    ),
    # JSON Web Tokens, Grafana's service account tokens
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\bgl(?:sa|c)_[\w-]{8,}"), "[masked]"),
    # 13 to 19 digits, perhaps in groups, or as a URL spells them: what a card number looks like
    (
        re.compile(
            r"(?:(?<![A-Za-z0-9])(?<!\d\.)|(?<=%[0-9A-Fa-f]{2}))"
            r"\d(?:(?:[ +-]|%(?:25)?(?:20|2[bBdD])){0,3}\d){12,18}(?![A-Za-z0-9])(?!\.\d)"
        ),
        "[card]",
    ),
)


def masked(text: str, longest: int, secrets: tuple[str, ...] = ()) -> str:
    """Return a text of at most `longest` characters, with `secrets` and what looks like one masked."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[masked]")
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text if len(text) <= longest else text[: longest - 1] + "…"
