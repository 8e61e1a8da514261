"""PostgreSQL and Redis: the shop's data stores."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.models.dashboard import VariableOption
from panels import Grid, chart, dashboard, levels, lines, number
from sources import log_lines, now, over_time

from shop import ERRORS, NAMESPACE, architecture

_UP = levels((None, "red"), (1, "green"))
_ERRORS = levels((None, "green"), (1, "red"))
_SLOTS = "max(pg_settings_max_connections) - max(pg_settings_superuser_reserved_connections)"


def postgresql() -> board.Dashboard:
    """Return the dashboard of product-data."""
    made = dashboard("postgresql", "PostgreSQL", "The catalogue's database: its connections, errors and log.")
    grid = Grid(made)
    grid.add(number("Up", now("min(pg_up)"), _UP), 6, 4)
    used = f"sum(pg_stat_activity_count) / ({_SLOTS})"
    full = levels((None, "green"), (0.8, "orange"), (1, "red"))
    grid.add(number("Ordinary connections used", now(used), full, "percentunit").decimals(0), 6, 4)
    grid.add(number("Errors logged", now("max(ProductDBErrors)"), _ERRORS), 6, 4)
    firing = 'count(ALERTS{alertstate="firing",service="product-data"}) or vector(0)'
    grid.add(number("Alerts firing", now(firing), _ERRORS), 6, 4)
    connections = [
        over_time("sum by (state) (pg_stat_activity_count) > 0", "{{state}}"),
        over_time(_SLOTS, "ordinary connections there are", "B"),
        over_time("max(pg_settings_max_connections)", "with those reserved", "C"),
    ]
    grid.add(chart("Connections", connections, "short"), 12, 9)
    seen = 'http_client_request_duration_seconds_count{service_name="api-gateway",server_address="product"'
    asked = [
        over_time(f"sum(rate({seen}}}[$__rate_interval]))", "requests to product"),
        over_time(
            f'sum(rate({seen},error_type!="",http_response_status_code!~"4.."}}[$__rate_interval]))',
            "of those, failed",
            "B",
        ),
    ]
    grid.add(chart("Who needs it", asked, "reqps"), 12, 9)
    grid.add(
        chart("Lines that look like errors", [over_time("max(ProductDBErrors)", "product-data")], "short"),
        12,
        8,
    )
    of_it = f'{{namespace="{NAMESPACE}",container="product-data"}}'
    grid.add(lines("Its log", log_lines(of_it)), 12, 8)
    return made


def redis() -> board.Dashboard:
    """Return the dashboard of the carts' and the sessions' Redis servers."""
    primaries = [one.name for one in architecture().components if one.dashboard == "redis"]
    store = board.CustomVariable("store").label("Store").values(",".join(primaries)).multi(True)
    store = store.include_all(True).current(VariableOption(selected=True, text="All", value="$__all"))
    about = "The carts and the sessions: each a primary with a replica."
    made = dashboard("redis", "Redis", about, [store])
    grid = Grid(made)
    for name in ("cart-data", "cart-data-replica", "session-data", "session-data-replica"):
        grid.add(number(name, now(f'min(redis_up{{service="{name}"}})'), _UP), 4, 4)
    grid.add(number("Errors logged, carts", now("max(CartDBErrors)"), _ERRORS), 4, 4)
    grid.add(number("Errors logged, sessions", now("max(SessionDBErrors)"), _ERRORS), 4, 4)
    name = "{{service}}"
    of = '{service=~"$store(-replica)?"}'
    rate = f"sum by (service) (rate(redis_commands_processed_total{of}[$__rate_interval]))"
    grid.add(chart("Commands", [over_time(rate, name)], "ops"), 8, 8)
    clients = over_time(f"sum by (service) (redis_connected_clients{of})", name)
    grid.add(chart("Clients", [clients], "short"), 8, 8)
    memory = over_time(f"sum by (service) (redis_memory_used_bytes{of})", name)
    grid.add(chart("Memory", [memory], "bytes"), 8, 8)
    link = over_time(f"min by (service) (redis_master_link_up{of})", name)
    grid.add(chart("Replicas linked to their primary (1 is yes)", [link], "short").max(1), 8, 8)
    refused = f"sum by (service) (rate(redis_rejected_connections_total{of}[$__rate_interval]))"
    grid.add(chart("Connections refused", [over_time(refused, name)], "cps"), 8, 8)
    errors = [over_time("max(CartDBErrors)", "carts"), over_time("max(SessionDBErrors)", "sessions", "B")]
    grid.add(chart("Lines that look like errors", errors, "short"), 8, 8)
    stores = f'{{namespace="{NAMESPACE}",container=~"$store(-replica)?"}}'
    grid.add(lines("Errors in their logs", log_lines(f'{stores} |~ "{ERRORS}"')), 12, 9)
    grid.add(lines("Their logs", log_lines(stores)), 12, 9)
    return made
