"""From a bearer token to a user."""

import base64
import hmac
import time
from typing import Any

from lab.kube.auth.identity import ADMIN, User, account_groups, account_name
from lab.kube.auth.tokens import AUDIENCE, ISSUER, LEGACY_ISSUER, TokenKey
from lab.kube.meta import is_deleting
from lab.kube.store import Store

_BOUND = {"pod": "pods", "secret": "secrets", "node": "nodes"}


class Authenticator:
    """Knows the administrator's token, and those of ServiceAccounts as long as what they are bound to lives."""

    def __init__(self, store: Store, admin_token: str, key: TokenKey) -> None:
        self._store = store
        self._admin_token = admin_token.encode()
        self._key = key

    def user_of(self, token: str, audiences: tuple[str, ...] = (AUDIENCE,)) -> User | None:
        """Return who holds a token; None when it is unknown, expired, for others, or its account is gone."""
        if hmac.compare_digest(token.encode(errors="surrogateescape"), self._admin_token):
            return ADMIN
        claims = self._key.verify(token)
        if claims is None:
            return None
        if claims.get("iss") == ISSUER:
            return self._bound_user(claims, audiences)
        return self._secret_user(claims, token) if claims.get("iss") == LEGACY_ISSUER else None

    def _bound_user(self, claims: dict[str, Any], audiences: tuple[str, ...]) -> User | None:
        is_current = claims["nbf"] <= time.time() < claims["exp"]
        if not is_current or not set(audiences) & set(claims["aud"]):
            return None
        private = claims["kubernetes.io"]
        namespace, account = private["namespace"], private["serviceaccount"]
        extra = {"authentication.kubernetes.io/credential-id": [f"JTI={claims['jti']}"]}
        for kind, plural in _BOUND.items():
            bound = private.get(kind)
            if bound is None:
                continue
            if not self._lives(plural, None if kind == "node" else namespace, bound):
                return None
            for field in ("name", "uid"):
                extra[f"authentication.kubernetes.io/{kind}-{field}"] = [bound[field]]
        return self._account_user(namespace, account, extra)

    def _secret_user(self, claims: dict[str, Any], token: str) -> User | None:
        def claim(name: str) -> str:
            return str(claims[f"{LEGACY_ISSUER}/{name}"])

        namespace, name = claim("namespace"), claim("secret.name")
        secret = self._store.find("secrets", namespace, name)
        kept = (secret or {}).get("data", {}).get("token", "")
        if secret is None or is_deleting(secret) or kept != base64.b64encode(token.encode()).decode():
            return None
        account = {"name": claim("service-account.name"), "uid": claim("service-account.uid")}
        return self._account_user(namespace, account, {})

    def _account_user(
        self, namespace: str, account: dict[str, str], extra: dict[str, list[str]]
    ) -> User | None:
        if not self._lives("serviceaccounts", namespace, account):
            return None
        name = account_name(namespace, account["name"])
        return User(name, account["uid"], account_groups(namespace), extra)

    def _lives(self, plural: str, namespace: str | None, reference: dict[str, str]) -> bool:
        obj = self._store.find(plural, namespace, reference["name"])
        return obj is not None and obj["metadata"]["uid"] == reference["uid"] and not is_deleting(obj)
