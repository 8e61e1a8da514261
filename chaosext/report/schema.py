"""The JSON Schema of verification.json, made from the model that writes it.

python -m chaosext.report.schema      writes verification.schema.json beside this module
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic.json_schema import models_json_schema

from ..result import Verification

__all__ = ["SCHEMA_FILE", "schema_text"]

SCHEMA_FILE = Path(__file__).with_name("verification.schema.json")


def schema_text() -> str:
    """Return the schema as the file holds it."""
    _, definitions = models_json_schema([(Verification, "serialization")], title="verification.json")
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **definitions,
        "$ref": "#/$defs/Verification",
    }
    return json.dumps(whole, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
