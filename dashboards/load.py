"""Load: what customers do, and what they get."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as board
from panels import Grid, chart, dashboard, levels, number
from sources import now, over_time

from shop import paging, percentile, seconds, slos, spending

_SEEN = "http_client_request_duration_seconds"
_CUSTOMERS = 'service_name="load"'
_RATE = f"rate({_SEEN}_count{{{_CUSTOMERS}}}[$__rate_interval])"
_PAYMENTS = "rate(shop_payments_total[$__rate_interval])"


def build() -> board.Dashboard:
    """Return the dashboard."""
    made = dashboard(
        "load", "Load", "The load generator's requests to the storefront, and the payments they lead to."
    )
    grid = Grid(made)
    known = slos()
    paid_for, served = known["payment-success"], known["storefront-success"]
    in_time = known["storefront-latency"]
    limit = seconds(in_time)
    neutral = levels((None, "blue"))
    grid.add(number("Requests", now(f"sum({_RATE})"), neutral, "reqps").decimals(1), 6, 4)
    paid = f'sum(rate(shop_payments_total{{outcome="success"}}[$__rate_interval])) / sum({_PAYMENTS})'
    falling = levels((None, "red"), (1 - paging(paid_for), "orange"), (1 - spending(paid_for), "green"))
    grid.add(number("Payments that succeed", now(paid), falling, "percentunit").decimals(1), 6, 4)
    failed = f'{_SEEN}_count{{{_CUSTOMERS},error_type!="",http_response_status_code!~"4.."}}'
    share = f"sum(rate({failed}[$__rate_interval])) / sum({_RATE})"
    rising = levels((None, "green"), (spending(served), "orange"), (paging(served), "red"))
    grid.add(number("Requests that fail", now(share), rising, "percentunit").decimals(2), 6, 4)
    buckets = f"sum by (le) (rate({_SEEN}_bucket{{{_CUSTOMERS}}}[$__rate_interval]))"
    slow = levels((None, "green"), (limit / 2, "orange"), (limit, "red"))
    slowest = f"histogram_quantile({in_time.objective.target}, {buckets})"
    grid.add(number(percentile(in_time), now(slowest), slow, "s"), 6, 4)
    by_status = f"sum by (http_response_status_code) ({_RATE})"
    grid.add(
        chart("Answers, by status", [over_time(by_status, "{{http_response_status_code}}")], "reqps"), 12, 9
    )
    by_outcome = f"sum by (outcome) ({_PAYMENTS})"
    grid.add(chart("Payments, by outcome", [over_time(by_outcome, "{{outcome}}")], "ops"), 12, 9)
    quantiles = [
        over_time(f"histogram_quantile({share}, {buckets})", name, ref)
        for share, name, ref in (
            (0.5, "median", "A"),
            (0.95, "95th percentile", "B"),
            (0.99, "99th percentile", "C"),
        )
    ]
    grid.add(chart("Duration, as customers see it", quantiles, "s", limit), 12, 9)
    behind = f'sum by (server_address) (rate({_SEEN}_count{{service_name="api-gateway"}}[$__rate_interval]))'
    grid.add(chart("Requests behind the storefront", [over_time(behind, "{{server_address}}")], "reqps"), 12, 9)
    return made
