"""Bodies in protobuf are the same as in JSON; kubectl is the judge, and a round trip of the shop's manifest."""

import base64
import copy
import json
import struct as packing

import pytest
import yaml

from lab.kube import schema
from lab.kube.codec import Decoder
from lab.kube.schema import ANY, protobuf
from lab.kube.schema.protobuf import MAGIC, ProtobufError

PROTOBUF = "application/vnd.kubernetes.protobuf"
# In 1.37's definitions, and not yet in the Go types that the numbers are from.
UNNUMBERED = {("core.v1.NodeSystemInfo", "runningInUserNamespace")}


def varint(number):
    """Write a number; a negative one as 64 bits of two's complement."""
    number &= (1 << 64) - 1
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    """Write one field: a number, or text, bytes or a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def envelope(version, kind, content):
    return MAGIC + field(1, field(1, version) + field(2, kind)) + field(2, content)


def numbers_of(name, outer=""):
    """The path of field numbers that leads to each field of a type."""
    paths = {}
    for number, title in protobuf._numbers()[name].items():
        if title.startswith(">"):
            inner = numbers_of(title[1:], outer or name)
            paths |= {key: [int(number), *path] for key, path in inner.items()}
        else:
            paths[title.rstrip("?")] = [int(number)]
    return paths


def message(obj, name):
    """Write an object of a type, as Go does in everything but the order of fields."""
    out = b""
    paths, fields = numbers_of(name), schema.struct(name).fields
    for key, value in obj.items():
        if key not in paths:
            continue
        *inline, number = paths[key]
        for one in values(value, fields[key]):
            content = field(number, one)
            for outer in reversed(inline):
                content = field(outer, content)
            out += content
    return out


def values(value, kind):  # noqa: PLR0911 - one return a type
    if kind.type == "list":
        return [one for item in value for one in values(item, kind.items or ANY)]
    if kind.type == "map":
        entries = [(key, values(item, kind.values or ANY)[0]) for key, item in value.items()]
        return [field(1, key) + field(2, item) for key, item in entries]
    if kind.type == "struct":
        return [message(value, kind.ref)]
    if kind.type == "quantity":
        return [field(1, value)]
    if kind.type == "int-or-string":
        return [field(1, 1) + field(3, value) if isinstance(value, str) else field(1, 0) + field(2, value)]
    if kind.type == "bytes":
        return [base64.b64decode(value)]
    if kind.type == "any":
        return [field(1, json.dumps(value))]
    return [int(value) if isinstance(value, bool) else value]


def test_every_field_has_a_number():
    for name in schema.type_names():
        missing = set(schema.struct(name).fields) - set(numbers_of(name)) - {"kind", "apiVersion"}
        assert {(name, one) for one in missing} <= UNNUMBERED


def test_the_shop_survives_a_round_trip(app_documents):
    for document in app_documents:
        group, _, version = document["apiVersion"].rpartition("/")
        root = schema.root(group, version, document["kind"])
        wanted = Decoder(keep_empty=True).decode(copy.deepcopy(document), root)
        content = envelope(document["apiVersion"], document["kind"], message(wanted, root.ref))
        assert protobuf.decode(content) == wanted


def test_special_types():
    managed = {"manager": "m", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}}
    moment = field(1, 1767225600)
    metadata = field(1, "n") + field(8, moment) + field(17, message(managed, "meta.v1.ManagedFieldsEntry"))
    assert protobuf.decode(envelope("v1", "Pod", field(1, metadata)))["metadata"] == {
        "name": "n",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [managed],
    }
    lease = field(2, field(3, field(1, 1767225600) + field(2, 250_000_000)) + field(2, 15))
    assert protobuf.decode(envelope("coordination.k8s.io/v1", "Lease", lease))["spec"] == {
        "acquireTime": "2026-01-01T00:00:00.250000Z",
        "leaseDurationSeconds": 15,
    }
    user = field(1, "eve") + field(4, field(1, "k") + field(2, field(1, "a") + field(1, "b")))
    review = envelope("authentication.k8s.io/v1", "SelfSubjectReview", field(2, field(1, user)))
    assert protobuf.decode(review)["status"]["userInfo"] == {"username": "eve", "extra": {"k": ["a", "b"]}}


def test_a_zero_counts_where_it_can_be_told_from_nothing():
    spec = message({"replicas": 0, "minReadySeconds": 0, "paused": False}, "apps.v1.DeploymentSpec")
    deployment = envelope("apps/v1", "Deployment", field(1, field(8, b"") + field(2, "")) + field(2, spec))
    assert protobuf.decode(deployment) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"creationTimestamp": None},
        "spec": {"replicas": 0},
    }
    options = envelope("policy/v1", "DeleteOptions", field(1, 0) + field(3, 0))
    assert protobuf.decode(options) == {
        "apiVersion": "policy/v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "orphanDependents": False,
    }


def test_numbers_may_be_negative_packed_and_unknown():
    toleration = field(5, -1)
    groups = field(4, varint(7) + varint(300))
    spec = field(22, toleration) + field(14, groups) + field(9999, "new") + varint(9998 << 3 | 1) + b"12345678"
    found = protobuf.decode(envelope("v1", "Pod", field(2, spec)))["spec"]
    assert found == {
        "tolerations": [{"tolerationSeconds": -1}],
        "securityContext": {"supplementalGroups": [7, 300]},
    }


GOOD = envelope("v1", "Pod", field(1, field(1, "name")))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "prefix is missing"),
        (b"{}", "prefix is missing"),
        (GOOD[:-1], "unexpected EOF"),
        (GOOD + b"\xff" * 11, "integer overflow"),
        (GOOD + b"\x0b", "illegal wireType 3"),
        (envelope("v1", "Pod", field(1, 7)), "wrong wireType"),
        (envelope("v1", "Pod", field(1, field(1, b"\xff"))), "utf-8"),
        (envelope("v1", "Gadget", b""), 'no kind "Gadget" is registered for version "v1"'),
        (MAGIC, 'no kind "" is registered'),
        (envelope("v1", "Pod", packing.pack("<I", 0xFFFFFFFF)), "unexpected EOF"),
    ],
)
def test_what_is_not_well_formed(content, text):
    with pytest.raises(ProtobufError, match=text):
        protobuf.decode(content)


def test_the_server_says_what_is_wrong_with_protobuf(ask, namespace):
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    status, _, body = ask("POST", path, b"k8s\0\xff", Content_Type=PROTOBUF)
    assert (status, json.loads(body)["reason"]) == (400, "BadRequest")
    assert ask("POST", path, envelope("v1", "Secret", b""), Content_Type=PROTOBUF)[0] == 400


def without_identity(obj):
    """An object without what differs between two that were made alike."""
    kept = copy.deepcopy(obj)
    for name in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "namespace"):
        kept["metadata"].pop(name, None)
    kept.pop("status", None)
    for name in ("clusterIP", "clusterIPs"):
        kept.get("spec", {}).pop(name, None)
    text = json.dumps(kept).replace(obj["metadata"]["uid"], "UID")
    return json.loads(text)


@pytest.mark.parametrize(
    "words",
    [
        "deployment x --image=app:1 --image=side:2 --replicas=0 --port=80",
        "job x --image=app:1",
        "configmap x --from-literal=a=b",
        "secret generic x --from-literal=a=b",
        "secret tls x",
        "serviceaccount x",
        "service clusterip x --tcp=80:http",
        "service nodeport x --tcp=80:8080",
        "role x --verb=get,list --resource=pods,deployments.apps/scale --resource-name=n",
        "rolebinding x --clusterrole=view --user=eve --group=dev --serviceaccount=default:default",
    ],
)
def test_kubectl_create_makes_the_same_in_protobuf_and_json(cluster, namespace, words, tmp_path):
    words = words.split()
    if "tls" in words:
        pki = cluster.ca.parent
        words += [f"--cert={pki / 'server.crt'}", f"--key={pki / 'server.key'}"]
    made = cluster.kubectl("create", *words, "-n", namespace, "-v=7", "-o", "json")
    assert f"Content-Type: {PROTOBUF}" in made.stderr
    first = json.loads(made.stdout)
    plural = f"{first['kind'].lower()}/x"
    stored = cluster.get(plural, "-n", namespace)
    plain = cluster.kubectl("create", *words, "-n", namespace, "--dry-run=client", "-o", "json").stdout
    cluster.kubectl("delete", plural, "-n", namespace, "--cascade=foreground")
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=plain)
    again = cluster.get(plural, "-n", namespace)
    assert stored["metadata"]["uid"] != again["metadata"]["uid"]
    assert without_identity(stored) == without_identity(again)


def test_generators_without_a_namespace(cluster, namespace):
    name = f"g-{namespace}"
    for words in (
        ("namespace", name),
        ("clusterrole", name, "--verb=get", "--non-resource-url=/x"),
        ("clusterrolebinding", name, "--clusterrole=view", "--user=eve"),
    ):
        cluster.kubectl("create", *words)
        cluster.kubectl("delete", *words[:2])


def test_run_and_expose(cluster, namespace):
    cluster.kubectl("run", "one", "--image=app:1", "--port=80", "--restart=Never", "-n", namespace)
    cluster.kubectl("expose", "pod", "one", "--name=svc", "-n", namespace)
    assert cluster.get("service", "svc", "-n", namespace)["spec"]["selector"] == {"run": "one"}


def test_a_manager_owns_what_it_sent_in_protobuf(cluster, namespace):
    cluster.kubectl("create", "configmap", "x", "--from-literal=a=b", "-n", namespace)
    yaml_text = cluster.kubectl("get", "configmap", "x", "-n", namespace, "-o", "yaml", "--show-managed-fields")
    (entry,) = yaml.safe_load(yaml_text.stdout)["metadata"]["managedFields"]
    assert (entry["manager"], entry["fieldsV1"]) == ("kubectl-create", {"f:data": {".": {}, "f:a": {}}})
