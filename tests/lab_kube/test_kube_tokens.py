"""Tokens of ServiceAccounts: what they are bound to, and when they end."""

import base64
import json
import time

import pytest

from lab.kube.auth import secrets
from lab.kube.auth.authenticator import Authenticator
from lab.kube.auth.identity import ADMIN
from lab.kube.auth.tokens import AUDIENCE, TokenKey, account_claims, secret_claims
from lab.kube.store import Store

ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def key():
    return TokenKey()


@pytest.fixture
def known(store, key):
    return Authenticator(store, "admin-token", key).user_of


@pytest.fixture
def account(store):
    return store.create("serviceaccounts", {"metadata": {"name": "bob", "namespace": "default"}})


@pytest.fixture
def request_token(ask, cluster, namespace):
    """Ask for a token of a new ServiceAccount named bob; returns the answer's status and body."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    assert ask("POST", path, {"metadata": {"name": "bob"}})[0] == 201

    def make(**spec):
        status, _, body = ask("POST", f"{path}/bob/token", {"spec": spec})
        return status, json.loads(body)

    return make


def whoami(ask, token):
    status, _, body = ask("POST", ME, {}, token=token)
    return status, json.loads(body).get("status", {}).get("userInfo", {})


def test_the_claims_of_a_token_make_its_user(store, key, known, account):
    user = known(key.sign(account_claims(account, [AUDIENCE], 600)))
    assert user.name == "system:serviceaccount:default:bob"
    assert user.uid == account["metadata"]["uid"]
    assert user.groups == (
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    )
    assert known("admin-token") == ADMIN


def test_a_token_has_its_time(key, known, account):
    claims = account_claims(account, [AUDIENCE], 600)
    now = int(time.time())
    assert known(key.sign(claims | {"exp": now - 1})) is None
    assert known(key.sign(claims | {"nbf": now + 600})) is None
    assert known(key.sign(claims)) is not None


def test_a_token_is_for_somebody(key, known, account):
    token = key.sign(account_claims(account, ["vault"], 600))
    assert known(token) is None
    assert known(token, ("vault",)).name.endswith(":bob")


@pytest.mark.parametrize("bad", ["", "admin-toke", "a.b.c", "..", "é.é.é", "\udcff", "x" * 86])
def test_what_is_no_token(known, bad):
    assert known(bad) is None


def test_a_changed_or_foreign_token_is_refused(key, known, account):
    claims = account_claims(account, [AUDIENCE], 600)
    header, body, signature = key.sign(claims).split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims | {"exp": 1 << 40}).encode()).rstrip(b"=").decode()
    assert known(f"{header}.{other}.{signature}") is None
    assert known(f"{header}.{body}.{signature[:-8]}") is None
    assert known(TokenKey().sign(claims)) is None
    assert known(key.sign(claims | {"iss": "https://elsewhere"})) is None


def test_a_token_ends_with_its_account_even_if_there_is_a_new_one_of_its_name(store, key, known, account):
    token = key.sign(account_claims(account, [AUDIENCE], 600))
    store.delete("serviceaccounts", "default", "bob")
    assert known(token) is None
    store.create("serviceaccounts", {"metadata": {"name": "bob", "namespace": "default"}})
    assert known(token) is None


def test_a_bound_token_ends_with_its_pod(store, key, known, account):
    pod = {
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    bound = store.create("pods", pod)
    token = key.sign(account_claims(account, [AUDIENCE], 600, ("Pod", bound)))
    assert known(token).extra["authentication.kubernetes.io/pod-name"] == ["p"]
    store.delete("pods", "default", "p")
    assert known(token) is None


def test_a_secret_is_filled_and_its_token_lives_as_long(store, key, known, account):
    annotations = {"kubernetes.io/service-account.name": "bob"}
    secret = {
        "metadata": {"name": "s", "namespace": "default", "annotations": annotations},
        "type": "kubernetes.io/service-account-token",
    }
    store.create("secrets", secret)
    for _ in range(2):
        secrets.reconcile(store, key, b"certificate", ("default", "s"))
    filled = store.get("secrets", "default", "s")
    data = {name: base64.b64decode(value).decode() for name, value in filled["data"].items()}
    assert (data["namespace"], data["ca.crt"]) == ("default", "certificate")
    assert filled["metadata"]["annotations"]["kubernetes.io/service-account.uid"] == account["metadata"]["uid"]
    assert known(data["token"]).name == "system:serviceaccount:default:bob"
    assert known(key.sign(secret_claims(account, "another"))) is None
    store.delete("secrets", "default", "s")
    assert known(data["token"]) is None


def test_a_secret_goes_with_its_account(store, key, account):
    annotations = {"kubernetes.io/service-account.name": "bob"}
    metadata = {"name": "s", "namespace": "default", "annotations": annotations}
    store.create("secrets", {"metadata": metadata, "type": "kubernetes.io/service-account-token"})
    secrets.reconcile(store, key, b"", ("default", "s"))
    store.delete("serviceaccounts", "default", "bob")
    secrets.reconcile(store, key, b"", ("default", "s"))
    assert store.find("secrets", "default", "s") is None


def test_the_server_fills_secrets_that_kubectl_makes(cluster, namespace, request_token, ask):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "annotations": {"kubernetes.io/service-account.name": "bob"}},
        "type": "kubernetes.io/service-account-token",
    }
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(secret))
    data = cluster.wait_for(lambda: cluster.store.get("secrets", namespace, "s").get("data", {}).get("token"))
    status, user = whoami(ask, base64.b64decode(data).decode())
    assert (status, user["username"]) == (201, f"system:serviceaccount:{namespace}:bob")


def test_token_requests(ask, namespace, request_token):
    status, made = request_token(expirationSeconds=1200)
    assert (status, made["kind"], made["spec"]["expirationSeconds"]) == (201, "TokenRequest", 1200)
    assert made["spec"]["audiences"] == [AUDIENCE]
    status, user = whoami(ask, made["status"]["token"])
    assert (status, user["username"]) == (201, f"system:serviceaccount:{namespace}:bob")
    for seconds, text in ((0, "less than 10 minutes"), (1 << 33, "larger than 2^32 seconds")):
        status, refused = request_token(expirationSeconds=seconds)
        assert (status, refused["reason"]) == (422, "Invalid")
        assert refused["message"].endswith(f"may not specify a duration {text}")


def test_a_token_request_bound_to_a_pod(ask, namespace, request_token):
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert ask("POST", f"/api/v1/namespaces/{namespace}/pods", pod)[0] == 201
    reference = {"kind": "Pod", "apiVersion": "v1", "name": "p"}
    assert request_token(boundObjectRef=reference)[0] == 201
    assert request_token(boundObjectRef=reference | {"uid": "other"})[0] == 409
    assert request_token(boundObjectRef=reference | {"name": "none"})[0] == 404
    assert request_token(boundObjectRef=reference | {"kind": "ConfigMap"})[0] == 400


def test_unknown_and_ended_tokens_get_401(ask, cluster, namespace, request_token):
    token = request_token()[1]["status"]["token"]
    path = "/api"
    assert ask("GET", path, token=token)[0] == 200
    for nobody in ("", "nonsense", token[:-10]):
        status, _, body = ask("GET", path, token=nobody)
        assert (status, json.loads(body)["message"]) == (401, "Unauthorized")
    cluster.kubectl("delete", "serviceaccount", "bob", "-n", namespace)
    assert ask("GET", path, token=token)[0] == 401


def test_kubectl_create_token(cluster, namespace, ask, request_token):
    made = cluster.kubectl("create", "token", "bob", "-n", namespace, "--duration=20m").stdout.strip()
    assert whoami(ask, made)[1]["username"] == f"system:serviceaccount:{namespace}:bob"
    done = cluster.kubectl("create", "token", "nobody", "-n", namespace, check=False)
    assert 'serviceaccounts "nobody" not found' in done.stderr


def test_token_reviews(ask, request_token):
    def review(**spec):
        status, _, body = ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": spec})
        assert status == 201
        return json.loads(body)["status"]

    token = request_token(audiences=["vault"])[1]["status"]["token"]
    good = review(token=token, audiences=["vault", "other"])
    assert (good["authenticated"], good["user"]["username"].endswith(":bob")) == (True, True)
    assert "authenticated" not in review(token=token)
    assert review(token="x")["error"] == "invalid bearer token"
