"""Panels and dashboards in this suite's dress: the same variables, links and annotations everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import annotationslist, common, logs, stat, table, text, timeseries
from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from sources import GRAFANA, LOKI, PROMETHEUS, TEMPO

WIDTH = 24
TAG = "chaos-gameday"
_REFRESH = "5s"
_RANGE = "now-15m"


def dashboard(uid: str, title: str, description: str, variables: Sequence[Builder] = ()) -> board.Dashboard:
    """Return an empty dashboard with the data sources as variables, and faults and verdicts as annotations."""
    made = board.Dashboard(title).uid(uid).description(description).tags([TAG]).readonly()
    made = made.refresh(_REFRESH).time(_RANGE, "now").timezone("browser")
    made = made.tooltip(model.DashboardCursorSync.CROSSHAIR)
    for name, label, kind in (
        ("datasource", "Metrics", "prometheus"),
        ("loki", "Logs", "loki"),
        ("tempo", "Traces", "tempo"),
    ):
        made = made.with_variable(board.DatasourceVariable(name).label(label).type(kind))
    for variable in variables:
        made = made.with_variable(variable)
    for name, tag, color in (("Faults", "fault", "red"), ("Verdicts", "verdict", "blue")):
        made = made.annotation(_annotation(name, tag, color))
    link = board.DashboardLink("Dashboards").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    return made.link(link.as_dropdown(True).keep_time(True))


def _annotation(name: str, tag: str, color: str) -> board.AnnotationQuery:
    target = board.AnnotationTarget().limit(100).match_any(False).tags(["chaos", tag]).type("tags")
    return board.AnnotationQuery().name(name).datasource(GRAFANA).enable(True).icon_color(color).target(target)


def levels(*steps: tuple[float | None, str]) -> board.ThresholdsConfig:
    """Return colours from values on, the first from the lowest value (None)."""
    found = [model.Threshold(value, color) for value, color in steps]
    return board.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(found)


def number(
    title: str, query: Builder[Dataquery], thresholds: board.ThresholdsConfig, unit: str = "short"
) -> stat.Panel:
    """Return one number on a ground of its threshold's colour."""
    made = stat.Panel().title(title).datasource(PROMETHEUS).with_target(query).unit(unit).thresholds(thresholds)
    made = made.color_mode(looks.BigValueColorMode.BACKGROUND).graph_mode(looks.BigValueGraphMode.NONE)
    made = made.color_scheme(board.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    return made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))


def chart(
    title: str, queries: Sequence[Builder[Dataquery]], unit: str, limit: float | None = None
) -> timeseries.Panel:
    """Return lines over time; what is at the limit or above it stands on red."""
    made = timeseries.Panel().title(title).datasource(PROMETHEUS).unit(unit).min(0).line_width(2)
    made = made.show_points(looks.VisibilityMode.NEVER).fill_opacity(5)
    made = made.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI))
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST)
    made = made.legend(legend.placement(looks.LegendPlacement.BOTTOM).show_legend(True))
    if limit is not None:
        made = made.thresholds(levels((None, "transparent"), (limit, "red")))
        style = common.GraphThresholdsStyleConfig().mode(looks.GraphThresholdsStyleMode.LINE_AND_AREA)
        made = made.thresholds_style(style)
    for query in queries:
        made = made.with_target(query)
    return made


def lines(title: str, query: Builder[Dataquery]) -> logs.Panel:
    """Return log lines, newest first."""
    made = logs.Panel().title(title).datasource(LOKI).with_target(query).show_time(True)
    return made.wrap_log_message(True).enable_log_details(True).sort_order(looks.LogsSortOrder.DESCENDING)


def trace_list(title: str, query: Builder[Dataquery]) -> table.Panel:
    """Return traces found, each a link to itself."""
    return table.Panel().title(title).datasource(TEMPO).with_target(query)


def annotations(title: str, tags: Sequence[str], most: int = 50) -> annotationslist.Panel:
    """Return annotations with all of the tags, in the dashboard's time range."""
    made = annotationslist.Panel().title(title).tags(list(tags)).limit(most)
    made = made.only_in_time_range(True).only_from_this_dashboard(False)
    return made.show_tags(True).show_time(True).show_user(False)


def note(markdown: str) -> text.Panel:
    """Return a text without a frame."""
    return text.Panel().title("").transparent(True).mode("markdown").content(markdown)


class Grid:
    """Puts panels into a dashboard from left to right, and below one another when a line is full."""

    def __init__(self, made: board.Dashboard) -> None:
        self._made = made
        self._id = self._x = self._y = self._line = 0

    def row(self, title: str) -> None:
        """Begin a row with a heading."""
        self._wrap()
        self._id += 1
        place = model.GridPos(x=0, y=self._y, w=WIDTH, h=1)
        self._made.with_row(board.Row(title).id(self._id).grid_pos(place))
        self._y += 1

    def add(self, panel: Builder, width: int, height: int) -> None:
        """Put a panel beside the one before, or below it when there is no room."""
        if self._x + width > WIDTH:
            self._wrap()
        self._id += 1
        place = model.GridPos(x=self._x, y=self._y, w=width, h=height)
        self._made.with_panel(panel.id(self._id).grid_pos(place))
        self._x += width
        self._line = max(self._line, height)

    def _wrap(self) -> None:
        self._y += self._line
        self._x = self._line = 0
