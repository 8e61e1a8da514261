"""Service Detail: one workload from its state to its traces."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.models.dashboard import VariableOption
from panels import Grid, chart, dashboard, levels, lines, number, trace_list
from sources import log_lines, now, over_time, traces

from shop import ERRORS, NAMESPACE, architecture, page_burn_rate, seconds, strictest

_OWN = f'namespace="{NAMESPACE}",container="$workload"'
_SERVED = "http_server_request_duration_seconds"
_ASKED = "http_client_request_duration_seconds"
_SERVES = 'service_name="$workload"'
_BY_CALLERS = 'server_address="$workload"'


def build() -> board.Dashboard:
    """Return the dashboard."""
    shop = architecture()
    names = [one.name for one in shop.components if one.kind != "users"]
    # A store's replica runs beside it, under a name of its own.
    names += [f"{name}-replica" for name in ("cart-data", "session-data")]
    workload = board.CustomVariable("workload").label("Workload").values(",".join(names))
    workload = workload.current(VariableOption(selected=True, text="payment", value="payment"))
    made = dashboard(
        shop.detail,
        "Service Detail",
        "One workload: how it does, what it is asked and answers, what it says, where its time goes.",
        [workload],
    )
    grid = Grid(made)
    _status(grid)
    grid.row("Requests, errors, durations")
    _requests(grid)
    grid.row("Logs and traces")
    _evidence(grid)
    grid.row("Resources")
    _resources(grid)
    return made


def _status(grid: Grid) -> None:
    burning = levels((None, "green"), (1, "orange"), (page_burn_rate(), "red"))
    rate = 'max(slo:current_burn_rate:ratio{service="$workload"})'
    grid.add(number("Budget spent, times as fast as it lasts", now(rate), burning).decimals(1), 6, 4)
    ready = f"sum(kube_pod_container_status_ready{{{_OWN}}}) or vector(0)"
    grid.add(number("Containers ready", now(ready), levels((None, "red"), (1, "green"))), 4, 4)
    restarts = f"sum(increase(kube_pod_container_status_restarts_total{{{_OWN}}}[$__range])) or vector(0)"
    grid.add(number("Restarts", now(restarts), levels((None, "green"), (1, "orange"))).decimals(0), 4, 4)
    firing = 'count(ALERTS{alertstate="firing",service="$workload"}) or vector(0)'
    grid.add(number("Alerts firing", now(firing), levels((None, "green"), (1, "red"))), 4, 4)
    budget = 'min(slo:period_error_budget_remaining:count{service="$workload"} / slo:error_budget:count)'
    left = levels((None, "red"), (0.1, "orange"), (0.5, "green"))
    grid.add(number("Least error budget left", now(budget), left, "percentunit").decimals(1), 6, 4)


def _requests(grid: Grid) -> None:
    good = '1 - slo:current_burn_rate:ratio{service="$workload"} * on (slo) slo:error_budget:ratio'
    grid.add(chart("Service level indicators", [over_time(good, "{{slo}}")], "percentunit").max(1), 12, 8)
    asked = f"sum by (service_name) (rate({_ASKED}_count{{{_BY_CALLERS}}}[$__rate_interval]))"
    grid.add(chart("Requests, by who asks", [over_time(asked, "{{service_name}}")], "reqps"), 12, 8)
    served = f"sum by (http_response_status_code) (rate({_SERVED}_count{{{_SERVES}}}[$__rate_interval]))"
    grid.add(chart("Answers, by status", [over_time(served, "{{http_response_status_code}}")], "reqps"), 8, 8)
    failed = f'{_ASKED}_count{{{_BY_CALLERS},error_type!="",http_response_status_code!~"4.."}}'
    errors = f"sum by (service_name, error_type) (rate({failed}[$__rate_interval]))"
    grid.add(
        chart("Errors, as callers see them", [over_time(errors, "{{service_name}}: {{error_type}}")], "reqps"),
        8,
        8,
    )
    quantiles = [
        over_time(
            f"histogram_quantile({share}, sum by (le) (rate({_SERVED}_bucket{{{_SERVES}}}[$__rate_interval])))",
            name,
            ref,
        ).exemplar(True)
        for share, name, ref in (
            (0.5, "median", "A"),
            (0.95, "95th percentile", "B"),
            (0.99, "99th percentile", "C"),
        )
    ]
    grid.add(chart("Duration", quantiles, "s", seconds(strictest("latency"))), 8, 8)


def _evidence(grid: Grid) -> None:
    says = f"{{{_OWN}}}"
    grid.add(lines("Errors in its log", log_lines(f'{says} |~ "{ERRORS}"')), 12, 10)
    grid.add(lines("Its log", log_lines(says)), 12, 10)
    of_it = 'resource.service.name="$workload"'
    grid.add(trace_list("Traces with an error here", traces(f"{{ {of_it} && status=error }}")), 12, 9)
    grid.add(
        trace_list("Traces that took over half a second here", traces(f"{{ {of_it} && duration>500ms }}")),
        12,
        9,
    )


def _resources(grid: Grid) -> None:
    cpu = f"sum by (pod) (rate(container_cpu_usage_seconds_total{{{_OWN}}}[$__rate_interval]))"
    grid.add(chart("CPU, cores", [over_time(cpu, "{{pod}}")], "short"), 8, 8)
    memory = f"sum by (pod) (container_memory_working_set_bytes{{{_OWN}}})"
    limit = f'max(kube_pod_container_resource_limits{{{_OWN},resource="memory"}})'
    grid.add(chart("Memory", [over_time(memory, "{{pod}}"), over_time(limit, "limit", "B")], "bytes"), 8, 8)
    restarts = f"sum by (pod) (kube_pod_container_status_restarts_total{{{_OWN}}})"
    grid.add(chart("Restarts", [over_time(restarts, "{{pod}}")], "short").decimals(0), 8, 8)
