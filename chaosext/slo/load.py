"""Reads an OpenSLO file; says file, object and field when it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..environment import validation_line
from ..errors import BadInput
from ..yamlfile import read_documents
from .model import Service, Slo

__all__ = ["find", "load_slos"]

_KINDS: dict[str, type[Service | Slo]] = {"Service": Service, "SLO": Slo}


def load_slos(path: Path) -> dict[str, Slo]:
    """Return the SLOs of a file by name, in the file's order.

    Raises BadInput for a file that cannot be read, is not OpenSLO v1, names an SLO twice, or refers to a
    Service that it lacks.
    """
    slos: dict[str, Slo] = {}
    services: set[str] = set()
    for index, document in enumerate(read_documents(path), start=1):
        parsed = _parse(path, index, document)
        name = parsed.metadata.name
        if isinstance(parsed, Service):
            services.add(name)
        elif name in slos:
            raise BadInput(f"{path}: SLO {name} is defined twice")
        else:
            slos[name] = parsed
    for name, slo in slos.items():
        if slo.spec.service not in services:
            raise BadInput(f"{path}: SLO {name}: spec.service: no Service named {slo.spec.service!r} here")
    if not slos:
        raise BadInput(f"{path}: no SLO in this file")
    return slos


def find(slos: dict[str, Slo], name: str) -> Slo:
    """Return an SLO by name; raises BadInput that lists the names when there is none."""
    if name not in slos:
        raise BadInput(f"unknown SLI {name!r}: the SLO file has {', '.join(slos)}")
    return slos[name]


def _parse(path: Path, index: int, document: Any) -> Service | Slo:
    if not isinstance(document, dict):
        raise BadInput(f"{path}: document {index} is not an object")
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise BadInput(f"{path}: document {index}: kind {kind!r} is not one of {', '.join(_KINDS)}")
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    try:
        return _KINDS[kind].model_validate(document)
    except ValidationError as error:
        raise BadInput(f"{path}: {kind} {name or f'in document {index}'}: {validation_line(error)}") from error
