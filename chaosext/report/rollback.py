"""The proof of a run's rollback: what there was to undo, and whether it is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..kubernetes.aftermath import Healed
from ..result import Phase, Verification
from .markdown_parts import markdown_text
from .page import card, pill
from .svg.markup import Markup, tag

__all__ = ["rollback_card", "rollback_section"]

_MOST = 100
_PROVED = (
    "Every field of the manifest is equal in the live objects, every rollout is complete, and nothing that the "
    "run created is left."
)


@dataclass(frozen=True)
class _Found:
    """Differences with what they are; `words` end in a colon where there are any."""

    words: str
    differences: Sequence[str] = ()


def rollback_card(v: Verification, healed: Healed | None) -> Markup:
    """Return the proof, or what differs, as a section of the page."""
    tone = "good" if v.rollback.proved else "bad" if v.phases else "none"
    verdict = pill("proved" if v.rollback.proved else "not proved", tone)
    first, *rest = _parts(v, healed)
    return card(
        "Rollback",
        tag("p", verdict, " ", first.words),
        _items(first.differences),
        [[tag("p", part.words), _items(part.differences)] for part in rest],
        long=True,
    )


def _items(differences: Sequence[str]) -> Markup | None:
    if not differences:
        return None
    more = len(differences) - _MOST
    rest = tag("li", f"and {more} more, in the JSON files") if more > 0 else None
    items = [tag("li", tag("code", difference)) for difference in differences[:_MOST]]
    return tag("ul", items, rest, class_="differences")


def rollback_section(v: Verification, healed: Healed | None) -> str:
    """Return the same as Markdown."""
    paragraphs = []
    for part in _parts(v, healed):
        paragraphs.append(markdown_text(part.words))
        if part.differences:
            paragraphs.append("\n".join(f"- {markdown_text(difference)}" for difference in part.differences))
    return "\n\n".join([f"**{'Proved' if v.rollback.proved else 'Not proved'}**", *paragraphs])


def _parts(v: Verification, healed: Healed | None) -> list[_Found]:
    """Return the proof, what there was to undo, what another one did for this run, and this one for another."""
    left = v.rollback.differences
    parts = [
        _Found(_PROVED if v.rollback.proved else "The live state was not proved to be the manifest's:", left)
    ]
    if (found := v.rollback.found) is not None:
        parts.append(_found(found, gone=v.rollback.proved))
    elif Phase.FAULT in v.phases:
        parts.append(_Found("What there was to undo before the rollback is not known."))
    if healed is not None:
        parts.append(_healed(healed))
        if healed.differences != found:
            parts.append(_Found("The watchdog found:", healed.differences))
    if v.healed_before:
        parts.append(_Found("Before its fault, this run healed what one that died had left:", v.healed_before))
    return parts


def _found(found: Sequence[str], *, gone: bool) -> _Found:
    if not found:
        return _Found(
            "Just before, nothing differed from the manifest, and nothing was there that the run created."
        )
    counted = "1 difference was" if len(found) == 1 else f"{len(found)} differences were"
    return _Found(f"{counted} found just before{', gone now' if gone else ''}:", found)


def _healed(healed: Healed) -> _Found:
    outcome = f"it took {healed.seconds:g} s" if healed.healed else "it could not undo everything:"
    return _Found(f"The watchdog restored the system ({healed.reason}); {outcome}", healed.remaining)
