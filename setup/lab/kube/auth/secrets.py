"""Secrets of type kubernetes.io/service-account-token: filled with a token, gone with their ServiceAccount."""

import base64
from collections.abc import Iterable
from functools import partial
from typing import Any

from lab.kube import meta
from lab.kube.auth.tokens import TokenKey, secret_claims
from lab.kube.controllers.loop import Loop, itself
from lab.kube.meta import Key
from lab.kube.store import Store
from lab.kube.watch import Change

_TYPE = "kubernetes.io/service-account-token"
_NAME, _UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"


async def run(store: Store, key: TokenKey, authority: bytes) -> None:
    """Run until cancelled; authority is the CA's certificate, which goes along with each token."""

    def secrets_of(change: Change) -> Iterable[Key]:
        name, namespace = change.obj["metadata"]["name"], change.obj["metadata"]["namespace"]
        secrets = store.list("secrets", namespace, field_selector=f"type={_TYPE}")
        return [meta.key_of(one) for one in secrets if meta.annotations_of(one).get(_NAME) == name]

    watches = {"secrets": itself, "serviceaccounts": secrets_of}
    await Loop(store, partial(reconcile, store, key, authority), watches).run()


def reconcile(store: Store, key: TokenKey, authority: bytes, place: Key) -> None:
    """Fill one Secret, or delete it when its ServiceAccount is gone or another one of the same name."""
    secret = store.find("secrets", *place)
    if secret is None or secret.get("type") != _TYPE or meta.is_deleting(secret):
        return
    annotations = meta.annotations_of(secret)
    account = store.find("serviceaccounts", place[0], annotations.get(_NAME, ""))
    if account is None or annotations.get(_UID, account["metadata"]["uid"]) != account["metadata"]["uid"]:
        store.delete("secrets", *place)
        return
    namespace = place[0].encode()
    wanted = {"ca.crt": _text(authority), "namespace": _text(namespace)}
    if "token" not in secret.get("data", {}):
        wanted["token"] = _text(key.sign(secret_claims(account, place[1])).encode())

    def change(new: dict[str, Any]) -> None:
        new["metadata"].setdefault("annotations", {})[_UID] = account["metadata"]["uid"]
        new["data"] = new.get("data", {}) | wanted

    store.mutate("secrets", *place, change)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
