"""logfmt: one line of name=value pairs, quoted where they need it."""

import re
import time
from collections.abc import Iterable

_NEEDS_QUOTES = re.compile(r'[\s="\\\x00-\x1f\x7f\u0085\u2028\u2029]|^$')
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_NAMED_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def line(pairs: Iterable[tuple[str, object]]) -> str:
    """Return the pairs as one line."""
    return " ".join(f"{name}={quote(value)}" for name, value in pairs)


def quote(value: object) -> str:
    """Return a value on one line, in quotes where it needs them."""
    words = str(value)
    if not _NEEDS_QUOTES.search(words):
        return words
    words = words.replace("\\", "\\\\").replace('"', '\\"')
    words = _CONTROL.sub(lambda match: _NAMED_ESCAPES.get(match[0], f"\\u{ord(match[0]):04x}"), words)
    return f'"{words}"'


def timestamp(seconds: float) -> str:
    """Return a time since the epoch as UTC with milliseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"
