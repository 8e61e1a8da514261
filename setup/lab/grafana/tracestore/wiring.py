"""How the lab starts the trace store, and how pods learn where to send spans."""

from __future__ import annotations

import contextlib
from typing import Any

from lab.kube.errors import ApiError
from lab.kube.store import Store
from lab.layout import interpreter
from lab.settings import HOST, Settings

#: The ConfigMap that app.yaml's containers take their environment from, where it exists.
CONFIG_MAP = "telemetry"


def words(settings: Settings) -> list[str]:
    """Return the words that start the trace store."""
    return [str(interpreter()), "-m", "lab.grafana.tracestore", f"--port={settings.ports.tempo}"]


async def publish(store: Store, settings: Settings, namespace: str) -> None:
    """Put the ConfigMap into the namespace when that is made, as a cluster does its root certificate."""
    with contextlib.closing(store.subscribe("namespaces")) as changes:
        async for kind, found in changes:
            if kind == "ADDED" and found["metadata"]["name"] == namespace:
                with contextlib.suppress(ApiError):  # somebody else's is left as it is
                    store.create("configmaps", config_map(settings, namespace))


def config_map(settings: Settings, namespace: str) -> dict[str, Any]:
    """Return the ConfigMap that tells pods to export spans by OTLP/HTTP to the trace store."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "namespace": namespace},
        "data": {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{settings.ports.tempo}"},
    }
