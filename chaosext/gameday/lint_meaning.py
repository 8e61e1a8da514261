"""What an experiment refers to: functions and their arguments, controls, files, SLIs, alerts, placeholders."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from ..errors import ChaosextError
from ..grafana.alerts import ANY
from ..grafana.logql import log_query_problem
from ..slo.load import load_slos
from ..slo.model import Slo
from ..verification.expectations import NAME, Expectations, does_harm, parse_expectations
from .lint_structure import activities

__all__ = ["changed", "meaning", "slos_of"]

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_ACTIONS = "chaosext.kubernetes.actions"
_LOG_QUERIES = {("chaosext.grafana.probes", func) for func in ("log_count", "log_lines")}
_CONTROLS = ("chaosext.verification.control", "chaosext.report.control")
_FILES = {
    "slo_file": "../manifests/slo.yaml",
    "windows_file": "../manifests/windows.yaml",
    "app_manifest": "../manifests/app.yaml",
}


def meaning(path: Path, experiment: dict[str, Any]) -> list[str]:
    """Return what an experiment refers to and is not there, or is not what it must be; each with its place."""
    found = _files(path, experiment)
    found += _placeholders(experiment)
    for place, activity in activities(experiment):
        provider = activity.get("provider") or {}
        if provider.get("type") == "python":
            found += _function(f"{place}.provider", provider)
        if (provider.get("module"), provider.get("func")) in _LOG_QUERIES:
            found += _log_query(f"{place}.provider.arguments.query", provider)
        if provider.get("module") == _ACTIONS:
            found += _manifest(path, f"{place}.provider.arguments.path", provider)
    modules = [
        (control.get("provider") or {}).get("module", "") for control in experiment.get("controls") or []
    ]
    for index, module in enumerate(modules):
        if (problem := _import(module)[1]) is not None:
            found.append(
                f"controls.{index}.provider.module: {problem}; Chaos Toolkit only warns, and goes on without"
            )
    mine = [e for e in experiment.get("extensions") or [] if isinstance(e, dict) and e.get("name") == NAME]
    if mine or set(modules) & set(_CONTROLS):
        found += [f"controls: {module} is missing" for module in _CONTROLS if module not in modules]
        found += _rollbacks(path, experiment)
        found += _expectations(path, experiment)
    return found


def _configured(path: Path, experiment: dict[str, Any], key: str) -> Path:
    return path.parent / str((experiment.get("configuration") or {}).get(key, _FILES[key]))


def _files(path: Path, experiment: dict[str, Any]) -> list[str]:
    given = experiment.get("configuration") or {}
    return [
        f"configuration.{key}: {given[key]!r}: no such file; paths start at the experiment's folder"
        for key in _FILES
        if key in given and not _configured(path, experiment, key).is_file()
    ]


def _placeholders(experiment: dict[str, Any]) -> list[str]:
    """Find ${} that nothing resolves, and such as stand where Chaos Toolkit resolves none."""
    known = set(experiment.get("configuration") or {})
    for group in (experiment.get("secrets") or {}).values():
        known |= set(group) if isinstance(group, dict) else set()
    found = []
    for place, text in _texts(
        "", {k: v for k, v in experiment.items() if k not in {"configuration", "secrets"}}
    ):
        for name in _PLACEHOLDER.findall(text):
            if name not in known:
                found.append(f"{place}: ${{{name}}} is in neither configuration nor secrets")
            elif place.startswith("extensions.") or ".tolerance." in place or place.endswith(".tolerance"):
                found.append(f"{place}: ${{{name}}} is not resolved here: write the value")
    return found


def _texts(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _texts(f"{place}.{key}" if place else str(key), item)


def _import(module: str) -> tuple[Any, str | None]:
    try:
        return importlib.import_module(module), None
    except Exception as error:
        # A module of anybody's may fail in any way while it is imported.
        return None, f"{module!r} cannot be imported ({type(error).__name__}: {error})"


def _function(place: str, provider: dict[str, Any]) -> list[str]:
    module, problem = _import(provider["module"])
    if problem is not None:
        return [f"{place}.module: {problem}"]
    function = getattr(module, provider["func"], None)
    if not callable(function):
        return [f"{place}.func: {provider['module']} has no function {provider['func']!r}"]
    return _arguments(place, function, provider.get("arguments") or {})


def _arguments(place: str, function: Any, given: dict[str, Any]) -> list[str]:
    """Hold arguments against a function's signature: names that it lacks, that it needs, and types."""
    parameters = inspect.signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return []
    found = [
        f"{place}.arguments.{name}: {function.__name__} has no such argument"
        for name in given
        if name not in parameters
    ]
    # Chaos Toolkit fills these in itself.
    own = {"configuration", "secrets"}
    found += [
        f"{place}.arguments: {name} is missing"
        for name, p in parameters.items()
        if p.default is p.empty and p.kind is not p.VAR_POSITIONAL and name not in given and name not in own
    ]
    try:
        hints = typing.get_type_hints(function)
    except Exception:
        # Annotations of anybody's may not resolve; then nothing is said of types.
        return found
    for name, value in given.items():
        if name in hints and not (isinstance(value, str) and _PLACEHOLDER.search(value)):
            found += _type(f"{place}.arguments.{name}", hints[name], value)
    return found


