"""Reads YAML that people write; whatever is wrong with a file is one line that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .errors import BadInput

__all__ = ["read_document", "read_documents"]


def read_documents(path: Path) -> list[Any]:
    """Return the documents of a YAML file that are not empty. Raises BadInput when it cannot be read."""
    try:
        return [d for d in yaml.safe_load_all(path.read_text(encoding="utf-8")) if d is not None]
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    except RecursionError as error:
        raise BadInput(f"{path}: not YAML that can be read: it is nested too deeply") from error
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError) as error:
        # PyYAML lets errors of Python's own pass for scalars that are not what their tag says.
        raise BadInput(f"{path}: not YAML: {' '.join(str(error).split())}") from error


def read_document(path: Path) -> Any:
    """Return a YAML file's only document, None when it is empty. Raises BadInput, also for several of them."""
    documents = read_documents(path)
    if len(documents) > 1:
        raise BadInput(f"{path}: one YAML document is expected, and there are {len(documents)}")
    return documents[0] if documents else None
