r"""RE2's regular expressions, as LogQL has them, by Python's `re`.

What RE2 refuses is refused (look-around, back-references, possessive quantifiers). Known differences: a class
such as \d or \w has ASCII characters only in both, but here (?i) folds the case of ASCII letters only; named
Unicode classes (\pL) are not supported; the leftmost alternative wins, as in RE2's Perl mode.
"""

from __future__ import annotations

import functools
import re

MAX_LENGTH = 4096  # characters of a pattern

# The tokens in which the two syntaxes differ, or in which RE2 has less; all others pass as they are.
_TOKEN = re.compile(
    r"(?P<quoted>\\Q.*?(?:\\E|\Z))|(?P<escape>\\[^Q])|(?P<posix>\[:\^?\w+:\])"
    r"|(?P<flags>\(\?[imsU-]+\))|(?P<group>\(\?(?:P<\w+>|[ims-]*:))|(?P<special>\(\?)|(?P<open>\()|(?P<close>\))"
    r"|(?P<set>\[\^?\]?)|(?P<set_end>\])|(?P<end>\$)"
    r"|(?P<greedy>(?:[*+?]|\{\d+(?:,\d*)?\})\+)|(?P<other>.)",
    re.DOTALL,
)
_ESCAPES = frozenset("dDwWsSbBAnrtfvax0") | frozenset(r"\.+*?()|[]{}^$/-\"'`~!@#%&=:;,<>_ ")
_POSIX = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "word": r"\w", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9a-fA-F", "blank": r" \t",
}  # fmt: skip
# One to many words between bars, perhaps in brackets, perhaps in any case: no expression is needed for these.
_WORDS = re.compile(
    r"(?P<fold>\(\?i\))?(?P<open>\((?:\?:)?)?(?P<words>[^\\.+*?()|\[\]{}^$]+(?:\|[^\\.+*?()|\[\]{}^$]+)*)\)?"
)


_MULTILINE = re.compile(r"\(\?[isU]*m")


class RegexError(ValueError):
    """A pattern that RE2 would refuse, or that is not supported here."""


@functools.lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the expression in Python's form. Raises RegexError."""
    if len(pattern) > MAX_LENGTH:
        raise RegexError(f"not supported here: a pattern of more than {MAX_LENGTH} characters")
    try:
        return re.compile(_translated(pattern), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise RegexError(f"error parsing regexp: {error}: `{pattern}`") from None


def anchored(pattern: str) -> re.Pattern[str]:
    """Return the expression that must match a whole value. Raises RegexError."""
    return compiled(f"^(?:{pattern})$")


def words(pattern: str) -> tuple[tuple[str, ...], bool] | None:
    """Return the words, one of which a text must contain, and whether case is folded; None otherwise."""
    match = _WORDS.fullmatch(pattern)
    if match is None or bool(match["open"]) != pattern.endswith(")"):
        return None
    fold = bool(match["fold"])
    found = tuple(match["words"].split("|"))
    if fold and not match["words"].isascii():
        return None
    return (tuple(word.lower() for word in found) if fold else found), fold


def _translated(pattern: str) -> str:
    out: list[str] = []
    # Of each open group, the flags set in it. Python has none amid a group, so a group is opened for each; and
    # since flags stay in force behind a bar, it is closed before the bar and opened again behind it.
    scopes: list[list[str]] = [[]]
    in_set = False
    for token in _TOKEN.finditer(pattern):
        kind, text = token.lastgroup or "", token[0]
        if in_set:
            out.append(_in_set(kind, text, pattern))
            in_set = kind != "set_end"
        elif kind in {"open", "group"}:
            scopes.append([])
            out.append(text)
        elif kind == "flags":
            scopes[-1].append(f"(?{_flags(text, pattern)}:")
            out.append(scopes[-1][-1])
        elif kind == "close":
            out.append(")" * (len(scopes.pop()) + 1))
            scopes = scopes or [[]]
        elif text == "|":
            out.append(")" * len(scopes[-1]) + "|" + "".join(scopes[-1]))
        elif kind == "set":
            in_set = True
            out.append(text.replace("]", r"\]"))
        else:
            out.append(_outside(kind, text, pattern))
    return "".join(out) + ")" * len(scopes[0])


def _in_set(kind: str, text: str, pattern: str) -> str:
    if kind == "posix":
        name = text[2:-2]
        if name.startswith("^") or name not in _POSIX:
            raise RegexError(f"not supported here: the character class {text}")
        return _POSIX[name]
    if kind == "escape":
        return _escape(text, pattern)
    return "".join(rf"\{char}" if char in "[&~|" else char for char in text)


def _outside(kind: str, text: str, pattern: str) -> str:
    if kind == "escape":
        return _escape(text, pattern)
    if kind == "quoted":
        return re.escape(text[2:].removesuffix(r"\E"))
    if kind == "end":
        # Before a final newline Python's $ matches, and RE2's does not, unless (?m) is set.
        return text if _MULTILINE.search(pattern) else r"(?!\n)$"
    if kind in {"special", "greedy"}:
        raise RegexError(f"error parsing regexp: invalid or unsupported Perl syntax: `{text}` in `{pattern}`")
    return text


def _escape(text: str, pattern: str) -> str:
    if text == r"\z":
        return r"\Z"
    if text[1] in "pP":
        raise RegexError(f"not supported here: the character class {text} in `{pattern}`")
    if text[1] not in _ESCAPES:
        raise RegexError(f"error parsing regexp: invalid escape sequence: `{text}`")
    return text


def _flags(text: str, pattern: str) -> str:
    flags = text[2:-1]
    if "U" in flags:
        raise RegexError(f"not supported here: the flag U in `{pattern}`")
    return flags
