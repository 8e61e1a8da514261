"""Reading what callers send: JSON bodies and the session's id, refused with a clear 400."""

import json
import re
from typing import Any

from aiohttp import web

from shop.problems import Problem

SESSION_HEADER = "X-Session-Id"
MAX_QUANTITY = 99

_BAD_REQUEST = 400
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_PRODUCT_ID = re.compile(r"[a-z0-9-]{1,64}")


def refuse(code: str, message: str) -> Problem:
    """Return the problem that answers 400."""
    return Problem(_BAD_REQUEST, code, message)


async def json_object(request: web.Request) -> dict[str, Any]:
    """Return the body, which must be a JSON object; raises Problem otherwise."""
    try:
        value = json.loads(await request.read())
    except (ValueError, RecursionError):
        # The parser's words may quote the body, so they go no further.
        raise refuse("invalid_json", "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise refuse("invalid_json", "The body is not a JSON object.")
    return value


def session_id(request: web.Request) -> str:
    """Return the session's id, which web-gateway sets; raises Problem if it is missing or malformed."""
    value = request.headers.get(SESSION_HEADER, "")
    if not _SESSION_ID.fullmatch(value):
        raise refuse("invalid_session", f"The header {SESSION_HEADER} is missing or malformed.")
    return value


def product_id(value: object) -> str:
    """Return a product's id (lower-case words and dashes); raises Problem for anything else."""
    if not isinstance(value, str) or not _PRODUCT_ID.fullmatch(value):
        raise refuse("invalid_product", "A product id is made of lower-case letters, digits and dashes.")
    return value


def quantity(value: object) -> int:
    """Return a quantity from 1 to MAX_QUANTITY; raises Problem for anything else (true is no number)."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_QUANTITY:
        raise refuse("invalid_quantity", f"A quantity is a whole number from 1 to {MAX_QUANTITY}.")
    return value
