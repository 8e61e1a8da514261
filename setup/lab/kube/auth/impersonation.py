"""Acting as somebody else (kubectl --as), for those who may."""

from collections.abc import Iterator

from lab.kube.auth.attributes import Attributes
from lab.kube.auth.identity import AUTHENTICATED, User, account_groups, split_account
from lab.kube.auth.rbac import require
from lab.kube.errors import ApiError, bad_request
from lab.kube.store import Store

_USER, _GROUP, _UID = "impersonate-user", "impersonate-group", "impersonate-uid"


def impersonated(store: Store, user: User, headers: Iterator[tuple[str, str]]) -> User:
    """Return whom the Impersonate-* headers name, else the user; raises ApiError 400, 403, 500."""
    given: dict[str, list[str]] = {}
    for name, value in headers:
        if name.lower().startswith("impersonate-"):
            given.setdefault(name.lower(), []).append(value)
    if not given:
        return user
    if other := sorted(given.keys() - {_USER, _GROUP, _UID}):
        raise bad_request(f"the header {other[0]} is not supported here")
    if _USER not in given:
        raise ApiError(500, "InternalError", f"requested {sorted(given.items())} without impersonating a user")
    name, groups = given[_USER][0], tuple(given.get(_GROUP, ()))
    account = split_account(name)
    if account:
        _ask(store, user, "", "serviceaccounts", *account)
    else:
        _ask(store, user, "", "users", "", name)
    for group in groups:
        _ask(store, user, "", "groups", "", group)
    for uid in given.get(_UID, ()):
        _ask(store, user, "authentication.k8s.io", "uids", "", uid)
    if account and not groups:
        groups = account_groups(account[0])
    if AUTHENTICATED not in groups:
        groups += (AUTHENTICATED,)
    return User(name, "".join(given.get(_UID, [])[:1]), groups)


def _ask(store: Store, user: User, group: str, resource: str, namespace: str, name: str) -> None:
    require(store, user, Attributes("impersonate", "", group, resource, "", namespace, name))
