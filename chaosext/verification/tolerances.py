"""The steady-state hypothesis on SLIs, read from an experiment's probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ..environment import validation_line
from ..errors import BadInput
from ..result import Tolerance

__all__ = ["parse_tolerances", "unsteady"]

_PROBE_MODULE, _PROBE_FUNCTION = "chaosext.slo.probes", "sli"


def parse_tolerances(experiment: dict[str, Any]) -> dict[str, Tolerance]:
    """Return the tolerance of every SLI that the steady-state hypothesis asks for.

    Raises BadInput when a probe of an SLI has no range as its tolerance.
    """
    found: dict[str, Tolerance] = {}
    for probe in (experiment.get("steady-state-hypothesis") or {}).get("probes") or []:
        provider = probe.get("provider") or {}
        if (provider.get("module"), provider.get("func")) != (_PROBE_MODULE, _PROBE_FUNCTION):
            continue
        arguments = provider.get("arguments") or {}
        low, high = _range(probe)
        if not isinstance(arguments.get("name"), str):
            raise BadInput(f"probe {probe.get('name')!r}: arguments: name is missing: which SLI?")
        if arguments["name"] in found:
            raise BadInput(f"probe {probe.get('name')!r}: another probe asks for {arguments['name']} already")
        try:
            found[str(arguments["name"])] = Tolerance(
                low=low, high=high, min_events=arguments.get("min_events", 1)
            )
        except ValidationError as error:
            raise BadInput(f"probe {probe.get('name')!r}: arguments: {validation_line(error)}") from error
    return found


def unsteady(
    tolerances: Mapping[str, Tolerance], values: Mapping[str, float | None], missing: Mapping[str, str]
) -> str | None:
    """Say the first SLI that has no data or lies outside its tolerance; None: the steady state holds.

    `values` and `missing`, why there is no data, are by the SLI's name.
    """
    for name, tolerance in tolerances.items():
        value = values.get(name)
        if value is None:
            return f"{name} has no data ({missing.get(name)})"
        if not tolerance.holds(value):
            return f"{name} is {value:.4g}, outside {tolerance.low:g} to {tolerance.high:g}"
    return None


def _range(probe: dict[str, Any]) -> tuple[float, float]:
    tolerance = probe.get("tolerance")
    bounds = tolerance.get("range") if isinstance(tolerance, dict) else tolerance
    if not isinstance(bounds, list) or len(bounds) != 2 or not all(_is_number(b) for b in bounds):  # noqa: PLR2004
        raise BadInput(
            f"probe {probe.get('name')!r}: tolerance must be a range of numbers, such as "
            '{"type": "range", "range": [0.95, 1.0]}'
        )
    return float(bounds[0]), float(bounds[1])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
