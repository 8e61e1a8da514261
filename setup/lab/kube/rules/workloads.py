"""Validation of Deployments, ReplicaSets and Jobs."""

import re
from typing import Any

from lab.kube.errors import Cause, forbidden_value, invalid_value, not_supported, required
from lab.kube.rules import names
from lab.kube.rules.pod_validation import check_pod_spec
from lab.kube.selectors import object_selector

Json = dict[str, Any]
_NOT_NEGATIVE = "must be greater than or equal to 0"
_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")


def check_deployment(new: Json, old: Json | None) -> list[Cause]:
    """Check a Deployment."""
    spec = new["spec"]
    causes = _check_counts(
        spec, ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    )
    causes += _check_strategy(spec["strategy"])
    if spec["progressDeadlineSeconds"] <= spec.get("minReadySeconds", 0):
        why = "must be greater than minReadySeconds"
        causes.append(invalid_value("spec.progressDeadlineSeconds", spec["progressDeadlineSeconds"], why))
    return causes + _check_template(spec, old, ("Always",))


def check_replica_set(new: Json, old: Json | None) -> list[Cause]:
    """Check a ReplicaSet."""
    causes = _check_counts(new["spec"], ("replicas", "minReadySeconds"))
    return causes + _check_template(new["spec"], old, ("Always",))


def check_job(new: Json, old: Json | None) -> list[Cause]:
    """Check a Job."""
    spec = new["spec"]
    counts = ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished")
    causes = _check_counts(spec, counts)
    if spec["completionMode"] != "NonIndexed":
        causes.append(not_supported("spec.completionMode", spec["completionMode"], ("NonIndexed",)))
    causes += _check_template(spec, old, ("Never", "OnFailure"))
    if old and not spec.get("suspend") and spec.get("template") != old["spec"].get("template"):
        causes.append(invalid_value("spec.template", spec.get("template"), "field is immutable"))
    if old and spec.get("completions") != old["spec"].get("completions"):
        causes.append(invalid_value("spec.completions", spec.get("completions"), "field is immutable"))
    return causes


def _check_counts(spec: Json, fields: tuple[str, ...]) -> list[Cause]:
    return [
        invalid_value(f"spec.{field}", spec[field], _NOT_NEGATIVE) for field in fields if spec.get(field, 0) < 0
    ]


def _check_template(spec: Json, old: Json | None, policies: tuple[str, ...]) -> list[Cause]:
    selector = spec.get("selector")
    causes = _check_selector(selector)
    if old and selector and selector != old["spec"].get("selector"):
        causes.append(invalid_value("spec.selector", selector, "field is immutable"))
    template = spec.get("template")
    if template is None:
        return [*causes, required("spec.template")]
    labels = template["metadata"].get("labels", {})
    causes += names.check_labels("spec.template.metadata.labels", labels)
    annotations = template["metadata"].get("annotations", {})
    causes += names.check_keys("spec.template.metadata.annotations", annotations)
    if selector and not causes and not object_selector(selector)(labels):
        why = "`selector` does not match template `labels`"
        causes.append(invalid_value("spec.template.metadata.labels", labels, why))
    causes += check_pod_spec(template["spec"], "spec.template.spec")
    policy = template["spec"]["restartPolicy"]
    if policy not in policies:
        causes.append(not_supported("spec.template.spec.restartPolicy", policy, policies))
    return causes


def _check_selector(selector: Json | None) -> list[Cause]:
    if selector is None:
        return [required("spec.selector")]
    if not selector:
        return [invalid_value("spec.selector", selector, "empty selector is invalid for deployment")]
    causes = names.check_labels("spec.selector.matchLabels", selector.get("matchLabels", {}))
    for index, expression in enumerate(selector.get("matchExpressions", [])):
        path = f"spec.selector.matchExpressions[{index}]"
        operator = expression.get("operator", "")
        if operator not in _OPERATORS:
            causes.append(invalid_value(f"{path}.operator", operator, "not a valid selector operator"))
        elif operator in ("In", "NotIn") and not expression.get("values"):
            why = "must be specified when `operator` is 'In' or 'NotIn'"
            causes.append(required(f"{path}.values", why))
        if not expression.get("key"):
            causes.append(required(f"{path}.key"))
    return causes


def _check_strategy(strategy: Json) -> list[Cause]:
    if strategy["type"] not in ("Recreate", "RollingUpdate"):
        return [not_supported("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate"))]
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] == "Recreate":
        why = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden_value("spec.strategy.rollingUpdate", why)] if rolling is not None else []
    causes = []
    for field in ("maxSurge", "maxUnavailable"):
        value = rolling[field]
        path = f"spec.strategy.rollingUpdate.{field}"
        if isinstance(value, str) and not re.fullmatch(r"[0-9]+%", value):
            why = "a valid percent string must be a numeric string followed by an ending '%'"
            causes.append(
                invalid_value(
                    path, value, f"{why} (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
                )
            )
        elif isinstance(value, int) and value < 0:
            causes.append(invalid_value(path, value, _NOT_NEGATIVE))
    if not causes and all(rolling[field] in (0, "0%") for field in ("maxSurge", "maxUnavailable")):
        path = "spec.strategy.rollingUpdate.maxUnavailable"
        causes.append(invalid_value(path, rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0"))
    return causes
