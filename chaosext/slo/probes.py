"""Probes that read SLIs, defined in the SLO file, from Grafana."""

from __future__ import annotations

from chaoslib.types import Configuration, Secrets

from ..environment import load_windows
from ..grafana.client import connect
from ..run import configured_file
from .load import find, load_slos
from .sli import measure_one

__all__ = ["sli"]


def sli(
    name: str,
    min_events: float = 1,
    windows: float = 1,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> float:
    """Return an SLI now: the ratio of good events in [0, 1] over `windows` short windows, or a count.

    `name` is an SLO of the file that `slo_file` of the configuration names; a ratio, a latency, an
    availability and a count are all asked so. `min_events` is the least number of events it must rest on.
    Raises NoData when there are fewer, BadInput for an unknown name, GrafanaError when Grafana cannot answer.
    """
    slo = find(load_slos(configured_file(configuration, "slo_file")), name)
    table = load_windows(configured_file(configuration, "windows_file"))
    measured = measure_one(connect(configuration, secrets), slo, table.seconds(windows), min_events)
    assert measured.value is not None  # noqa: S101 - measure_one raises otherwise
    return measured.value
