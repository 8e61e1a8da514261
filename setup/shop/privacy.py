"""Keeps what customers and services hold secret out of logs and spans, which other people read.

A card number, a password or a token may stand in whatever a caller sends, and from there in a URL, in the words
of an exception, in a field of a log line: as it was typed, or percent-encoded.
"""

import re

_SPACE = r"(?:\s|\+|%20)"
_QUOTE = r"(?:\\?[\"']|%22|%27)"
# Between two digits of a card: what people type there, as it is or in a URL (once or twice encoded).
_GAP = r"(?:[\s+\u2010-\u2015-]|%(?:25)?(?:20|2[bBdD]|[cC]2%[aA]0)){0,3}"
# Where a card may begin: not inside of an id or a decimal fraction, but behind an encoded character.
_BEGIN = r"(?:(?<![A-Za-z0-9])(?<!\d\.)|(?<=%[0-9A-Fa-f]{2}))"
_MASKS = (
    # scheme://user:password@host
    (re.compile(r"(?<=://)[^/\s@]*:[^/\s@]+(?=@)"), "[masked]"),
    (re.compile(rf"(?i)\b(bearer|basic)({_SPACE}+)[\w.~+/=%-]{{6,}}"), r"\1\2[masked]"),
    # password=..., "api_key": "...", token%3D...
    (
        re.compile(
            r"(?i)((?:password|passwd|pwd|secret|token|(?:api|access)[_-]?key|authorization|cookie|cv[cv])"
            rf"{_QUOTE}?{_SPACE}*(?:=|:|%3[ad]){_SPACE}*)"
            r"(?!\[masked\]|(?:bearer|basic)\b)"
            r"(\\?\"[^\"]*\"|'[^']*'|%22.*?%22|[^\s,;&\"']+)"
        ),
        r"\1[masked]",
    ),
    # JSON Web Tokens, Grafana's service account tokens
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\bgl(?:sa|c)_[\w-]{8,}"), "[masked]"),
    # 13 to 19 digits
    (re.compile(rf"{_BEGIN}\d(?:{_GAP}\d){{12,18}}(?![A-Za-z0-9])(?!\.\d)"), "[card]"),
)
# Hardly any text has anything to mask, and to look for a few words is a fifth of the work of trying the masks.
_SHORTEST = 5
_HINTS = (
    *("pass", "pwd", "secret", "token", "key", "authorization", "cookie", "cvc", "cvv", "bearer", "basic"),
    *("://", "eyj", "glsa_", "glc_"),
)
_CARD_LIKE = re.compile(rf"\d(?:{_GAP}\d){{12}}")


def masked(words: str) -> str:
    """Return a text with whatever looks like a card number, a password or a token replaced."""
    if len(words) >= _SHORTEST and _suspect(words):
        for pattern, instead in _MASKS:
            words = pattern.sub(instead, words)
    return words


def _suspect(words: str) -> bool:
    lower = words.lower()
    return any(hint in lower for hint in _HINTS) or _CARD_LIKE.search(words) is not None
