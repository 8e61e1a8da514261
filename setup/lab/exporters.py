"""The exporters for PostgreSQL and Redis: the words that start them, and the database's password.

The Redis exporter asks whichever server a scrape names. The one for PostgreSQL asks the one server that its
environment names, by an ordinary role: PostgreSQL 15 keeps its reserved slots for superusers, and a superuser
would be too much for a reader of statistics. So that it still sees a server whose slots are all taken, it keeps
the one connection that it has; its other collectors, which would open a second one, are off. Started while no
slot is left it says ``pg_up 0``, which an alert on slots has to count as well.
"""

import base64
import contextlib
import re
import subprocess
from collections.abc import Mapping
from typing import Any

from lab.components import Supervisor
from lab.kube.store import Store
from lab.settings import HOST, Settings

Object = dict[str, Any]
POSTGRES, REDIS = "prometheus-postgres-exporter", "prometheus-redis-exporter"
_NAMESPACE, _SECRET = "ecommerce", "product-data-exporter"
# Of the second that a scrape may take, what a Redis that does not answer may use up.
_REDIS_TIMEOUT = "700ms"


def postgres_words(settings: Settings) -> list[str]:
    """Return the words that start the PostgreSQL exporter, without the collectors that its version brings."""
    help_text = subprocess.run([POSTGRES, "--help"], capture_output=True, text=True, check=False)
    names = re.findall(r"--(?:\[no-\])?collector\.([a-z_]+)\s", help_text.stdout + help_text.stderr)
    return [
        POSTGRES,
        f"--web.listen-address={HOST}:{settings.ports.postgres}",
        "--log.level=warn",
        *(f"--no-collector.{name}" for name in sorted(set(names))),
    ]


def postgres_environment() -> dict[str, str]:
    """Return where the PostgreSQL exporter connects to; the user and the password come with the Secret."""
    server = f"product-data.{_NAMESPACE}.svc.cluster.local:5432"
    # Another database than the shop's, and the least time that its driver can wait.
    return {"DATA_SOURCE_URI": f"{server}/postgres?sslmode=disable&connect_timeout=1"}


def redis_words(settings: Settings) -> list[str]:
    """Return the words that start the Redis exporter, with no server of its own."""
    return [
        REDIS,
        f"-web.listen-address={HOST}:{settings.ports.redis}",
        "-redis.addr=",
        f"-connection-timeout={_REDIS_TIMEOUT}",
    ]


async def follow_password(store: Store, supervisor: Supervisor) -> None:
    """Give the PostgreSQL exporter the user and password of its Secret, now and whenever they change."""
    with contextlib.closing(store.subscribe("secrets", _NAMESPACE)) as changes:
        async for kind, secret in changes:
            if secret["metadata"]["name"] == _SECRET and kind != "DELETED":
                supervisor.give(_credentials(secret.get("data") or {}))


def _credentials(data: Mapping[str, str]) -> dict[str, str]:
    names = {"DATA_SOURCE_USER": "username", "DATA_SOURCE_PASS": "password"}
    # What no environment can hold is no password that works either.
    return {
        name: base64.b64decode(data.get(key, "")).decode("utf-8", "replace").replace("\0", "?")
        for name, key in names.items()
    }
