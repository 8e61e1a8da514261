"""Errors as Grafana words them: JSON with a `message`, never a traceback."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

log = logging.getLogger(__name__)


class ApiError(Exception):
    """An answer other than success, raised by handlers and written by `error_middleware`.

    `extra` joins the body beside `message` (`status`, `error`, ...). With `message_id` the body has the
    long shape that Grafana gives to its newer errors (statusCode, messageId, extra, traceID).
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        message_id: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.message_id = message_id
        self.extra = extra or {}

    def body(self) -> dict[str, Any]:
        """Return the JSON body of this error."""
        body: dict[str, Any] = {"message": self.message, **self.extra}
        if self.message_id:
            body |= {"extra": None, "messageId": self.message_id, "statusCode": self.status, "traceID": ""}
        return body


def bad_request_data() -> ApiError:
    """Return Grafana's answer to a body that is no JSON, or has a value of the wrong type."""
    return ApiError(400, "bad request data")


def http_log() -> logging.Logger:
    """Return the logger for the HTTP protocol; it keeps back requests that are not HTTP.

    They would be quoted in the log, with the token in it.
    """
    logger = log.getChild("http")
    if _no_quotes not in logger.filters:
        logger.addFilter(_no_quotes)
    return logger


def _no_quotes(record: logging.LogRecord) -> bool:
    if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
        record.msg, record.args = "refused a request that is not HTTP", ()
        record.exc_info = None
    return True


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure into JSON; what nobody expected is logged under the trace id that the client sees."""
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response(error.body(), status=error.status)
    except web.HTTPRequestEntityTooLarge:
        return web.json_response({"message": "request body too large"}, status=413)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        # Grafana's router knows no 405.
        return web.json_response({"message": "Not found"}, status=404)
    except ConnectionResetError:
        return web.Response(status=400)  # the client has gone while it sent its body; nobody reads this
    except Exception:
        trace_id = secrets.token_hex(16)
        log.exception("%s %s failed, trace id %s", request.method, request.path, trace_id)
        return web.json_response({"message": "Internal Server Error", "traceID": trace_id}, status=500)
