"""A user as the API knows one: a name and groups."""

from dataclasses import dataclass, field
from typing import Any

AUTHENTICATED = "system:authenticated"
MASTERS = "system:masters"
ALL_ACCOUNTS = "system:serviceaccounts"
_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who has proved who they are."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, list[str]] = field(default_factory=dict)

    def to_info(self) -> dict[str, Any]:
        """Return the user as authentication.k8s.io/v1 UserInfo."""
        info: dict[str, Any] = {"username": self.name, "groups": list(self.groups)}
        if self.uid:
            info["uid"] = self.uid
        return info | ({"extra": self.extra} if self.extra else {})


ADMIN = User("kubernetes-admin", groups=(MASTERS, AUTHENTICATED))
"""Who holds the lab's own token."""


def account_name(namespace: str, name: str) -> str:
    """Return the user name of a ServiceAccount."""
    return f"{_ACCOUNT}{namespace}:{name}"


def account_groups(namespace: str) -> tuple[str, ...]:
    """Return the groups of every ServiceAccount of a namespace."""
    return (ALL_ACCOUNTS, f"{ALL_ACCOUNTS}:{namespace}", AUTHENTICATED)


def split_account(user_name: str) -> tuple[str, str] | None:
    """Return the namespace and name of the ServiceAccount that a user name means; None for other users."""
    namespace, colon, name = user_name.removeprefix(_ACCOUNT).partition(":")
    is_account = user_name.startswith(_ACCOUNT) and colon and namespace and name and ":" not in name
    return (namespace, name) if is_account else None
