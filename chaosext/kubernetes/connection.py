"""Which cluster is meant: KUBECONFIG's, or inside a pod that of its ServiceAccount.

The actions of chaostoolkit-kubernetes (chaosk8s.create_k8s_api_client) find their cluster by themselves. What
is chosen here is what they choose, or it is refused: otherwise a fault could reach another cluster than the
one whose opt-in was checked.
"""

from __future__ import annotations

import os
from pathlib import Path

from kubernetes import client, config

from ..errors import BadInput

__all__ = ["connect"]

_IN_POD = "CHAOSTOOLKIT_IN_POD"
_SERVICE_HOST = "KUBERNETES_SERVICE_HOST"
"""Every pod has it: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/."""


def connect(kubeconfig: str | None = None) -> tuple[str, client.Configuration]:
    """Return what to call the cluster in messages, and how it is reached.

    A kubeconfig's context is KUBERNETES_CONTEXT's, else its current one. Raises BadInput when neither a
    kubeconfig nor a pod's ServiceAccount can be used.
    """
    given = kubeconfig or os.environ.get("KUBECONFIG")
    path = given or str(Path("~/.kube/config").expanduser())
    if not given and not Path(path).is_file() and os.environ.get(_SERVICE_HOST):
        return _service_account()
    if not Path(path).is_file():
        raise BadInput(f"KUBECONFIG: {path} does not exist: run 'source setup/env', or export your own")
    configuration = client.Configuration()
    try:
        context = os.environ.get("KUBERNETES_CONTEXT") or config.list_kube_config_contexts(path)[1]["name"]
        config.load_kube_config(path, context=context, client_configuration=configuration)
    except Exception as error:
        raise BadInput(f"KUBECONFIG: {path} cannot be used: {_line(error)}") from error
    return f"context {context}", configuration


def _service_account() -> tuple[str, client.Configuration]:
    """Return the cluster that this pod runs in; the token is read anew each minute, since it is replaced."""
    if os.environ.get(_IN_POD) != "true":
        raise BadInput(
            f"KUBECONFIG is not set, and this is a pod: export {_IN_POD}=true to act as its ServiceAccount"
        )
    configuration = client.Configuration()
    try:
        config.load_incluster_config(configuration)
    except config.ConfigException as error:
        raise BadInput(f"{_IN_POD}: this pod's ServiceAccount cannot be used: {_line(error)}") from error
    return "this pod's own cluster", configuration


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
