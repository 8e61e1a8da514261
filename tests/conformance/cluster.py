"""What the tests of this folder ask with: kubectl, plain HTTP; and the small objects that they ask about."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 60.0
"""How long anything that a test waits for may take: a real cluster pulls the image first."""
NEVER = "example.com/no-such-image:1"
FROM_ENVIRONMENT = "env"


def chosen_kubeconfig(option: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the kubeconfig chosen by the option or else by CONFORMANCE_KUBECONFIG; None means the lab's.

    KUBECONFIG counts when the choice is "env", never by itself: it may name a cluster that somebody works on.

    :raises ValueError: what was chosen is not there.
    """
    chosen = option or environment.get("CONFORMANCE_KUBECONFIG", "")
    if not chosen:
        return None
    named = environment.get("KUBECONFIG", "") if chosen == FROM_ENVIRONMENT else chosen
    if not named:
        raise ValueError("the kubeconfig for tests/conformance is to be KUBECONFIG's, which is not set")
    missing = [path for path in named.split(os.pathsep) if path and not Path(path).is_file()]
    if missing:
        raise ValueError(f"the kubeconfig for tests/conformance is not there: {missing[0]}")
    return named


@dataclass(frozen=True)
class Kubectl:
    """One version of kubectl, in one namespace."""

    program: Path
    environment: dict[str, str]
    namespace: str

    def __call__(self, *words: Any, stdin: Any = None, code: int | None = 0, **variables: str) -> str:
        """Run a command; returns what it says on both outputs. stdin that is no text is sent as JSON."""
        done = subprocess.run(
            self.command(*words),
            env={**self.environment, **variables},
            input=stdin if stdin is None or isinstance(stdin, str) else json.dumps(stdin),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"{words}: exit code {done.returncode}: {said}"
        return said

    def command(self, *words: Any) -> list[str]:
        return [str(self.program), "-n", self.namespace, *map(str, words)]

    def json(self, *words: str) -> dict[str, Any]:
        """Return what `kubectl get -o json` shows."""
        shown: dict[str, Any] = json.loads(self("get", *words, "-o", "json"))
        return shown

    def apply(self, *documents: dict[str, Any], code: int = 0, options: tuple[str, ...] = ()) -> str:
        """Apply objects, by default on the client's side."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        return self("apply", *options, "-f", "-", stdin=listed, code=code)


def read_until(process: subprocess.Popen[str], text: str) -> list[str]:
    """Return a process' lines up to one with this text; the test's own time limit ends a vain wait."""
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"{text!r} is not in {lines}")


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    status: int
    headers: Any
    body: Any

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))

    @property
    def causes(self) -> list[tuple[str, str]]:
        """The fields that are wrong, and how."""
        details = self.body.get("details") or {}
        return [(one["field"], one["reason"]) for one in details.get("causes", [])]


def parsed(text: bytes | str) -> Any:
    """Return an answer's JSON; what is none, such as a log, as its message."""
    try:
        return json.loads(text)
    except ValueError:
        return {"message": text if isinstance(text, str) else text.decode()}


def until(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """Return what condition returns once that is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)
    return value


def config_map(name: str, data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    """Return a ConfigMap."""
    document: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}
    return document | ({"data": data} if data else {})


def deployment(name: str = "web", *, image: str = NEVER, replicas: int = 0, **spec: Any) -> dict[str, Any]:
    """Return a Deployment; without an image it asks for no pod, and so needs nothing that runs."""
    labels = {"app": name}
    container = {"name": "app", "image": image}
    template = {
        "metadata": {"labels": labels},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


def container_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the first container of a Deployment, to be changed."""
    first: dict[str, Any] = document["spec"]["template"]["spec"]["containers"][0]
    return first
