"""Tokens that are signed, not stored: JSON Web Tokens (RFC 7519), ES256 (RFC 7518)."""

import base64
import binascii
import json
import time
import uuid
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from lab.kube.auth.identity import account_name

ISSUER = "https://kubernetes.default.svc.cluster.local"
AUDIENCE = ISSUER
"""Whom a token must be for to be accepted here."""
LEGACY_ISSUER = "kubernetes/serviceaccount"
"""The issuer of tokens that live in Secrets and do not expire."""
_COORDINATE_BYTES = 32
_ALGORITHM = ec.ECDSA(SHA256())


class TokenKey:
    """A key that signs and verifies. It lives as long as its process: so do the ServiceAccounts."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._public = self._key.public_key()

    def sign(self, claims: dict[str, Any]) -> str:
        """Return a token that says this."""
        head = f"{_encode_json({'alg': 'ES256', 'typ': 'JWT'})}.{_encode_json(claims)}"
        numbers = decode_dss_signature(self._key.sign(head.encode(), _ALGORITHM))
        signature = b"".join(number.to_bytes(_COORDINATE_BYTES, "big") for number in numbers)
        return f"{head}.{_encode(signature)}"

    def verify(self, token: str) -> dict[str, Any] | None:
        """Return what a token says; None when this key did not sign it. Its times are not looked at."""
        head, _, signature = token.rpartition(".")
        try:
            raw = _decode(signature)
            if len(raw) != 2 * _COORDINATE_BYTES:
                return None
            numbers = (
                int.from_bytes(half, "big") for half in (raw[:_COORDINATE_BYTES], raw[_COORDINATE_BYTES:])
            )
            self._public.verify(encode_dss_signature(*numbers), head.encode(), _ALGORITHM)
            header, claims = (json.loads(_decode(part)) for part in head.split("."))
        except (InvalidSignature, ValueError):
            return None
        return claims if isinstance(claims, dict) and header.get("alg") == "ES256" else None


def account_claims(
    account: dict[str, Any],
    audiences: list[str],
    seconds: int,
    bound: tuple[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the claims of a ServiceAccount's token; bound names the object whose end is the token's."""
    metadata, now = account["metadata"], int(time.time())
    private: dict[str, Any] = {
        "namespace": metadata["namespace"],
        "serviceaccount": {"name": metadata["name"], "uid": metadata["uid"]},
    }
    if bound:
        kind, obj = bound
        private[kind.lower()] = {"name": obj["metadata"]["name"], "uid": obj["metadata"]["uid"]}
    return {
        "aud": audiences,
        "exp": now + seconds,
        "iat": now,
        "iss": ISSUER,
        "jti": str(uuid.uuid4()),
        "kubernetes.io": private,
        "nbf": now,
        "sub": account_name(metadata["namespace"], metadata["name"]),
    }


def secret_claims(account: dict[str, Any], secret_name: str) -> dict[str, Any]:
    """Return the claims of a token that a Secret keeps: no end, but the Secret's and the account's."""
    metadata, prefix = account["metadata"], LEGACY_ISSUER
    return {
        "iss": LEGACY_ISSUER,
        f"{prefix}/namespace": metadata["namespace"],
        f"{prefix}/secret.name": secret_name,
        f"{prefix}/service-account.name": metadata["name"],
        f"{prefix}/service-account.uid": metadata["uid"],
        "sub": account_name(metadata["namespace"], metadata["name"]),
    }


def _encode_json(value: dict[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
