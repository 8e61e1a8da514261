"""What makes the cluster follow what is asked of it: one controller a module, each `async def run(store)`."""

import asyncio
import logging

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

log = logging.getLogger(__name__)
_MODULES = (clusterrole, deployment, endpoints, garbage, job, namespace, replicaset, scheduler, serviceaccount)


def start_all(store: Store) -> list[asyncio.Task[None]]:
    """Start every controller; one that ends uncancelled is reported in the log. Cancel them to stop."""
    tasks = []
    for module in _MODULES:
        name = module.__name__.rpartition(".")[2]
        task = asyncio.create_task(module.run(store), name=f"{name} controller")
        task.add_done_callback(_report)
        tasks.append(task)
    return tasks


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.error("the %s has ended: the cluster no longer follows", task.get_name(), exc_info=task.exception())
