"""Reading request bodies and query strings, as strictly or as leniently as Grafana does.

Grafana decodes a body into typed Go structures, so a number where a string belongs (or 1.5 where a whole
number belongs) is "bad request data", and null is the zero value. Query parameters that do not parse count
as absent.
"""

from __future__ import annotations

import json
import math
from typing import Any

from aiohttp import web

from .errors import bad_request_data


async def json_object(request: web.Request) -> dict[str, Any]:
    """Return the body as a JSON object; raises ApiError (400) when it is none."""
    raw = await request.read()
    try:
        body = json.loads(raw.decode(), parse_constant=_refuse, parse_float=_finite)
        if b"\\ud" in raw.lower():  # half of a surrogate pair cannot be stored or sent; Go replaces it, too
            body = json.loads(json.dumps(body, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        raise bad_request_data() from None
    if not isinstance(body, dict):
        raise bad_request_data()
    return body


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is out of range")
    return value


def text(body: dict[str, Any], key: str) -> str:
    """Return the string at `key`, "" when it is absent or null; raises ApiError (400) on another type."""
    value = body.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad_request_data()
    return value


def whole(body: dict[str, Any], key: str) -> int:
    """Return the whole number at `key`, 0 when it is absent or null; raises ApiError (400) otherwise.

    1.0 is refused as well: Go's decoder takes no decimal point for an int64.
    """
    value = body.get(key)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 63:
        raise bad_request_data()
    return value


def flag(body: dict[str, Any], key: str) -> bool:
    """Return the boolean at `key`, False when it is absent or null; raises ApiError (400) otherwise."""
    value = body.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise bad_request_data()
    return value


def texts(body: dict[str, Any], key: str) -> list[str] | None:
    """Return the list of strings at `key`, None when it is absent or null; raises ApiError (400) otherwise."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_request_data()
    return value


def mapping(body: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Return the object at `key`, None when it is absent or null; raises ApiError (400) otherwise."""
    value = body.get(key)
    if value is not None and not isinstance(value, dict):
        raise bad_request_data()
    return value


def whole_parameter(request: web.Request, key: str) -> int:
    """Return the query parameter `key` as a whole number, 0 when it is absent or no such number."""
    try:
        value = int(request.query.get(key, ""))
    except ValueError:
        return 0
    return value if abs(value) < 1 << 63 else 0
