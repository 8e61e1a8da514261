"""What an object must be to be stored, kind by kind, with Kubernetes' words for what is wrong."""

import re
from collections.abc import Callable
from typing import Any

from lab.kube.errors import Cause, forbidden_value, invalid_value, required
from lab.kube.resources import Resource
from lab.kube.rules import names
from lab.kube.rules.pod_validation import check_pod, check_pod_update
from lab.kube.rules.rbac_validation import check_role, check_role_binding
from lab.kube.rules.service_validation import check_service
from lab.kube.rules.workloads import check_deployment, check_job, check_replica_set

Json = dict[str, Any]
Check = Callable[[Json, Json | None], list[Cause]]
_DATA_KEY = r"[-._a-zA-Z0-9]+"


def validate(resource: Resource, new: Json, old: Json | None) -> list[Cause]:
    """Return everything that is wrong with an object; old is what it replaces."""
    causes = _check_metadata(resource, new["metadata"])
    check = _CHECKS.get(resource.plural)
    return causes + check(new, old) if check else causes


def _check_metadata(resource: Resource, metadata: Json) -> list[Cause]:
    name = metadata["name"]
    if resource.plural == "services":
        causes = names.check_service_name("metadata.name", name)
    elif resource.plural == "namespaces":
        causes = names.check_label("metadata.name", name)
    elif resource.group == "rbac.authorization.k8s.io":
        causes = _check_path_segment(name)
    else:
        causes = names.check_subdomain("metadata.name", name)
    causes += names.check_labels("metadata.labels", metadata.get("labels", {}))
    return causes + names.check_keys("metadata.annotations", metadata.get("annotations", {}))


def _check_path_segment(name: str) -> list[Cause]:
    if name in (".", ".."):
        return [invalid_value("metadata.name", name, f"may not be '{name}'")]
    return [
        invalid_value("metadata.name", name, f"may not contain '{sign}'") for sign in ("/", "%") if sign in name
    ]


def _check_pod(new: Json, old: Json | None) -> list[Cause]:
    return check_pod(new) + (check_pod_update(new, old) if old else [])


def _check_data_keys(data: Json, field: str) -> list[Cause]:
    why = (
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or"
        f" 'KEY_NAME',  or 'key-name', regex used for validation is '{_DATA_KEY}')"
    )
    return [invalid_value(f"{field}[{key}]", key, why) for key in data if not re.fullmatch(_DATA_KEY, key)]


def _check_config_map(new: Json, old: Json | None) -> list[Cause]:
    causes = _check_data_keys(new.get("data", {}), "data") + _check_data_keys(
        new.get("binaryData", {}), "binaryData"
    )
    return causes + _check_immutable(new, old, ("data", "binaryData"))


def _check_secret(new: Json, old: Json | None) -> list[Cause]:
    causes = _check_data_keys(new.get("data", {}), "data")
    if old and new.get("type") != old.get("type"):
        causes.append(invalid_value("type", new.get("type", ""), "field is immutable"))
    return causes + _check_immutable(new, old, ("data",))


def _check_immutable(new: Json, old: Json | None, fields: tuple[str, ...]) -> list[Cause]:
    if not old or not old.get("immutable"):
        return []
    why = "field is immutable when `immutable` is set"
    return [forbidden_value(field, why) for field in (*fields, "immutable") if new.get(field) != old.get(field)]


def _check_event(new: Json, _old: Json | None) -> list[Cause]:
    involved = new.get("involvedObject", {})
    if involved.get("namespace", "default") != new["metadata"]["namespace"]:
        return [
            invalid_value(
                "involvedObject.namespace", involved.get("namespace", ""), "does not match event.namespace"
            )
        ]
    return []


def _check_endpoint_slice(new: Json, old: Json | None) -> list[Cause]:
    if not new.get("addressType"):
        return [required("addressType")]
    if old and new["addressType"] != old["addressType"]:
        return [invalid_value("addressType", new["addressType"], "field is immutable")]
    return []


_CHECKS: dict[str, Check] = {
    "pods": _check_pod,
    "deployments": check_deployment,
    "replicasets": check_replica_set,
    "jobs": check_job,
    "services": check_service,
    "configmaps": _check_config_map,
    "secrets": _check_secret,
    "events": _check_event,
    "endpointslices": _check_endpoint_slice,
    "roles": check_role,
    "clusterroles": check_role,
    "rolebindings": check_role_binding,
    "clusterrolebindings": check_role_binding,
}
