"""Makes a Grafana service account and its token: python setup/kind/grafana_token.py URL STATE.

The folder STATE has the administrator's password in the file grafana-admin, and gets the token in the file
grafana-token. A token that Grafana still takes is kept. The API is Grafana's service account API:
https://grafana.com/docs/grafana/latest/developers/http_api/serviceaccount/. The role is Admin, because
open-source Grafana lists its data sources to nobody else.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import requests

ACCOUNT = "chaos-gameday"
PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 10.0
_REFUSED = (401, 403)


class TokenError(Exception):
    """Grafana did not give a token; the message says why, and holds no secret."""


def main(url: str, state: Path) -> None:
    """Keep the token that there is if Grafana takes it, else write another one."""
    file = state / "grafana-token"
    wait_until_healthy(url)
    if file.exists() and is_taken(url, file.read_text()):
        return
    token = make(url, ("admin", (state / "grafana-admin").read_text()))
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
        written.write(token)
    draft.replace(file)


def wait_until_healthy(url: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return when Grafana's health says that its database is ok; raises TokenError when it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = requests.get(f"{url}/api/health", timeout=TIMEOUT_SECONDS)
            if answer.ok and answer.json().get("database") == "ok":
                return
            said = f"HTTP {answer.status_code}"
        except (requests.RequestException, ValueError) as error:
            said = type(error).__name__
        if time.monotonic() > deadline:
            raise TokenError(f"{url} is not healthy within {seconds:.0f} s: {said}")
        time.sleep(PAUSE_SECONDS)


def is_taken(url: str, token: str) -> bool:
    """Return whether Grafana lets the token in."""
    answer = requests.get(
        f"{url}/api/org", headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS
    )
    return answer.ok


def make(url: str, administrator: tuple[str, str]) -> str:
    """Return a new token of the service account, which is made if it is not there, and revoke its others."""
    with requests.Session() as session:
        session.auth = administrator
        accounts = f"{url}/api/serviceaccounts"
        found = _ask(session, "GET", f"{accounts}/search?query={ACCOUNT}")["serviceAccounts"]
        named = [account for account in found if account["name"] == ACCOUNT]
        wanted = {"name": ACCOUNT, "role": "Admin", "isDisabled": False}
        account = named[0] if named else _ask(session, "POST", accounts, wanted)
        tokens = f"{accounts}/{account['id']}/tokens"
        for old in _ask(session, "GET", tokens):
            _ask(session, "DELETE", f"{tokens}/{old['id']}")
        return str(_ask(session, "POST", tokens, {"name": "gameday"})["key"])


def _ask(session: requests.Session, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    try:
        answer = session.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        raise TokenError(f"{method} {url}: {type(error).__name__}") from error
    if answer.status_code in _REFUSED:
        raise TokenError(
            f"{method} {url}: HTTP {answer.status_code}: Grafana does not take the administrator's password of "
            "the state folder; run setup/down kind and setup/up kind"
        )
    if not answer.ok:
        raise TokenError(f"{method} {url}: HTTP {answer.status_code}")
    return answer.json()


if __name__ == "__main__":
    try:
        main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
    except (TokenError, OSError) as error:
        sys.exit(f"grafana_token.py: {error}")
