"""Reads Terraform files and compares them with what the providers document (schema/).

An excerpt of a provider's schema has the form of `terraform providers schema -json`: attributes (type; whether
required, optional or computed) and block_types (nesting mode, items at least and at most, block).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2

SCHEMAS = Path(__file__).parent / "schema"
# What Terraform itself takes in every resource and data source.
_META = {"alias", "provider", "for_each", "count", "depends_on", "lifecycle", "dynamic"}
_KINDS = {"string": (str, int, float), "number": (int, float), "bool": (bool,)}
_REFERENCE = re.compile(
    r"(?<![\w.\"/-])(?:(?P<simple>var|local)|(?P<data>data\.)?(?P<type>(?:google|grafana|helm|kubernetes)_\w+))"
    r"\.(?P<name>[a-z_]\w*)(?:\[[^\]]*\])?(?:\.(?P<attribute>[a-z_]\w*))?"
)


def schemas() -> dict[str, dict[str, Any]]:
    """Return each provider's schema by the provider's name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.json"))}


@dataclass
class Configuration:
    """The Terraform files of a folder, as python-hcl2 reads them, and their text without comments."""

    blocks: list[tuple[str, tuple[str, ...], dict[str, Any]]]
    text: str

    @classmethod
    def read(cls, *texts: str) -> Configuration:
        """Read files' texts. Raises what python-hcl2 raises for a wrong one."""
        blocks = []
        for text in texts:
            for kind, bodies in hcl2.loads(text).items():
                blocks += [(kind, *_labelled(body)) for body in bodies if not kind.startswith("__")]
        return cls(blocks, "\n".join(_without_comments(text) for text in texts))

    @classmethod
    def of(cls, folder: Path) -> Configuration:
        """Read the .tf files of a folder."""
        return cls.read(*(path.read_text() for path in sorted(folder.glob("*.tf"))))

    def named(self, kind: str) -> dict[tuple[str, ...], dict[str, Any]]:
        """Return the blocks of a kind by their labels."""
        return {labels: body for found, labels, body in self.blocks if found == kind}

    def providers(self) -> dict[str, dict[str, str]]:
        """Return the required providers: source and version by name."""
        found = [body for kind, _, body in self.blocks if kind == "terraform"]
        return {
            name: {key: _unquoted(value) for key, value in entry.items()}
            for body in found
            for block in body["required_providers"]
            for name, entry in block.items()
            if isinstance(entry, dict)
        }

    def wrong(self) -> list[str]:
        """Return every unknown, missing or undeclared thing, a line each."""
        return [*self._wrong_blocks(), *self._wrong_references()]

    def _wrong_blocks(self) -> Iterator[str]:
        declared, known = self.providers(), schemas()
        for kind, labels, body in self.blocks:
            if kind == "provider":
                place, block = f"provider {labels[0]}", known.get(labels[0], {}).get("provider")
                provider = labels[0]
            elif kind in {"resource", "data"}:
                provider, place = labels[0].partition("_")[0], ".".join(labels)
                part = "resources" if kind == "resource" else "data_sources"
                block = known.get(provider, {}).get(part, {}).get(labels[0])
            else:
                continue
            if provider not in declared:
                yield f"{place}: the provider {provider} is not declared"
            elif block is None:
                yield f"{place}: not in the excerpt of the provider's documentation"
            else:
                yield from _wrong_body(place, body, block)

    def _wrong_references(self) -> Iterator[str]:
        declared = {"var": self.named("variable"), "local": {}}
        declared["local"] = {(n,): {} for kind, _, body in self.blocks if kind == "locals" for n in body}
        parts = {"resource": "resources", "data": "data_sources"}
        for match in sorted(set(_REFERENCE.finditer(self.text)), key=lambda m: m.start()):
            if simple := match["simple"]:
                if (match["name"],) not in declared[simple]:
                    yield f"{simple}.{match['name']} is not declared"
                continue
            kind = "data" if match["data"] else "resource"
            where = f"{match['data'] or ''}{match['type']}.{match['name']}"
            if (match["type"], match["name"]) not in self.named(kind):
                yield f"{where} is not declared"
            elif attribute := match["attribute"]:
                block = schemas()[match["type"].partition("_")[0]][parts[kind]].get(match["type"], {})
                if attribute not in {**block.get("attributes", {}), **block.get("block_types", {})}:
                    yield f"{where} has no {attribute}"


def _wrong_body(place: str, body: dict[str, Any], block: dict[str, Any]) -> Iterator[str]:
    attributes, nested = block.get("attributes", {}), block.get("block_types", {})
    given = {key for key in body if not key.startswith("__")}
    for key in sorted(given - _META - attributes.keys() - nested.keys()):
        yield f"{place}: no argument {key}"
    for key in sorted(given & attributes.keys()):
        schema = attributes[key]
        if not schema.get("required") and not schema.get("optional"):
            yield f"{place}: {key} can only be read"
        elif not _fits(body[key], schema):
            yield f"{place}: {key} is {body[key]!r}, and should be {schema.get('type', 'an object')}"
    for key, schema in attributes.items():
        if schema.get("required") and key not in given:
            yield f"{place}: {key} is missing"
    yield from _wrong_nested(place, body, nested)


def _wrong_nested(place: str, body: dict[str, Any], nested: dict[str, Any]) -> Iterator[str]:
    blocks = {key: list(body[key]) for key in body if key in nested}
    for dynamic in body.get("dynamic", []):
        for label, inner in dynamic.items():
            blocks.setdefault(_unquoted(label), []).extend(inner["content"])
    for key, schema in nested.items():
        found = blocks.pop(key, [])
        if len(found) < schema.get("min_items", 0):
            yield f"{place}: block {key} is missing"
        if len(found) > schema.get("max_items", len(found)):
            yield f"{place}: {len(found)} blocks {key}, of at most {schema['max_items']}"
        for inner in found:
            yield from _wrong_body(f"{place}.{key}", inner, schema["block"])
    for key in blocks:
        yield f"{place}: no block {key}"


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    """Tell whether a value as it is written can be of an attribute's type; expressions can be of any."""
    if isinstance(value, str) and not value.startswith('"'):
        return True
    if "nested_type" in schema:
        return (
            isinstance(value, dict)
            and value.keys() - {"__is_block__"} <= schema["nested_type"]["attributes"].keys()
        )
    kind = schema["type"]
    if kind == "dynamic":
        return True
    if isinstance(kind, list):
        return isinstance(value, dict if kind[0] in {"map", "object"} else list)
    return isinstance(value, _KINDS[kind]) and (kind == "bool" or not isinstance(value, bool))


def _labelled(body: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    labels: tuple[str, ...] = ()
    while len(body) == 1 and (label := next(iter(body))).startswith('"'):
        labels, body = (*labels, _unquoted(label)), body[label]
    return labels, body


def _unquoted(value: Any) -> Any:
    return value[1:-1] if isinstance(value, str) and value.startswith('"') else value


def _without_comments(text: str) -> str:
    return "\n".join(re.sub(r"(^|\s)#.*", "", line) for line in text.splitlines())
