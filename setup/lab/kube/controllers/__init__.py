"""What makes the cluster follow what is asked of it: one controller a module, each `async def run(store)`."""

from functools import partial

from lab.kept import Kept
from lab.kube.controllers import (
    clusterrole,
    deployment,
    endpoints,
    garbage,
    job,
    namespace,
    replicaset,
    scheduler,
    serviceaccount,
)
from lab.kube.store import Store

_MODULES = (clusterrole, deployment, endpoints, garbage, job, namespace, replicaset, scheduler, serviceaccount)


def start_all(store: Store) -> list[Kept]:
    """Start every controller; stop them with lab.kept.stop_all."""
    return [
        Kept(f"{module.__name__.rpartition('.')[2]} controller", partial(module.run, store))
        for module in _MODULES
    ]
