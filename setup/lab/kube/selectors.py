"""Label selectors (equality and set based) and field selectors, compiled to predicates over objects."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lab.kube.errors import bad_request

Predicate = Callable[[dict[str, Any]], bool]
_SET_TERM = re.compile(r"(?P<key>[^\s!=,()]+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL_TERM = re.compile(r"(?P<key>[^\s!=,()]+)\s*(?P<operator>==|!=|=)\s*(?P<value>[^\s!=,()]*)")
_EXISTS_TERM = re.compile(r"(?P<absent>!?)\s*(?P<key>[^\s!=,()]+)")
_TERM_END = re.compile(r"\s*(,|$)\s*")

_EVERY_FIELD = ("metadata.name", "metadata.namespace")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_FIELDS: dict[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": (
        *(f"involvedObject.{name}" for name in _INVOLVED),
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "replicasets": ("status.replicas",),
    "jobs": ("status.successful",),
    "services": ("spec.clusterIP", "spec.type"),
}
_ABSENT = {
    "spec.unschedulable": "false",
    "spec.hostNetwork": "false",
    "status.replicas": "0",
    "status.successful": "0",
}


@lru_cache(maxsize=512)
def labels_match(selector: str) -> Callable[[dict[str, str]], bool]:
    """Compile a label selector such as `app=a,tier in (x,y),!old`; raises ApiError 400 when it is none."""
    terms = list(_label_terms(selector))
    return lambda labels: all(term(labels) for term in terms)


def _label_terms(selector: str) -> Any:
    position = 0
    text = selector.strip()
    while position < len(text):
        for form in (_SET_TERM, _EQUAL_TERM, _EXISTS_TERM):
            match = form.match(text, position)
            end = _TERM_END.match(text, match.end()) if match else None
            if match and end:
                break
        else:
            raise bad_request(
                f"unable to parse requirement: found '{text[position:]}' in label selector {selector!r}"
            )
        yield _label_term(match)
        position = end.end()


def _label_term(match: re.Match[str]) -> Callable[[dict[str, str]], bool]:
    key = match["key"]
    if match.re is _SET_TERM:
        values = {value.strip() for value in match["values"].split(",")}
        if match["operator"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match.re is _EQUAL_TERM:
        value = match["value"]
        if match["operator"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if match["absent"]:
        return lambda labels: key not in labels
    return lambda labels: key in labels


def object_selector(selector: dict[str, Any]) -> Callable[[dict[str, str]], bool]:
    """Compile an object's own selector (matchLabels, matchExpressions) to a predicate over labels."""
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []

    def matches(labels: dict[str, str]) -> bool:
        return wanted.items() <= labels.items() and all(_expression(one, labels) for one in expressions)

    return matches


def _expression(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    value = labels.get(expression["key"])
    values = expression.get("values") or []
    return {
        "In": value is not None and value in values,
        "NotIn": value is None or value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[expression["operator"]]


def fields_match(plural: str, selector: str) -> Predicate:
    """Compile a field selector such as `status.phase!=Running`; raises ApiError 400 for unknown fields."""
    terms = [_field_term(plural, term.strip()) for term in selector.split(",") if term.strip()]
    return lambda obj: all(term(obj) for term in terms)


def _field_term(plural: str, term: str) -> Predicate:
    match = re.fullmatch(r"([^=!]+?)\s*(==|!=|=)\s*(.*)", term)
    if not match:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    field, operator, value = match.groups()
    if field not in _EVERY_FIELD and field not in _FIELDS.get(plural, ()):
        raise bad_request(f"field label not supported: {field}")
    value = re.sub(r"\\(.)", r"\1", value)
    wanted = operator != "!="
    return lambda obj: (field_value(obj, field) == value) is wanted


def field_value(obj: dict[str, Any], field: str) -> str:
    """Return a selectable field as text; empty when it is not set."""
    if field == "status.successful":
        field = "status.succeeded"
    if field == "source" and "involvedObject" in obj:
        field = "source.component"
    value: Any = obj
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return _ABSENT.get(field, "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def compile_selectors(
    plural: str, namespace: str | None, label_selector: str, field_selector: str
) -> Predicate:
    """Return one predicate for a request's namespace and selectors."""
    labels = labels_match(label_selector) if label_selector else None
    fields = fields_match(plural, field_selector) if field_selector else None

    def matches(obj: dict[str, Any]) -> bool:
        metadata = obj["metadata"]
        if namespace and metadata.get("namespace") != namespace:
            return False
        if labels and not labels(metadata.get("labels") or {}):
            return False
        return fields is None or fields(obj)

    return matches
