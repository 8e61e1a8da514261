"""Write schema.json: what lab.kube must know of the Kubernetes types, out of the published OpenAPI definitions.

    python -m lab.kube.schema.generate

The definitions come with the development dependency kubernetes-validate; they are 1.7 MB, of which this keeps
field names, types, merge keys and list types of the kinds that lab.kube serves. A test fails on drift.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("schema.json")
ROOTS = (
    "api.apps.v1.Deployment",
    "api.apps.v1.ReplicaSet",
    "api.authentication.v1.SelfSubjectReview",
    "api.authentication.v1.TokenRequest",
    "api.authentication.v1.TokenReview",
    "api.authorization.v1.LocalSubjectAccessReview",
    "api.authorization.v1.SelfSubjectAccessReview",
    "api.authorization.v1.SelfSubjectRulesReview",
    "api.authorization.v1.SubjectAccessReview",
    "api.autoscaling.v1.Scale",
    "api.batch.v1.Job",
    "api.coordination.v1.Lease",
    "api.core.v1.Binding",
    "api.core.v1.ConfigMap",
    "api.core.v1.Endpoints",
    "api.core.v1.Event",
    "api.core.v1.Namespace",
    "api.core.v1.Node",
    "api.core.v1.Pod",
    "api.core.v1.Secret",
    "api.core.v1.Service",
    "api.core.v1.ServiceAccount",
    "api.discovery.v1.EndpointSlice",
    "api.policy.v1.Eviction",
    "api.rbac.v1.ClusterRole",
    "api.rbac.v1.ClusterRoleBinding",
    "api.rbac.v1.Role",
    "api.rbac.v1.RoleBinding",
    "apimachinery.pkg.apis.meta.v1.DeleteOptions",
)
SCALARS = {
    "apimachinery.pkg.api.resource.Quantity": "quantity",
    "apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
    "apimachinery.pkg.apis.meta.v1.MicroTime": "time",
    "apimachinery.pkg.apis.meta.v1.Time": "time",
    "apimachinery.pkg.runtime.RawExtension": "any",
    "apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
}


def definitions_file() -> Path:
    """Find the newest definitions that the installed kubernetes-validate brings."""
    import kubernetes_validate  # noqa: PLC0415 - a development dependency, needed to generate only

    folder = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    versions = [path for path in folder.glob("v*-local") if (path / "_definitions.json").exists()]
    newest = max(versions, key=lambda path: tuple(int(part) for part in path.name[1:-6].split(".")))
    return newest / "_definitions.json"


def generate() -> str:
    """Return the text of schema.json: one type a line, so that a change reads well in a diff."""
    definitions = json.loads(definitions_file().read_text())["$defs"]
    types: dict[str, Any] = {}
    todo = list(ROOTS)
    while todo:
        name = todo.pop()
        if short(name) in types or name in SCALARS:
            continue
        definition = definitions["io.k8s." + name]
        types[short(name)] = compact_type(definition)
        todo += [reference.removeprefix("io.k8s.") for reference in references(definition)]
    kinds = {
        f"{kind['group']}/{kind['version']}/{kind['kind']}": short(root) for root, kind in kinds_of(definitions)
    }
    lines = [f"  {json.dumps(name)}: {json.dumps(types[name], sort_keys=True)}" for name in sorted(types)]
    body = ",\n".join(lines)
    return f'{{"kinds": {json.dumps(kinds, sort_keys=True)},\n"types": {{\n{body}\n}}}}\n'


def kinds_of(definitions: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each root with its group, version and kind (DeleteOptions has one of each group: the first)."""
    for root in ROOTS:
        yield root, definitions["io.k8s." + root]["x-kubernetes-group-version-kind"][0]


def short(name: str) -> str:
    """Shorten `api.core.v1.Pod` to `core.v1.Pod`, `apimachinery.pkg.apis.meta.v1.Time` to `meta.v1.Time`."""
    return name.removeprefix("api.").removeprefix("apimachinery.pkg.apis.")


def references(node: Any) -> Iterator[str]:
    """Yield the name of every definition that this one refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.rsplit("/", 1)[1]
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def compact_type(definition: dict[str, Any]) -> dict[str, Any]:
    """Keep a definition's fields, and whether it is one value to its owners."""
    fields = {name: compact(field) for name, field in definition.get("properties", {}).items()}
    result: dict[str, Any] = {"fields": fields}
    if definition.get("required"):
        result["required"] = sorted(definition["required"])
    if definition.get("x-kubernetes-map-type") == "atomic":
        result["atomic"] = True
    return result


def compact(field: dict[str, Any]) -> dict[str, Any]:
    """Keep what decoding, merging and field ownership need of one field."""
    result = compact_value(field)
    if field.get("x-kubernetes-map-type") == "atomic":
        result["atomic"] = True
    if "items" in field:
        result["list"] = field.get("x-kubernetes-list-type", "atomic")
    if "x-kubernetes-list-map-keys" in field:
        result["keys"] = field["x-kubernetes-list-map-keys"]
    strategies = field.get("x-kubernetes-patch-strategy", "").split(",")
    if "merge" in strategies:
        result["merge"] = field.get("x-kubernetes-patch-merge-key", "")
    if "retainKeys" in strategies:
        result["retain"] = True
    return result


def compact_value(field: dict[str, Any]) -> dict[str, Any]:
    """Keep the type of a value: a scalar, a list, a map or a reference to a type."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[1].removeprefix("io.k8s.")
        return {"type": SCALARS[name]} if name in SCALARS else {"type": "struct", "ref": short(name)}
    declared = field.get("type", "any")
    kind = next(item for item in declared if item != "null") if isinstance(declared, list) else declared
    if kind == "array":
        return {"type": "list", "items": compact(field["items"])}
    if kind == "object":
        return {"type": "map", "values": compact(field.get("additionalProperties", {}))}
    if kind == "integer":
        return {"type": field.get("format", "int32")}
    return {"type": "bytes" if field.get("format") == "byte" else kind}


if __name__ == "__main__":
    TARGET.write_text(generate())
