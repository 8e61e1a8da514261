"""Reads Kubernetes manifests; says file, document and field when one is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import BadInput
from ..yamlfile import read_documents

__all__ = ["load_manifest", "namespaces"]


def load_manifest(path: Path) -> list[dict[str, Any]]:
    """Return a manifest's documents in order.

    Every document needs apiVersion, kind and a name, and all but a Namespace a namespace of their own: a
    default would let one file touch whatever a kubeconfig happens to point at. Raises BadInput.
    """
    documents = read_documents(path)
    if not documents:
        raise BadInput(f"{path}: no Kubernetes object in this file")
    for index, document in enumerate(documents, start=1):
        if (wrong := _wrong(document)) is not None:
            raise BadInput(f"{path}: document {index}: {wrong}")
    return documents


def namespaces(documents: list[dict[str, Any]]) -> list[str]:
    """Return the namespaces that documents lie in, or are, each once."""
    found = [
        d["metadata"]["name"] if d["kind"] == "Namespace" else d["metadata"]["namespace"] for d in documents
    ]
    return list(dict.fromkeys(found))


def _wrong(document: Any) -> str | None:
    if not isinstance(document, dict):
        return "not an object"
    for field in ("apiVersion", "kind"):
        if not isinstance(document.get(field), str):
            return f"{field} is missing: not a Kubernetes object"
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return f"{document['kind']} without metadata.name"
    if document["kind"] != "Namespace" and not isinstance(metadata.get("namespace"), str):
        return f"{document['kind']} {metadata['name']} without metadata.namespace: name the one it belongs to"
    return None
