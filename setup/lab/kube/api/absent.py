"""What a cluster serves and the lab does not, though clients ask for it: said in one line, not by a 404."""

from lab.kube.errors import ApiError

_SHELL = "a container is a process on this machine, without a file system or namespaces of its own to enter"
_ABSENT = {
    ("pods", "exec"): f"the lab runs no commands in containers (exec, cp): {_SHELL}",
    ("pods", "attach"): "the lab does not attach to containers: follow their logs",
    ("pods", "portforward"): "the lab forwards no ports: a pod's address can be reached from this machine",
    ("pods", "proxy"): "the lab has no proxy to pods: their addresses can be reached from this machine",
    ("services", "proxy"): "the lab has no proxy to Services: their pods can be reached from this machine",
    ("nodes", "proxy"): "the lab's node has no API of its own",
    ("pods", "ephemeralcontainers"): f"the lab has no ephemeral containers (debug): {_SHELL}",
    ("pods", "resize"): "the lab does not change the resources of containers that run",
}


def check_served(plural: str, subresource: str) -> None:
    """Raise ApiError 501 for a part of objects that a cluster has and the lab has not."""
    why = _ABSENT.get((plural, subresource))
    if why:
        raise ApiError(501, "NotImplemented", f"{why} (setup/lab/README.md)", {})