def _type(place: str, hint: Any, value: Any) -> list[str]:
    try:
        TypeAdapter(hint).validate_python(value, strict=True)
    except ValidationError as error:
        return [f"{place}: {error.errors()[0]['msg']}, not {value!r}"]
    except PydanticUserError:
        return []  # a type that cannot come from JSON
    return []


def _manifest(path: Path, place: str, provider: dict[str, Any]) -> list[str]:
    given = (provider.get("arguments") or {}).get("path")
    if given is None or _PLACEHOLDER.search(str(given)) or (path.parent / str(given)).is_file():
        return []
    return [f"{place}: {given!r}: no such file; paths start at the experiment's folder"]


def _log_query(place: str, provider: dict[str, Any]) -> list[str]:
    query = (provider.get("arguments") or {}).get("query")
    if not isinstance(query, str) or _PLACEHOLDER.search(query):
        return []
    problem = log_query_problem(query)
    return [] if problem is None else [f"{place}: {problem}: {query}"]


def _rollbacks(path: Path, experiment: dict[str, Any]) -> list[str]:
    """Ask that the rollbacks always run, and that one of them reapplies the manifest that proves them."""
    found = []
    strategy = ((experiment.get("runtime") or {}).get("rollbacks") or {}).get("strategy")
    if strategy != "always":
        found.append(
            f"runtime.rollbacks.strategy: {strategy!r}; it must be 'always', or a failed run stays broken"
        )
    wanted = _configured(path, experiment, "app_manifest").resolve()
    for activity in experiment.get("rollbacks") or []:
        provider = activity.get("provider") or {}
        given = (provider.get("arguments") or {}).get("path", "")
        restores = (provider.get("module"), provider.get("func")) == (_ACTIONS, "restore_manifest")
        if restores and (path.parent / str(given)).resolve() == wanted:
            return found
    return [*found, f"rollbacks: none restores {wanted.name} (restore_manifest of {_ACTIONS})"]


def _expectations(path: Path, experiment: dict[str, Any]) -> list[str]:
    slo_file = _configured(path, experiment, "slo_file")
    try:
        expectations = parse_expectations(experiment, slos_of(slo_file, changed(slo_file)))
    except ChaosextError as error:
        return [str(error)]
    except (AttributeError, TypeError, ValueError) as error:
        return [f"extensions: {error}"]
    return [*_alerts(expectations, slo_file.parent / "observability"), *_evidence(expectations, experiment)]


def _evidence(expectations: Expectations, experiment: dict[str, Any]) -> list[str]:
    """Ask that a fault's traces or log lines are stated, in queries that Loki will not refuse."""
    place, stated = f"extensions.{NAME}.evidence", expectations.evidence
    if not stated.logs and stated.root_cause is None and does_harm(experiment):
        return [f"{place}: what logs or traces are to say of the fault is not stated"]
    return [
        f"{place}.logs.{index}.query: {problem}: {log.query}"
        for index, log in enumerate(stated.logs)
        if (problem := log_query_problem(log.query)) is not None
    ]


def _alerts(expectations: Expectations, rules: Path) -> list[str]:
    """Ask that every alert is one of the rule files beside the SLOs; nothing when there are none."""
    known: set[str] = set()
    for file in rules.rglob("*.yaml") if rules.is_dir() else []:
        known |= _alert_names(file, changed(file))
    place = f"extensions.{NAME}.alerts"
    return [
        f"{place}: no rule in {rules} is named {alert.alert!r}"
        for alert in expectations.alerts
        if known and alert.alert not in {*known, ANY}
    ]


@functools.cache
def _alert_names(file: Path, _changed: int) -> frozenset[str]:
    """Read a rule file, once for all experiments unless it changed."""
    # PyYAML's loader in C, which most builds have, takes a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.load_all(file.read_text(encoding="utf-8"), loader))
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return frozenset()
    groups = [g for d in documents if isinstance(d, dict) for g in d.get("groups") or [] if isinstance(g, dict)]
    rules = [r for g in groups for r in g.get("rules") or [] if isinstance(r, dict)]
    return frozenset(str(r["alert"]) for r in rules if "alert" in r)


@functools.cache
def slos_of(file: Path, _changed: int) -> dict[str, Slo]:
    """Read an SLO file, once for all experiments unless it changed. Raises BadInput."""
    return load_slos(file)


def changed(file: Path) -> int:
    """Return when a file was changed last; 0 when there is none."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
