"""What a verification needs to know before a run: files, clients, expectations. All bad input is met here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..environment import Windows, load_windows
from ..grafana.client import Grafana, connect
from ..kubernetes.manifests import load_manifest
from ..result import Tolerance
from ..run import resolve
from ..slo.load import load_slos
from ..slo.model import Slo
from .expectations import Expectations, parse_expectations, parse_tolerances

__all__ = ["Settings", "load_settings"]


@dataclass(frozen=True)
class Settings:
    """The checked inputs of a verification."""

    windows: Windows
    slos: dict[str, Slo]
    tolerances: dict[str, Tolerance]
    expectations: Expectations
    manifest: list[dict[str, Any]]
    grafana: Grafana
    sampling_grafana: Grafana


def load_settings(
    experiment: dict[str, Any], configuration: dict[str, Any] | None, secrets: dict[str, Any] | None
) -> Settings:
    """Load and check everything; raises BadInput with one line at the first thing that is wrong."""
    given = configuration or {}

    def file(key: str, default: str) -> Path:
        return resolve(str(given.get(key, default)))

    slos = load_slos(file("slo_file", "../manifests/slo.yaml"))
    return Settings(
        windows=load_windows(file("windows_file", "../manifests/windows.yaml")),
        slos=slos,
        tolerances=parse_tolerances(experiment),
        expectations=parse_expectations(experiment, slos),
        manifest=load_manifest(file("app_manifest", "../manifests/app.yaml")),
        grafana=connect(configuration, secrets),
        # requests.Session is not safe to share: the sampler's thread has a client of its own.
        sampling_grafana=connect(configuration, secrets),
    )
