"""Looks at a LogQL log query without asking Loki: what a slip of the pen spoils, not what LogQL is.

https://grafana.com/docs/loki/latest/query/log_queries/
"""

from __future__ import annotations

import re

__all__ = ["log_query_problem"]

_TEXT = r'(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`)'
_MATCHER = rf"[a-zA-Z_]\w*\s*(?:=~|!~|!=|=)\s*{_TEXT}"
_SELECTOR = re.compile(rf"\s*\{{\s*{_MATCHER}(?:\s*,\s*{_MATCHER})*\s*,?\s*\}}")
_TEXTS = re.compile(_TEXT)
_REGEX = re.compile(rf"(?:\|~|!~|=~)\s*({_TEXT})")
_PAIRS = {")": "(", "}": "{", "]": "["}


def log_query_problem(query: str) -> str | None:
    """Return what is wrong with a query for log lines, in a few words; None when nothing is seen."""
    selector = _SELECTOR.match(query)
    if selector is None:
        wrong = query.lstrip().startswith("{")
        return "its selector is wrong" if wrong else 'it has no selector, such as {service="payment"}, in front'
    rest = query[selector.end() :]
    bare = _TEXTS.sub("T", rest)
    if '"' in bare or "`" in bare:
        return "a quote is not closed"
    if not _balanced(bare):
        return "its brackets are not balanced"
    if bare.strip() and not re.match(r"\s*(\||!=|!~)", bare):
        return f"{rest.strip()[:40]!r} behind the selector is no filter"
    if re.search(r"(?:\|=|\|~|!=|!~)\s*(?![\s\w])|\|\s*(?:\||$)", bare):
        return "a filter has nothing to look for"
    return next((said for text in _REGEX.findall(query) if (said := _regex_problem(text))), None)


def _balanced(bare: str) -> bool:
    waiting: list[str] = []
    for sign in bare:
        if sign in _PAIRS.values():
            waiting.append(sign)
        elif sign in _PAIRS and (not waiting or waiting.pop() != _PAIRS[sign]):
            return False
    return not waiting


def _regex_problem(text: str) -> str | None:
    pattern = text[1:-1] if text[0] == "`" else re.sub(r"\\(.)", r"\1", text[1:-1])
    try:
        # Go's expressions, which Loki's are, and Python's differ where nobody slips.
        re.compile(pattern)
    except re.error as error:
        return f"the regular expression {pattern!r} is wrong: {error}"
    return None
