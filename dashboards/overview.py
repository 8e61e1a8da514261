"""Services Overview: how the shop does, where it hurts, and since when."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import canvas
from grafana_foundation_sdk.builders import common as makers
from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.models import canvas as shapes
from grafana_foundation_sdk.models import dashboard as model
from panels import Grid, chart, dashboard, levels, lines, number
from sources import PROMETHEUS, letters, log_lines, now, over_time

from chaosext.architecture import Architecture, Component
from chaosext.slo.model import Slo
from shop import (
    ERRORS,
    NAMESPACE,
    architecture,
    health,
    page_burn_rate,
    paging,
    percentile,
    remaining,
    seconds,
    slos,
    spending,
    strictest,
)

_BOX = (170, 40)  # px
_GAP = (50, 44)
_TITLE = 24
_MARGIN = 16
_HEALTHY, _SPENDING, _FAILING = "green", "orange", "red"
_FROM_GATEWAY = 'service_name="api-gateway"'
_FROM_CUSTOMERS = 'service_name="load"'
_CUSTOMERS = f"sum(rate(http_client_request_duration_seconds_count{{{_FROM_CUSTOMERS}}}[$__rate_interval]))"


def build() -> board.Dashboard:
    """Return the dashboard."""
    shop = architecture()
    made = dashboard(
        shop.overview,
        "Services Overview",
        "The shop's services, coloured by how fast they spend their error budgets; a click leads to a service.",
    )
    grid = Grid(made)
    _key_figures(grid)
    grid.add(_drawing(shop), 24, 15)
    grid.row("Requests, errors and durations by service, as their callers see them")
    _by_service(grid)
    grid.row("What the services say")
    errors = f'{{namespace="{NAMESPACE}"}} |~ "{ERRORS}"'
    grid.add(lines("Errors in the logs", log_lines(errors, 100)), 24, 9)
    return made


def _key_figures(grid: Grid) -> None:
    known = slos()
    for title, slo, unit in (
        ("Payment budget left", "payment-success", "short"),
        ("Downtime budget left", "api-gateway-availability", "s"),
        ("Storefront's downtime budget left", "storefront-availability", "s"),
    ):
        budget = float(known[slo].metadata.annotations["gameday/error-budget"])
        colors = levels((None, _FAILING), (budget * 0.1, _SPENDING), (budget * 0.5, _HEALTHY))
        grid.add(number(title, now(remaining(slo)), colors, unit).decimals(0), 5, 4)
    uptime = 'avg_over_time(probe_success{service="web-gateway"}[$__range])'
    available = known["storefront-availability"]
    rising = levels((None, _FAILING), (1 - paging(available), _SPENDING), (1 - spending(available), _HEALTHY))
    grid.add(number("Storefront up", now(uptime), rising, "percentunit").decimals(2), 5, 4)
    firing = 'count(ALERTS{alertstate="firing"}) or vector(0)'
    grid.add(number("Alerts firing", now(firing), levels((None, _HEALTHY), (1, _FAILING))), 4, 4)


@dataclass(frozen=True)
class _Place:
    left: float
    top: float


def _drawing(shop: Architecture) -> canvas.Panel:
    known = slos()
    panel = (
        canvas.Panel()
        .title("Architecture")
        .datasource(PROMETHEUS)
        .inline_editing(False)
        .show_advanced_types(False)
    )
    rate = page_burn_rate()
    panel = panel.description(
        "Green: within the objective. Orange: the error budget is spent faster than it lasts. "
        f"Red: {rate:g} times as fast or more, or errors in a store's log."
    )
    panel = panel.thresholds(levels((None, _HEALTHY), (1, _SPENDING), (rate, _FAILING)))
    panel = panel.color_scheme(board.FieldColor().mode(model.FieldColorModeId.THRESHOLDS)).decimals(1)
    root = canvas.CanvasOptionsRoot().name("root")
    places = _places(shop)
    elements = []
    for component, letter in zip(shop.components, letters(), strict=False):
        query = health(component, known) if component.slis else _CUSTOMERS
        panel = panel.with_target(now(query, component.name, letter))
        panel = panel.override_by_name(component.name, _looks(component, shop, known))
        elements += _box(component, places, shop)
    return panel.root(root.elements(elements))


def _looks(component: Component, shop: Architecture, known: dict[str, Slo]) -> list[model.DynamicConfigValue]:
    """Say what a component's number counts, what colours it, and where a click leads."""
    if component.kind == "users":
        return [model.DynamicConfigValue("unit", "reqps"), _colors((None, "blue"))]
    uid, variables = shop.leads_to(component.name)
    chosen = "".join(f"var-{name}={value}&" for name, value in variables.items())
    url = f"/d/{uid}?{chosen}${{__url_time_range}}"
    link = {"title": f"{component.title} in detail", "url": url, "targetBlank": False, "oneClick": True}
    leads = model.DynamicConfigValue("links", [link])
    if component.kind == "store":
        # Counts are whole: the first above the objective's is one more.
        bad = min(known[name].objective.value or 0 for name in component.slis) + 1
        return [
            model.DynamicConfigValue("unit", "suffix: errors"),
            model.DynamicConfigValue("decimals", 0),
            _colors((None, _HEALTHY), (bad, _FAILING)),
            leads,
        ]
    return [model.DynamicConfigValue("unit", "suffix:x budget"), leads]


