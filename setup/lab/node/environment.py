"""A container's environment variables, as a kubelet computes them."""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.node.mounts import Mounts

Object = dict[str, Any]
#: (plural, namespace, name) -> object; None when there is none.
Lookup = Callable[[str, str, str], Object | None]

# https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#environment-variables
_REFERENCE = re.compile(r"\$(?:\$|\((?P<name>[A-Za-z_.-][A-Za-z0-9_.-]*)\))")
_KEYED_FIELD = re.compile(r"metadata\.(?P<map>labels|annotations)\['(?P<key>[^']+)'\]")


class ConfigError(Exception):
    """The container cannot be configured; the text is what a kubelet reports as CreateContainerConfigError."""


def compute(
    pod: Object, container: Object, pod_ip: str, host_ip: str, look_up: Lookup, mounts: Mounts
) -> dict[str, str]:
    """Return the variables of a container's ``envFrom`` and ``env``, later ones before earlier ones.

    :raises ConfigError: a ConfigMap, a Secret or one of their keys is missing and not optional, or a field
        or variable is one that the lab cannot give.
    """
    namespace = pod["metadata"]["namespace"]
    sources = _Sources(namespace, look_up)
    result: dict[str, str] = {}
    for source in container.get("envFrom", []):
        result |= sources.whole(source)
    fields = _Fields(pod, pod_ip, host_ip)
    for entry in container.get("env", []):
        origin = entry.get("valueFrom")
        if origin is None:
            result[entry["name"]] = mounts.rewrite(expand(entry.get("value", ""), result))
        elif "fieldRef" in origin:
            result[entry["name"]] = fields.get(origin["fieldRef"]["fieldPath"])
        else:
            value = sources.key(origin)
            if value is not None:
                result[entry["name"]] = value
    loader = next((name for name in result if name.startswith("LD_")), None)
    if loader is not None:
        # It would act on the launcher too, which is still root.
        raise ConfigError(f"variable {loader}: the lab keeps LD_* variables to itself")
    return result


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``$(NAME)`` of known variables; ``$$`` stands for ``$`` and an unknown name stays as it is."""

    def value(match: re.Match[str]) -> str:
        name = match.group("name")
        return "$" if name is None else variables.get(name, match.group())

    return _REFERENCE.sub(value, text)


class _Sources:
    """Reads ConfigMaps and Secrets, each once."""

    def __init__(self, namespace: str, look_up: Lookup) -> None:
        self._namespace = namespace
        self._look_up = look_up

    def whole(self, source: Object) -> dict[str, str]:
        reference = source.get("configMapRef") or source.get("secretRef") or {}
        plural = "configmaps" if "configMapRef" in source else "secrets"
        data = self._data(plural, reference)
        return {source.get("prefix", "") + name: value for name, value in (data or {}).items()}

    def key(self, origin: Object) -> str | None:
        reference = origin.get("secretKeyRef") or origin.get("configMapKeyRef")
        if reference is None:
            raise ConfigError(f"valueFrom of {', '.join(origin)} is not supported by the lab")
        plural = "configmaps" if "configMapKeyRef" in origin else "secrets"
        data = self._data(plural, reference)
        if data is None:
            return None
        value = data.get(reference["key"])
        if value is None and not reference.get("optional"):
            kind = "ConfigMap" if plural == "configmaps" else "Secret"
            raise ConfigError(
                f"couldn't find key {reference['key']} in {kind} {self._namespace}/{reference['name']}"
            )
        return value

    def _data(self, plural: str, reference: Object) -> dict[str, str] | None:
        found = self._look_up(plural, self._namespace, reference.get("name", ""))
        if found is None:
            if reference.get("optional"):
                return None
            raise ConfigError(f'{plural.removesuffix("s")} "{reference.get("name", "")}" not found')
        return {name: content.decode("utf-8", "replace") for name, content in contents(found).items()}


def contents(source: Object) -> dict[str, bytes]:
    """Return the entries of a ConfigMap or a Secret as bytes."""
    if source.get("kind") == "Secret":
        return {name: base64.b64decode(text) for name, text in (source.get("data") or {}).items()}
    plain = {name: text.encode() for name, text in (source.get("data") or {}).items()}
    return plain | {name: base64.b64decode(text) for name, text in (source.get("binaryData") or {}).items()}


class _Fields:
    """The downward API's fields (the subset that a container's environment may use)."""

    def __init__(self, pod: Object, pod_ip: str, host_ip: str) -> None:
        metadata, spec = pod["metadata"], pod["spec"]
        self._metadata = metadata
        self._plain: dict[str, str] = {
            "metadata.name": metadata["name"],
            "metadata.namespace": metadata["namespace"],
            "metadata.uid": metadata["uid"],
            "spec.nodeName": spec.get("nodeName", ""),
            "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
            "status.podIP": pod_ip,
            "status.hostIP": host_ip,
        }

    def get(self, path: str) -> str:
        keyed = _KEYED_FIELD.fullmatch(path)
        if keyed:
            return str((self._metadata.get(keyed["map"]) or {}).get(keyed["key"], ""))
        if path not in self._plain:
            raise ConfigError(f"fieldPath {path!r} is not supported by the lab")
        return self._plain[path]
