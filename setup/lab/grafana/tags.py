"""Annotation tags: "key" or "key:value".

As in Grafana's `pkg/services/tag`: blanks around both are dropped, so are empty and repeated tags, and so is
whatever follows a second colon ("run:10:30" is stored as "run:10").
"""

from __future__ import annotations

from collections.abc import Iterable

MAX_LENGTH = 500  # of all tags of an annotation, written as a JSON list; Grafana's default

Tag = tuple[str, str]


def parse(texts: Iterable[str]) -> list[Tag]:
    """Return the (key, value) pairs of `texts`, in order; value is "" for a plain tag."""
    pairs = (text.split(":") for text in texts)
    tags = ((parts[0].strip(" "), parts[1].strip(" ") if parts[1:] else "") for parts in pairs)
    return list(dict.fromkeys(tag for tag in tags if tag[0]))


def join(key: str, value: str) -> str:
    """Return the text of a tag."""
    return f"{key}:{value}" if value else key


def length(tags: Iterable[Tag]) -> int:
    """Return how long the JSON list of `tags` is, in bytes."""
    texts = [join(*tag).encode() for tag in tags]
    return 2 + sum(len(text) + 2 for text in texts) + max(len(texts) - 1, 0)