def _colors(*steps: tuple[float | None, str]) -> model.DynamicConfigValue:
    found = [{"value": value, "color": color} for value, color in steps]
    return model.DynamicConfigValue("thresholds", {"mode": "absolute", "steps": found})


def _places(shop: Architecture) -> dict[str, _Place]:
    width, height = (box + gap for box, gap in zip(_BOX, _GAP, strict=True))
    return {
        one.name: _Place(_MARGIN + one.column * width, _MARGIN + _TITLE + one.row * height)
        for one in shop.components
    }


def _box(
    component: Component, places: dict[str, _Place], shop: Architecture
) -> list[canvas.CanvasElementOptions]:
    """Return a box that its number colours, and its title above it."""
    at = places[component.name]
    ground = makers.ColorDimensionConfig().field(component.name).fixed("gray")
    calls = [
        _connection(at, places[edge.target], _component(shop, edge.target).title)
        for edge in shop.edges
        if edge.source == component.name
    ]
    written = {"size": 15, "color": {"fixed": "text"}, "align": "center", "valign": "middle"}
    value = {"text": {"mode": "field", "field": component.name, "fixed": ""}, **written}
    title = {"text": {"mode": "fixed", "fixed": component.title}, **written}
    box = _element(component.title, "metric-value", value, at, _BOX)
    above = _Place(at.left, at.top - _TITLE)
    return [
        box.background(canvas.BackgroundConfig().color(ground)).connections(calls),
        _element(f"Title of {component.title}", "text", title, above, (_BOX[0], _TITLE)),
    ]


def _component(shop: Architecture, name: str) -> Component:
    return next(one for one in shop.components if one.name == name)


def _connection(start: _Place, end: _Place, to: str) -> canvas.CanvasConnection:
    """Return a line between the sides that face each other; 1 is right and up."""
    if start.left == end.left:
        down = 1 if end.top > start.top else -1
        source, target = (0, -down), (0, down)
    else:
        right = 1 if end.left > start.left else -1
        source, target = (right, 0), (-right, 0)
    made = canvas.CanvasConnection().target_name(to).color(makers.ColorDimensionConfig().fixed("gray"))
    made = made.source(canvas.ConnectionCoordinates().x(source[0]).y(source[1]))
    return made.target(canvas.ConnectionCoordinates().x(target[0]).y(target[1]))


def _element(
    name: str, kind: str, config: dict[str, object], at: _Place, size: tuple[float, float]
) -> canvas.CanvasElementOptions:
    place = canvas.Placement().left(at.left).top(at.top).width(size[0]).height(size[1])
    fixed = canvas.Constraint().horizontal(shapes.HorizontalConstraint.LEFT)
    made = canvas.CanvasElementOptions().name(name).type(kind).config(config).placement(place)
    return made.constraint(fixed.vertical(shapes.VerticalConstraint.TOP))


def _by_service(grid: Grid) -> None:
    """Draw what callers see: the API gateway of the services behind it, customers of the storefront."""
    seen = "http_client_request_duration_seconds"
    rates, errors, durations = [], [], []
    slow = strictest("latency")
    refs = letters()
    for source, name in ((_FROM_GATEWAY, "{{server_address}}"), (_FROM_CUSTOMERS, "storefront")):
        ref = next(refs)
        failed = f'{seen}_count{{{source},error_type!="",http_response_status_code!~"4.."}}'
        every = f"{seen}_count{{{source}}}"
        total = f"sum by (server_address) (rate({every}[$__rate_interval]))"
        bad = f"sum by (server_address) (rate({failed}[$__rate_interval]))"
        rates.append(over_time(total, name, ref))
        errors.append(over_time(f"{bad} / {total}", name, ref))
        buckets = f"sum by (server_address, le) (rate({seen}_bucket{{{source}}}[$__rate_interval]))"
        durations.append(
            over_time(f"histogram_quantile({slow.objective.target}, {buckets})", name, ref).exemplar(True)
        )
    grid.add(chart("Requests", rates, "reqps"), 8, 8)
    grid.add(chart("Errors", errors, "percentunit", paging(strictest("ratio"))), 8, 8)
    grid.add(chart(f"Duration, {percentile(slow)}", durations, "s", seconds(slow)), 8, 8)
