"""Jobs: pods that run to their end, as many as are asked for, and not for ever."""

from functools import partial
from typing import Any

from lab.kube import meta
from lab.kube.controllers.adoption import owned
from lab.kube.controllers.loop import Loop, controller_named, itself
from lab.kube.controllers.podcontrol import create_pod, delete_pod
from lab.kube.events import record
from lab.kube.meta import Key
from lab.kube.store import Store

Json = dict[str, Any]
_COMPONENT = "job-controller"
_FINALIZER = "batch.kubernetes.io/job-tracking"
_JOB_NAME = "batch.kubernetes.io/job-name"
_BACKOFF_SECONDS, _LONGEST_BACKOFF = 10, 600


async def run(store: Store) -> None:
    """Run until cancelled."""
    watches = {"jobs": itself, "pods": controller_named("Job")}
    await Loop(store, partial(reconcile, store), watches).run()


def reconcile(store: Store, key: Key) -> float | None:
    """Count what has ended, make or take away pods, and end the Job when it is time."""
    job = store.find("jobs", *key)
    # Pods that were let go of are counted by nobody any more.
    for pod in store.list("pods", key[0], f"{_JOB_NAME}={key[1]}"):
        if meta.controller_of(pod) is None:
            _release(store, pod)
    if job is None or meta.is_deleting(job):
        for pod in store.list("pods", key[0]):
            controller = meta.controller_of(pod) or {}
            if (controller.get("kind"), controller.get("name")) == ("Job", key[1]):
                _release(store, pod)
        return None
    job = _count(store, job, owned(store, job, "pods"))
    if _ended(job):
        return _expire(store, job)
    job = _note_suspension(store, job)
    active = [pod for pod in owned(store, job, "pods") if meta.is_pod_active(pod)]
    verdict = _verdict(job, active)
    if verdict:
        return _finish(store, job, active, verdict)
    wait = _fill(store, job, active)
    return _sooner(wait, _until_deadline(job))


def _count(store: Store, job: Json, pods: list[Json]) -> Json:
    """Add pods that ended to the counts, once each: their finalizer says that they are not counted yet."""
    ended = [pod for pod in pods if _FINALIZER in pod["metadata"].get("finalizers", ()) and _is_over(pod)]
    succeeded = sum(1 for pod in ended if pod["status"].get("phase") == "Succeeded")
    active = [pod for pod in pods if meta.is_pod_active(pod)]
    is_new = "startTime" not in job["status"] and not job["spec"].get("suspend")

    def change(new: Json) -> None:
        status = new["status"]
        if is_new:
            status["startTime"] = meta.now()
        counts = {
            "active": len(active),
            "ready": sum(1 for pod in active if meta.is_pod_ready(pod)),
            "terminating": sum(1 for pod in pods if meta.is_deleting(pod) and not meta.is_pod_finished(pod)),
            "succeeded": status.get("succeeded", 0) + succeeded,
            "failed": status.get("failed", 0) + len(ended) - succeeded,
        }
        for name, count in counts.items():
            status.pop(name, None)
            if count or name in ("ready", "terminating"):
                status[name] = count

    job = store.mutate("jobs", *meta.key_of(job), change, "status")
    for pod in ended:
        _release(store, pod)
    return job


def _note_suspension(store: Store, job: Json) -> Json:
    """Tell in the conditions and by an event that a Job was suspended or resumed.

    A Job that was never suspended has no such condition; the clock of its deadline starts anew when it resumes.
    """
    is_suspended = bool(job["spec"].get("suspend"))
    present = meta.condition_of(job, "Suspended")
    if is_suspended == bool(present and present["status"] == "True"):
        return job
    word = "suspended" if is_suspended else "resumed"
    now = meta.now()
    condition = {
        "type": "Suspended",
        "status": "True" if is_suspended else "False",
        "reason": f"Job{word.title()}",
        "message": f"Job {word}",
        "lastProbeTime": now,
        "lastTransitionTime": now,
    }

    def change(new: Json) -> None:
        status = new["status"]
        others = [one for one in status.get("conditions", []) if one["type"] != "Suspended"]
        status["conditions"] = [*others, condition]
        status.pop("startTime", None)
        if not is_suspended:
            status["startTime"] = now

    job = store.mutate("jobs", *meta.key_of(job), change, "status")
    record(store, job, word.title(), f"Job {word}", component=_COMPONENT)
    return job


def _is_over(pod: Json) -> bool:
    return meta.is_pod_finished(pod) or meta.is_deleting(pod)


def _release(store: Store, pod: Json) -> None:
    def change(new: Json) -> None:
        rest = [name for name in new["metadata"].pop("finalizers", []) if name != _FINALIZER]
        if rest:
            new["metadata"]["finalizers"] = rest

    if _FINALIZER in pod["metadata"].get("finalizers", ()):
        store.mutate("pods", *meta.key_of(pod), change)


