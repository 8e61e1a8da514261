"""What a request wants to do, in the words of roles: a verb on a resource, or on a path."""

from collections.abc import Mapping
from dataclasses import dataclass

_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_NAMESPACE_PARTS = ("status", "finalize")
_TRUE = ("1", "true", "True")


@dataclass(frozen=True, slots=True)
class Attributes:
    """One thing to be allowed or not; without a resource it is about the path.

    As in Kubernetes, a Namespace lies in itself: a Role there may allow to read it.
    """

    verb: str
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


def attributes_of(method: str, path: str, query: Mapping[str, str]) -> Attributes:
    """Read a request line as k8s.io/apiserver's RequestInfo does; empty parts of the path do not count."""
    parts = [part for part in path.split("/") if part]
    group, rest = "", parts[2:]
    if parts[:1] == ["apis"]:
        group, rest = "".join(parts[1:2]), parts[3:]
    if parts[:1] not in (["api"], ["apis"]) or not rest:
        return Attributes(method.lower(), path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _NAMESPACE_PARTS:  # noqa: PLR2004 - namespaces/NAME/plural
            rest = rest[2:]
    resource, name, subresource = [*rest, "", ""][:3]
    verb = _VERBS.get(method, method.lower())
    if not name and verb in ("get", "delete"):
        name, verb = _of_collection(verb, query)
    return Attributes(verb, path, group, resource, subresource, namespace, name)


def _of_collection(verb: str, query: Mapping[str, str]) -> tuple[str, str]:
    """Return the name and the verb: a list of the one object of a name counts as that object."""
    if verb == "delete":
        return "", "deletecollection"
    terms = [term.partition("=") for term in query.get("fieldSelector", "").replace("==", "=").split(",")]
    named = next((value for key, _, value in terms if key.strip() == "metadata.name"), "")
    return named.strip(), "watch" if query.get("watch") in _TRUE else "list"
