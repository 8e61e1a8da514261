"""JSON merge patch (RFC 7386) and JSON patch (RFC 6902)."""

from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from lab.kube.errors import ApiError, bad_request


def merge_patch(original: Any, patch: Any) -> Any:
    """Return original with a merge patch applied: null removes a key, lists are replaced."""
    if not isinstance(patch, dict):
        return patch
    result = dict(original) if isinstance(original, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def json_patch(original: dict[str, Any], operations: Any) -> dict[str, Any]:
    """Return original with a JSON patch applied; raises ApiError 400 for what is none, 422 for a misfit."""
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    try:
        result: dict[str, Any] = jsonpatch.JsonPatch(operations).apply(original)
    except jsonpatch.InvalidJsonPatch as error:
        raise bad_request(f"invalid JSON patch: {error}") from None
    except (jsonpatch.JsonPatchException, JsonPointerException):
        # Kubernetes does not say which operation does not fit, either.
        message = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", message, {}) from None
    return result