def _ended(job: Json) -> bool:
    found = [meta.condition_of(job, kind) for kind in ("Complete", "Failed")]
    return any(condition and condition["status"] == "True" for condition in found)


def _verdict(job: Json, active: list[Json]) -> tuple[str, str, str] | None:
    """Return the condition, reason and message with which a Job ends; None while it goes on."""
    spec, status = job["spec"], job["status"]
    failures = status.get("failed", 0)
    if spec["template"]["spec"]["restartPolicy"] == "OnFailure":
        failures += sum(
            one.get("restartCount", 0) for pod in active for one in pod["status"].get("containerStatuses", [])
        )
    if failures > spec["backoffLimit"]:
        return "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    if _until_deadline(job) == 0:
        return "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
    succeeded = status.get("succeeded", 0)
    is_done = succeeded >= spec["completions"] if "completions" in spec else succeeded and not active
    return ("Complete", "CompletionsReached", "Reached expected number of succeeded pods") if is_done else None


def _until_deadline(job: Json) -> float | None:
    seconds, start = job["spec"].get("activeDeadlineSeconds"), job["status"].get("startTime")
    if seconds is None or start is None:
        return None
    return float(max(seconds - meta.age_seconds(start), 0.0))


def _finish(store: Store, job: Json, active: list[Json], verdict: tuple[str, str, str]) -> float | None:
    kind, reason, message = verdict
    for pod in active:
        delete_pod(store, job, pod, _COMPONENT)
    now = meta.now()
    # Clients wait for the interim condition first; its time is the end's.
    kinds = ("SuccessCriteriaMet" if kind == "Complete" else "FailureTarget", kind)
    conditions = [
        {
            "type": one,
            "status": "True",
            "reason": reason,
            "message": message,
            "lastProbeTime": now,
            "lastTransitionTime": now,
        }
        for one in kinds
    ]

    def change(new: Json) -> None:
        status = new["status"]
        status["conditions"] = [*status.get("conditions", []), *conditions]
        if kind == "Complete":
            status["completionTime"] = now
        else:
            status["failed"] = status.get("failed", 0) + len(active)
        status.pop("active", None)
        status["ready"] = 0

    job = store.mutate("jobs", *meta.key_of(job), change, "status")
    for pod in active:
        left = store.find("pods", *meta.key_of(pod))
        if left:
            _release(store, left)
    if kind == "Complete":
        record(store, job, "Completed", "Job completed", component=_COMPONENT)
    else:
        record(store, job, reason, message, "Warning", _COMPONENT)
    return _expire(store, job)


def _expire(store: Store, job: Json) -> float | None:
    """Delete a finished Job when its time to live is over."""
    seconds = job["spec"].get("ttlSecondsAfterFinished")
    if seconds is None:
        return None
    ended = max(one["lastTransitionTime"] for one in job["status"]["conditions"])
    left = seconds - meta.age_seconds(ended)
    if left > 0:
        return left
    store.delete("jobs", *meta.key_of(job), propagation="Foreground")
    return None


def _fill(store: Store, job: Json, active: list[Json]) -> float | None:
    """Make as many pods as may run now, or take away those that are too many; returns when to look again."""
    spec, status = job["spec"], job["status"]
    wanted = 0 if spec.get("suspend") else spec["parallelism"]
    if "completions" in spec:
        wanted = min(wanted, spec["completions"] - status.get("succeeded", 0))
    elif status.get("succeeded"):
        wanted = min(wanted, len(active))
    surplus = len(active) - wanted
    if surplus > 0:
        for pod in sorted(active, key=meta.is_pod_ready)[:surplus]:
            delete_pod(store, job, pod, _COMPONENT)
        return None
    wait = _backoff(store, job) if surplus < 0 else 0.0
    if wait:
        return wait
    for _ in range(-surplus):
        create_pod(store, job, _COMPONENT, (_FINALIZER,))
    return None


def _backoff(store: Store, job: Json) -> float:
    """Return how long to wait before the next try: 10 s after a failure, doubling up to ten minutes."""
    failures = job["status"].get("failed", 0)
    if not failures:
        return 0.0
    ends = [
        one["state"]["terminated"].get("finishedAt")
        for pod in owned(store, job, "pods")
        if pod["status"].get("phase") == "Failed"
        for one in pod["status"].get("containerStatuses", [])
        if "terminated" in one.get("state", {})
    ]
    known = [end for end in ends if end]
    if not known:
        return 0.0
    pause = min(_BACKOFF_SECONDS * 2 ** (failures - 1), _LONGEST_BACKOFF)
    return float(max(pause - meta.age_seconds(max(known)), 0.0))


def _sooner(first: float | None, second: float | None) -> float | None:
    known = [seconds for seconds in (first, second) if seconds is not None]
    return min(known) + 0.01 if known else None
