"""What the API answers when it says no: a Kubernetes Status, with Kubernetes' words.

ApiError, with one constructor a reason: bad_request 400, unauthorized 401, forbidden 403, not_found 404,
method_not_allowed 405, already_exists 409, conflict 409, expired 410, unsupported_media_type 415, invalid 422.
"""

from dataclasses import dataclass
from typing import Any


class ApiError(Exception):
    """A request that the API refuses; to_status() is the body of the answer."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: dict[str, Any] | None = None,
        metadata: dict[str, str] | None = None,
    ):
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.metadata = metadata or {}

    def to_status(self) -> dict[str, Any]:
        """Return the error as a Kubernetes Status object."""
        status: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": self.metadata}
        status["status"] = "Failure"
        status["message"] = self.message
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        return status | {"code": self.code}


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing wrong with an object: where, and what in Kubernetes' words."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def required(field: str, why: str = "") -> Cause:
    """Say that a value is missing."""
    return Cause(field, "Required value" + (f": {why}" if why else ""), "FieldValueRequired")


def invalid_value(field: str, value: Any, why: str) -> Cause:
    """Say that a value does not do, and why."""
    return Cause(field, f"Invalid value: {quote(value)}: {why}")


def not_supported(field: str, value: Any, supported: tuple[str, ...]) -> Cause:
    """Say that a value is none of those that are possible."""
    choices = ", ".join(f'"{choice}"' for choice in sorted(supported))
    message = f"Unsupported value: {quote(value)}: supported values: {choices}"
    return Cause(field, message, "FieldValueNotSupported")


def forbidden_value(field: str, why: str) -> Cause:
    """Say that a value must not be given."""
    return Cause(field, f"Forbidden: {why}", "FieldValueForbidden")


def duplicate(field: str, value: Any) -> Cause:
    """Say that a list holds the value twice."""
    return Cause(field, f"Duplicate value: {quote(value)}", "FieldValueDuplicate")


def quote(value: Any) -> str:
    """Write a value as Go's field errors do: text in quotes, numbers bare, maps compactly."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{" + ",".join(f'"{key}":{quote(item)}' for key, item in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(quote(item) for item in value) + "]"
    return str(value)


def qualified(name: str, group: str) -> str:
    """Write a resource or kind with its group, as in `deployments.apps`."""
    return f"{name}.{group}" if group else name


def _details(name: str, group: str, kind: str) -> dict[str, Any]:
    details = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in details.items() if value}


def bad_request(message: str) -> ApiError:
    """Make the answer to a request that cannot be understood."""
    return ApiError(400, "BadRequest", message)


def forbidden(message: str, details: dict[str, Any] | None = None) -> ApiError:
    """Make the answer to somebody who may not do this."""
    return ApiError(403, "Forbidden", message, details)


def not_found(plural: str, group: str, name: str) -> ApiError:
    """Make the answer when there is no such object."""
    message = f'{qualified(plural, group)} "{name}" not found'
    return ApiError(404, "NotFound", message, _details(name, group, plural))


def already_exists(plural: str, group: str, name: str) -> ApiError:
    """Make the answer when the name is taken."""
    message = f'{qualified(plural, group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(name, group, plural))


def conflict(plural: str, group: str, name: str, why: str) -> ApiError:
    """Make the answer when the object is no longer what the caller thinks."""
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(name, group, plural))


def expired(message: str, metadata: dict[str, str] | None = None) -> ApiError:
    """Make the answer when the history does not go back that far; metadata tells how to go on."""
    return ApiError(410, "Expired", message, metadata=metadata)


def invalid(kind: str, group: str, name: str, causes: list[Cause]) -> ApiError:
    """Make the answer for an object that breaks rules, with each of them."""
    text = str(causes[0]) if len(causes) == 1 else "[" + ", ".join(map(str, causes)) + "]"
    details = _details(name, group, kind)
    details["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    return ApiError(422, "Invalid", f'{qualified(kind, group)} "{name}" is invalid: {text}', details)
