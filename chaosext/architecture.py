"""The system's components, who calls whom, and which SLIs tell how each one is doing: architecture.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .environment import validation_line
from .errors import BadInput
from .yamlfile import read_document

__all__ = ["Architecture", "Component", "Edge", "load_architecture"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Component(_Strict):
    """One component: its place in a drawing (column and row from 0), and the SLIs that blame it.

    `dashboard` is the uid of one that says more of it than the architecture's `detail`; `variables` are its.
    """

    name: str = Field(min_length=1)
    title: str = Field(min_length=1)
    kind: Literal["users", "service", "store"] = "service"
    column: int = Field(ge=0, le=20)
    row: float = Field(ge=0, le=40)
    slis: list[str]
    dashboard: str = ""
    variables: dict[str, str] = {}


class Edge(_Strict):
    """One component calls another."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")


class Architecture(_Strict):
    """The components and their calls; `overview` and `detail` are the uids of Grafana's dashboards for them."""

    overview: str = ""
    detail: str = ""
    components: list[Component] = Field(min_length=1)
    edges: list[Edge] = []

    def leads_to(self, name: str) -> tuple[str, dict[str, str]]:
        """Return the uid of the dashboard that a component leads to, "" for none, and its variables."""
        own = next((one for one in self.components if one.name == name and one.dashboard), None)
        return (own.dashboard, own.variables) if own else (self.detail, {"workload": name})

    @model_validator(mode="after")
    def _known_names(self) -> Architecture:
        names = [c.name for c in self.components]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"components: {twice[0]} is named twice")
        for edge in self.edges:
            for end in (edge.source, edge.target):
                if end not in names:
                    raise ValueError(f"edges: no component is named {end!r}")
        return self


def load_architecture(path: Path, slis: set[str] | None = None) -> Architecture:
    """Read an architecture file.

    Raises BadInput for a file that cannot be read or is wrong; with `slis`, also for an SLI that is not among
    them.
    """
    try:
        found = Architecture.model_validate(read_document(path))
    except ValidationError as error:
        raise BadInput(f"{path}: {validation_line(error)}") from error
    for component in found.components if slis is not None else []:
        if unknown := sorted(set(component.slis) - (slis or set())):
            raise BadInput(f"{path}: components.{component.name}: unknown SLI {unknown[0]!r}")
    return found
