"""Panels of type annolist: the annotations with the panel's tags, the newest first."""

from __future__ import annotations

from chaosext.report.svg.markup import Markup, tag

from ..annotation_store import Annotation
from .units import clock, show
from .view import View, nothing


def render(view: View) -> Markup:
    """Return the list; View.annotations are those that the panel asks for."""
    if not view.annotations:
        return nothing("No annotations")
    return tag("ul", [_item(view, annotation) for annotation in view.annotations], class_="notes")


def _item(view: View, annotation: Annotation) -> Markup:
    options = view.panel.options
    lasted = (annotation.time_end - annotation.time) / 1000
    tags = [f"{key}:{value}" if value else key for key, value in annotation.tags]
    return tag(
        "li",
        tag("time", clock(annotation.time)) if options.get("showTime", True) else None,
        tag("span", annotation.text, class_="said"),
        tag("span", f"for {show(lasted, 's')}", class_="soft") if lasted > 0 else None,
        [tag("span", word, class_="tag") for word in tags] if options.get("showTags", True) else None,
    )
