"""The structure of an experiment: keys that Chaos Toolkit does not know, and shapes that it trips over.

Chaos Toolkit takes an unknown key (`rolbacks`, `backgroud`) without a word, and a strategy that it does not
know for "never". Keys: https://chaostoolkit.org/reference/api/experiment/ and chaoslib's sources (1.44).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["activities", "structure"]

_TOP = {
    *("title", "description", "version", "tags", "contributions", "configuration", "secrets", "runtime"),
    *("controls", "steady-state-hypothesis", "method", "rollbacks", "extensions", "dry"),
}
_ACTIVITY = {
    *("type", "name", "ref", "provider", "tolerance", "background", "pauses", "controls", "timeout", "dry"),
}
_PROVIDER: dict[str, tuple[set[str], set[str]]] = {
    "python": ({"module", "func"}, {"arguments", "secrets", "configuration"}),
    "process": ({"path"}, {"arguments", "timeout", "secrets"}),
    "http": (
        {"url"},
        {
            "method",
            "headers",
            "arguments",
            "timeout",
            "verify_tls",
            "max_retries",
            "expected_status",
            "secrets",
        },
    ),
}
_STRATEGIES = {
    "hypothesis": {
        *("default", "before-method-only", "after-method-only", "during-method-only", "continuously", "skip"),
    },
    "rollbacks": {"default", "always", "never", "deviated"},
}
_RUNTIME = {"hypothesis": {"strategy", "fail_fast", "frequency"}, "rollbacks": {"strategy"}}


def activities(experiment: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield every activity of a structurally sound experiment, with its place."""
    hypothesis = experiment.get("steady-state-hypothesis") or {}
    for place, items in (
        ("steady-state-hypothesis.probes", hypothesis.get("probes") or []),
        ("method", experiment.get("method") or []),
        ("rollbacks", experiment.get("rollbacks") or []),
    ):
        for index, activity in enumerate(items):
            yield f"{place}.{index}", activity


def structure(experiment: dict[str, Any]) -> list[str]:
    """Return what is wrong in the structure, each with its place."""
    found = _unknown("", experiment, _TOP)
    for key, shape in (
        *((key, dict) for key in ("configuration", "secrets", "runtime", "steady-state-hypothesis")),
        *((key, list) for key in ("controls", "method", "rollbacks", "extensions", "tags")),
    ):
        if key in experiment and not isinstance(experiment[key], shape):
            found.append(f"{key}: {'an object' if shape is dict else 'a list'} is expected")
    if found:
        return found
    hypothesis = experiment.get("steady-state-hypothesis", {})
    found += _unknown("steady-state-hypothesis", hypothesis, {"title", "probes", "controls"})
    if not isinstance(hypothesis.get("probes", []), list):
        return [*found, "steady-state-hypothesis.probes: a list is expected"]
    found += _runtime(experiment.get("runtime", {}))
    for place, activity in activities(experiment):
        found += _object(place, activity, _activity)
    for index, control in enumerate(experiment.get("controls", [])):
        found += _object(f"controls.{index}", control, _control)
    return found


def _runtime(runtime: dict[str, Any]) -> list[str]:
    found = _unknown("runtime", runtime, set(_RUNTIME))
    for part, keys in _RUNTIME.items():
        place, block = f"runtime.{part}", runtime.get(part, {})
        if not isinstance(block, dict):
            found.append(f"{place}: an object is expected")
            continue
        found += _unknown(place, block, keys)
        strategy = block.get("strategy", "default")
        if strategy not in _STRATEGIES[part]:
            found.append(f"{place}.strategy: {strategy!r} is none of {', '.join(sorted(_STRATEGIES[part]))}")
    return found


def _activity(place: str, activity: dict[str, Any]) -> list[str]:
    found = _unknown(place, activity, _ACTIVITY)
    if "ref" in activity:
        return found
    if activity.get("type") not in {"action", "probe"}:
        found.append(f"{place}.type: {activity.get('type')!r} is neither 'action' nor 'probe'")
    if not isinstance(activity.get("background", False), bool):
        found.append(f"{place}.background: true or false is expected")
    pauses = activity.get("pauses", {})
    if not isinstance(pauses, dict):
        found.append(f"{place}.pauses: an object with before and after is expected")
    else:
        found += _unknown(f"{place}.pauses", pauses, {"before", "after"})
    if place.startswith("steady-state") and "tolerance" not in activity:
        found.append(f"{place}: a probe of the hypothesis needs a tolerance")
    for index, control in enumerate(activity.get("controls") or []):
        found += _object(f"{place}.controls.{index}", control, _control)
    return found + _object(f"{place}.provider", activity.get("provider"), _provider)


def _control(place: str, control: dict[str, Any]) -> list[str]:
    found = _unknown(place, control, {"name", "provider", "scope", "automatic"})
    provider = control.get("provider")
    if not isinstance(provider, dict) or not isinstance(provider.get("module"), str):
        return [*found, f"{place}.provider: an object with type and module is expected"]
    return found + _unknown(f"{place}.provider", provider, {"type", "module", "arguments", "secrets"})


def _provider(place: str, provider: dict[str, Any]) -> list[str]:
    kind = provider.get("type")
    if not isinstance(kind, str) or kind not in _PROVIDER:
        return [f"{place}.type: {kind!r} is none of {', '.join(_PROVIDER)}"]
    needed, optional = _PROVIDER[kind]
    found = _unknown(place, provider, {"type", *needed, *optional})
    found += [
        f"{place}.{key}: text is expected" for key in sorted(needed) if not isinstance(provider.get(key), str)
    ]
    if kind == "python" and not isinstance(provider.get("arguments", {}), dict):
        found.append(f"{place}.arguments: an object is expected")
    return found


def _object(place: str, value: Any, check: Callable[[str, dict[str, Any]], list[str]]) -> list[str]:
    return check(place, value) if isinstance(value, dict) else [f"{place}: an object is expected"]


def _unknown(place: str, value: dict[str, Any], known: set[str]) -> list[str]:
    """Name the keys that nobody reads, and what may have been meant."""
    found = []
    for key in value:
        if key not in known and not key.startswith("x-"):
            close = difflib.get_close_matches(key, known, 1)
            meant = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"
            found.append(f"{f'{place}.' if place else ''}{key}: unknown key, which is ignored{meant}")
    return found
