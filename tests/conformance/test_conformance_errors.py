"""What the API says to requests that it does not take: a Status with a code, a reason and Kubernetes' words."""

import pytest
import yaml

from .cluster import config_map, deployment


@pytest.fixture
def path(namespace):
    return f"/api/v1/namespaces/{namespace}/configmaps"


@pytest.mark.parametrize(
    "where", ["/api/v1/nothing", "/apis/apps/v1/pods", "/api/v1/namespaces/default/nothing/x"]
)
def test_an_unknown_kind(ask, where):
    got = ask("GET", where)
    assert (got.status, got.body["reason"], got.body["details"]) == (404, "NotFound", {})
    assert got.message == "the server could not find the requested resource"


def test_an_unknown_kind_in_a_known_group_is_what_kubectl_says(kubectl):
    said = kubectl("create", "-f", "-", stdin=config_map("c") | {"kind": "ConfigMapp"}, code=1)
    assert 'no matches for kind "ConfigMapp" in version "v1"' in said


def test_a_method_that_the_resource_lacks(ask, path):
    got = ask("PATCH", path, {}, Content_Type="application/merge-patch+json")
    assert (got.status, got.body["reason"]) == (405, "MethodNotAllowed")
    assert got.message == "the server does not allow this method on the requested resource"


def test_an_object_that_is_not_there(ask, path):
    got = ask("GET", f"{path}/none")
    assert (got.status, got.message) == (404, 'configmaps "none" not found')
    assert got.body["details"] == {"name": "none", "kind": "configmaps"}
    for method, body in (("PUT", config_map("none")), ("DELETE", None)):
        assert ask(method, f"{path}/none", body).status == 404


def test_a_name_that_is_taken(ask, path):
    ask("POST", path, config_map("c"))
    got = ask("POST", path, config_map("c"))
    assert (got.status, got.body["reason"], got.message) == (
        409,
        "AlreadyExists",
        'configmaps "c" already exists',
    )


def test_a_namespace_that_is_not_there(ask):
    got = ask("POST", "/api/v1/namespaces/no-such-namespace/configmaps", config_map("c"))
    assert (got.status, got.message) == (404, 'namespaces "no-such-namespace" not found')


def test_who_disagrees_with_the_address(ask, path, namespace):
    ask("POST", path, config_map("c"))
    other = ask("POST", path, config_map("c", namespace="other"))
    assert (other.status, other.message) == (
        400,
        "the namespace of the provided object does not match the namespace sent on the request",
    )
    other = ask("PUT", f"{path}/c", config_map("c", namespace="other"))
    assert (other.status, other.message) == (
        400,
        f"the namespace of the object (other) does not match the namespace on the request ({namespace})",
    )
    other = ask("PUT", f"{path}/c", config_map("d"))
    assert (other.status, other.message) == (
        400,
        "the name of the object (d) does not match the name on the URL (c)",
    )
    other = ask("POST", path, config_map("e") | {"kind": "Secret"})
    assert (other.status, "cannot be handled as a ConfigMap" in other.message) == (400, True)
    for wrong in ({"kind": "ConfigMap"}, {}):
        other = ask("POST", path, deployment() | wrong)
        assert (other.status, "cannot be handled as a ConfigMap" in other.message) == (400, True)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"metadata": "x"}', '{"metadata": {"labels": []}}', '{"data": {"a": 1}}']
)
def test_what_is_no_object(ask, path, text):
    got = ask("POST", path, text.encode())
    assert (got.status, got.body["kind"], got.body["reason"]) == (400, "Status", "BadRequest")


def test_media_types(ask, path):
    """JSON and YAML both ways; anything else is 415, or 406 where it is asked for."""
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\ndata: {at: '2026-01-01'}\n"
    assert ask("POST", path, text.encode(), Content_Type="application/yaml").status == 201
    refused = ask("POST", path, b"x", Content_Type="text/plain")
    assert (refused.status, refused.body["reason"]) == (415, "UnsupportedMediaType")
    refused = ask("GET", path, Accept="text/plain")
    assert (refused.status, refused.body["reason"]) == (406, "NotAcceptable")
    shown = ask("GET", f"{path}/y", Accept="application/yaml").message
    assert yaml.safe_load(shown)["data"] == {"at": "2026-01-01"}


def test_unknown_fields(ask, path):
    """kubernetes.io/docs/reference/using-api/api-concepts/#field-validation: Warn is the default."""
    wrong = config_map("a") | {"dta": {}}
    strict = ask("POST", path, wrong, query=[("fieldValidation", "Strict")])
    assert strict.status == 400
    assert 'strict decoding error: unknown field "dta"' in strict.message
    for query in ([("fieldValidation", "Warn")], []):
        warned = ask("PUT" if not query else "POST", path if query else f"{path}/a", wrong, query=query)
        assert warned.headers["Warning"] == '299 - "unknown field \\"dta\\""'
        assert "dta" not in warned.body
    ignored = ask("PUT", f"{path}/a", wrong, query=[("fieldValidation", "Ignore")])
    assert (ignored.status, ignored.headers.get("Warning")) == (200, None)
    neither = ask("POST", path, wrong, query=[("fieldValidation", "x")])
    assert (neither.status, neither.causes) == (422, [("fieldValidation", "FieldValueNotSupported")])


def test_fields_that_are_given_twice(ask, path):
    """The last counts; the strict are told, as of unknown fields."""
    text = b'{"metadata": {"name": "a", "labels": {"x": "1", "x": "2"}}, "data": {}, "data": {"a": "b"}}'
    strict = ask("POST", path, text, query=[("fieldValidation", "Strict")])
    assert strict.status == 400
    assert 'duplicate field "metadata.labels.x"' in strict.message
    assert 'duplicate field "data"' in strict.message
    made = ask("POST", path, text)
    assert 'duplicate field \\"data\\"' in made.headers["Warning"]
    assert (made.body["data"], made.body["metadata"]["labels"]) == ({"a": "b"}, {"x": "2"})


def test_old_endpoints_are_warned_of(ask, namespace):
    """kubernetes.io/blog/2025/04/24/endpoints-deprecation: since 1.33, whoever reads Endpoints."""
    got = ask("GET", f"/api/v1/namespaces/{namespace}/endpoints")
    text = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    assert got.headers["Warning"] == f'299 - "{text}"'
