"""From a dashboard and an address to its panels' HTML, drawn once a tick for all who look at the same page."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaosext.report.svg.markup import Markup, join, tag

from .. import tags as tagging
from ..annotation_store import Annotation, AnnotationStore, Search
from ..sources import DataSources
from . import annolist, canvas, logs, markdown, stat, tables, timeseries
from .asking import TICK_MS, Answer, Asker
from .fields import errors
from .model import Dashboard, Panel, part
from .resolve import Asked, scope_of
from .variables import Scope
from .view import View, nothing

_LOG = logging.getLogger(__name__)
_ROW_PX, _GAP_PX, _FRAME_PX = 30, 8, 46  # of the grid, and of a panel around its content
_MOST_PAGES = 50
_MOST_ANNOTATIONS = 100
_GRAFANA = {"grafana", "datasource"}

RENDERERS: dict[str, Callable[[View], Markup]] = {
    "annolist": annolist.render,
    "canvas": canvas.render,
    "logs": logs.render,
    "stat": stat.render,
    "table": tables.render,
    "text": markdown.render,
    "timeseries": timeseries.render,
}


@dataclass(frozen=True)
class Drawn:
    """A dashboard's panels as HTML, and what its variables and times are."""

    panels: Markup
    scope: Scope


@dataclass
class _Page:
    """What is kept of a page: until when its HTML holds, and each panel's HTML by what it was drawn from."""

    until: float = 0.0
    task: asyncio.Task[Drawn] | None = None
    panels: dict[int, tuple[object, Markup]] = field(default_factory=dict)


class Engine:
    """Draws dashboards. Nothing is asked or drawn unless a page is asked for."""

    def __init__(self, sources: DataSources, annotations: AnnotationStore) -> None:
        self.asker = Asker(sources)
        self._sources, self._annotations = sources, annotations
        self._pages: dict[object, _Page] = {}

    async def draw(self, dashboard: Dashboard, asked: Asked) -> Drawn:
        """Return the page that an address asks for; one that is younger than a tick serves everyone."""
        key = (dashboard.uid, tuple((name, *values) for name, values in sorted(asked.items())))
        page = self._pages.pop(key, None) or _Page()
        self._pages[key] = page  # the one asked for last is the last to go
        while len(self._pages) > _MOST_PAGES:
            del self._pages[next(iter(self._pages))]
        now = time.monotonic()
        if page.task is None or (page.task.done() and (now >= page.until or page.task.exception() is not None)):
            page.until = now + TICK_MS / 1000 * 0.75
            page.task = asyncio.create_task(self._draw(dashboard, asked, page))
        return await asyncio.shield(page.task)

    async def _draw(self, dashboard: Dashboard, asked: Asked, page: _Page) -> Drawn:
        scope = await scope_of(dashboard, asked, self._sources, time.time_ns() // 1_000_000)
        regions = self._regions(dashboard, scope)
        answers = await asyncio.gather(*(self.asker.panel(panel, scope) for panel in dashboard.panels))
        drawn = []
        below_row = False
        for panel, answered in zip(dashboard.panels, answers, strict=True):
            if panel.type == "row":
                below_row = True
                drawn.append(tag("h2", scope.fill(panel.title), class_="row"))
                continue
            shown = self._listed(panel, scope) if panel.type == "annolist" else regions
            drawn.append(_kept(page, panel, answered, scope, shown, "h3" if below_row else "h2"))
            await asyncio.sleep(0)  # the lab's other work goes on between two panels
        return Drawn(join(drawn), scope)

    def _regions(self, dashboard: Dashboard, scope: Scope) -> list[Annotation]:
        """Return the annotations that the dashboard's own queries find in its time range."""
        found: dict[int, Annotation] = {}
        for query in dashboard.annotations:
            source = part(query, "datasource")
            wanted = part(query, "target")
            own = query.get("builtIn") or source.get("type") in _GRAFANA or source.get("uid") == "-- Grafana --"
            if query.get("enable") is False or not own or not wanted.get("tags"):
                continue
            tags = [scope.fill(str(tag)) for tag in wanted["tags"]]
            for annotation in self._find(
                tags, scope, int(wanted.get("limit") or 0), bool(wanted.get("matchAny"))
            ):
                found[annotation.id] = annotation
        return sorted(found.values(), key=lambda annotation: annotation.time)

    def _listed(self, panel: Panel, scope: Scope) -> list[Annotation]:
        options = panel.options
        if options.get("onlyFromThisDashboard"):
            return []  # what the suite writes belongs to no dashboard
        tags = [scope.fill(str(tag)) for tag in options.get("tags") or []]
        within = scope if options.get("onlyInTimeRange") else None
        return self._find(tags, within, int(options.get("limit") or 10), match_any=False)

    def _find(self, tags: list[str], scope: Scope | None, limit: int, match_any: bool) -> list[Annotation]:
        return self._annotations.find(
            Search(
                start=scope.start_ms if scope else 0,
                end=scope.end_ms if scope else 0,
                tags=tagging.parse(tags),
                match_any=match_any,
                limit=min(limit or _MOST_ANNOTATIONS, _MOST_ANNOTATIONS),
            )
        )


def _kept(
    page: _Page, panel: Panel, answers: list[Answer], scope: Scope, shown: Sequence[Annotation], heading: str
) -> Markup:
    """Return a panel's HTML, drawn anew when its answers, annotations or, for a chart, its step has changed."""
    serials = tuple(answer.serial for answer in answers)
    notes = tuple((note.id, note.time_end, note.text) for note in shown)
    values = tuple((name, v.values) for name, v in scope.variables.items())
    state: Any = (serials, notes, values, panel)
    kept = page.panels.get(panel.id)
    if kept is None or kept[0] != state or 0 in serials:
        kept = page.panels[panel.id] = (
            state,
            panel_html(View(panel, answers, scope, shown, _room(panel)), heading),
        )
    return kept[1]


def _room(panel: Panel) -> int:
    return panel.h * (_ROW_PX + _GAP_PX) - _GAP_PX - _FRAME_PX


def panel_html(view: View, heading: str) -> Markup:
    """Return a panel with its title; what goes wrong in it stays in it, in one line."""
    panel = view.panel
    title = view.scope.fill(panel.title)
    wrong = errors(view.answers)
    render = RENDERERS.get(panel.type)
    if render is None:
        content = nothing(f"Panels of type {panel.type!r} are not supported by this viewer.")
    else:
        try:
            content = render(view)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
            # A dashboard that somebody is editing may hold anything; the other panels are still of use.
            _LOG.exception("panel %s (%s) cannot be drawn", panel.id, panel.title)
            content = nothing("This panel cannot be drawn; the lab's log (logs daemon) says why.")
    about = str(panel.raw.get("description") or "")
    return tag(
        "section",
        tag(heading, title, title=about or None) if title else None,
        tag("p", wrong[0], class_="error", role="alert") if wrong else None,
        tag("div", content, class_="content"),
        id=f"panel-{panel.id}",
        class_=f"panel {panel.type} x{panel.x} w{panel.w} h{min(panel.h, 40)}",
        aria_label=title or None,
    )
