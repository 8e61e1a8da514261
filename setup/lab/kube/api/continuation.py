"""The tokens by which a list is continued: of which version it is, and what was shown last.

In the form of k8s.io/apiserver's storage/continue.go: unpadded base64 of {"v", "rv", "start"}.
"""

import base64
import binascii
import json

from lab.kube.errors import ApiError, bad_request, expired
from lab.kube.meta import Key

LATEST = -1
"""The version of a list that goes on although its own version is forgotten."""
_FORM = "meta.k8s.io/v1"
_INVALID = "continue key is not valid"
_TOO_OLD = "The resourceVersion for the provided list is too old."
_INCONSISTENT = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list"
    " without the continue parameter, or use the continue token in this response to retrieve the remainder"
    " of the results. Continuing with the provided token results in an inconsistent list - objects that were"
    " created, modified, or deleted between the time the first chunk was returned and now may show up in"
    " the list."
)


def encode(version: int, last: Key) -> str:
    """Return the token of the page that begins behind an object."""
    namespace, name = last
    content = {"v": _FORM, "rv": version, "start": f"{namespace}/{name}\0" if namespace else f"{name}\0"}
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def decode(token: str) -> tuple[int, Key]:
    """Return a token's version, and the object behind which its page begins; raises ApiError 400."""
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, start = int(content["rv"]), str(content["start"])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise bad_request(f"{_INVALID}: {error}") from None
    if content.get("v") != _FORM:
        raise bad_request(f"{_INVALID}: server does not recognize this encoded version {content.get('v')}")
    if not version or not start:
        what = "start key empty" if version else "start resourceVersion"
        raise bad_request(f"{_INVALID}: incorrect encoded {what} (version {_FORM})")
    namespace, _, name = start.rstrip("\0").rpartition("/")
    return version, (namespace, name)


def too_late(error: ApiError, start: Key | None) -> ApiError:
    """Make the answer to a list of a version that is forgotten; a page's has the token to go on with."""
    if error.reason != "Expired":
        return error
    if start is None:
        return expired(_TOO_OLD)
    return expired(_INCONSISTENT, {"continue": encode(LATEST, start)})
