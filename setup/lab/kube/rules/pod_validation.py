"""Validation of pods and pod templates."""

import re
from collections.abc import Iterable
from typing import Any

from lab.kube.codec import copy
from lab.kube.errors import Cause, duplicate, forbidden_value, invalid_value, not_supported, required
from lab.kube.rules import names

Json = dict[str, Any]
_ENV_NAME = r"[-._a-zA-Z][-._a-zA-Z0-9]*"
_ENV_WORDS = "a valid environment variable name must consist only of printable ASCII characters other than '='"
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HIGHEST_PORT = 65535


def check_pod(pod: Json) -> list[Cause]:
    """Check a pod's spec."""
    return check_pod_spec(pod["spec"], "spec")


def check_pod_spec(spec: Json, path: str) -> list[Cause]:
    """Check a pod's or a template's spec; path is where it lies."""
    causes: list[Cause] = []
    volumes = _check_named(spec.get("volumes", []), f"{path}.volumes", causes)
    if not spec.get("containers"):
        causes.append(required(f"{path}.containers"))
    for field in ("containers", "initContainers"):
        containers = spec.get(field, [])
        _check_named(containers, f"{path}.{field}", causes)
        for index, container in enumerate(containers):
            causes += _check_container(container, f"{path}.{field}[{index}]", volumes)
    choices = {
        "restartPolicy": ("Always", "OnFailure", "Never"),
        "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    }
    for field, supported in choices.items():
        if spec[field] not in supported:
            causes.append(not_supported(f"{path}.{field}", spec[field], supported))
    if spec["terminationGracePeriodSeconds"] < 0:
        grace = spec["terminationGracePeriodSeconds"]
        causes.append(invalid_value(f"{path}.terminationGracePeriodSeconds", grace, _NOT_NEGATIVE))
    return causes


_NOT_NEGATIVE = "must be greater than or equal to 0"


def _check_named(items: Iterable[Json], path: str, causes: list[Cause]) -> set[str]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        name = item.get("name", "")
        if not name:
            causes.append(required(f"{path}[{index}].name"))
        elif name in seen:
            causes.append(duplicate(f"{path}[{index}].name", name))
        else:
            causes += names.check_label(f"{path}[{index}].name", name)
        seen.add(name)
    return seen


def _check_container(container: Json, path: str, volumes: set[str]) -> list[Cause]:
    causes = []
    image = container.get("image", "")
    if not image:
        causes.append(required(f"{path}.image"))
    elif image != image.strip():
        causes.append(invalid_value(f"{path}.image", image, "must not have leading or trailing whitespace"))
    policies = ("Always", "IfNotPresent", "Never")
    if container.get("imagePullPolicy", "Always") not in policies:
        causes.append(not_supported(f"{path}.imagePullPolicy", container["imagePullPolicy"], policies))
    causes += _check_ports(container.get("ports", []), f"{path}.ports")
    for index, variable in enumerate(container.get("env", [])):
        causes += _check_variable(variable, f"{path}.env[{index}]")
    causes += _check_mounts(container.get("volumeMounts", []), f"{path}.volumeMounts", volumes)
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            causes += _check_probe(container[name], f"{path}.{name}", name)
    return causes + _check_resources(container["resources"], f"{path}.resources")


def _check_ports(ports: list[Json], path: str) -> list[Cause]:
    causes = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        number = port.get("containerPort")
        where = f"{path}[{index}]"
        if not number:
            causes.append(required(f"{where}.containerPort"))
        else:
            causes += check_port_number(f"{where}.containerPort", number)
        if port["protocol"] not in ("TCP", "UDP", "SCTP"):
            causes.append(not_supported(f"{where}.protocol", port["protocol"], ("SCTP", "TCP", "UDP")))
        if port.get("name") and port["name"] in seen:
            causes.append(duplicate(f"{where}.name", port["name"]))
        seen.add(port.get("name", ""))
    return causes


def check_port_number(field: str, number: int) -> list[Cause]:
    """Check that a number is one of a port."""
    if 0 < number <= _HIGHEST_PORT:
        return []
    return [invalid_value(field, number, f"must be between 1 and {_HIGHEST_PORT}, inclusive")]


def _check_variable(variable: Json, path: str) -> list[Cause]:
    name = variable.get("name", "")
    if not name:
        return [required(f"{path}.name")]
    causes = []
    if not re.fullmatch(r"[ -<>-~]+", name):
        causes.append(invalid_value(f"{path}.name", name, _ENV_WORDS))
    source = variable.get("valueFrom")
    if source is not None and variable.get("value"):
        causes.append(invalid_value(f"{path}.valueFrom", "", "may not be specified when `value` is not empty"))
    if source is not None and len(source) != 1:
        sources = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        why = f"must specify one of: {sources}"
        if len(source) > 1:
            why = "may not have more than one field specified at a time"
        causes.append(invalid_value(f"{path}.valueFrom", "", why))
    return causes + [
        required(f"{path}.valueFrom.{kind}.key")
        for kind in ("secretKeyRef", "configMapKeyRef")
        if source and kind in source and not source[kind].get("key")
    ]


def _check_mounts(mounts: list[Json], path: str, volumes: set[str]) -> list[Cause]:
    causes = []
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        where = f"{path}[{index}]"
        if not mount.get("name"):
            causes.append(required(f"{where}.name"))
        elif mount["name"] not in volumes:
            message = f'Not found: "{mount["name"]}"'
            causes.append(Cause(f"{where}.name", message, "FieldValueNotFound"))
        if not mount.get("mountPath"):
            causes.append(required(f"{where}.mountPath"))
        elif mount["mountPath"] in seen:
            causes.append(invalid_value(f"{where}.mountPath", mount["mountPath"], "must be unique"))
        seen.add(mount.get("mountPath", ""))
    return causes


def _check_probe(probe: Json, path: str, name: str) -> list[Cause]:
    causes = []
    handlers = [handler for handler in _HANDLERS if handler in probe]
    if not handlers:
        causes.append(required(path, "must specify a handler type"))
    causes += [
        forbidden_value(f"{path}.{handler}", "may not specify more than 1 handler type")
        for handler in handlers[1:]
    ]
    for field in (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ):
        if probe.get(field, 0) < 0:
            causes.append(invalid_value(f"{path}.{field}", probe[field], _NOT_NEGATIVE))
    if name != "readinessProbe" and probe["successThreshold"] != 1:
        causes.append(invalid_value(f"{path}.successThreshold", probe["successThreshold"], "must be 1"))
    return causes


def _check_resources(resources: Json, path: str) -> list[Cause]:
    from lab.kube.quantity import value  # noqa: PLC0415

    limits = resources.get("limits", {})
    causes = []
    for name, amount in resources.get("requests", {}).items():
        if name in limits and value(amount) > value(limits[name]):
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            causes.append(invalid_value(f"{path}.requests", amount, why))
    return causes


def check_pod_update(new: Json, old: Json) -> list[Cause]:
    """Check that a pod's update changes nothing but what may change in a pod that exists."""
    changed = copy(new["spec"])
    for field in ("containers", "initContainers"):
        for container, before in zip(changed.get(field, []), old["spec"].get(field, []), strict=False):
            container["image"] = before.get("image")
    for field in ("activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations"):
        changed.pop(field, None)
        if field in old["spec"]:
            changed[field] = old["spec"][field]
    if changed == old["spec"]:
        return []
    why = (
        "pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        "`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
    )
    return [forbidden_value("spec", why)]
