"""A copy of the scripts beside stub commands that write down how they were called, and fail when told to."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COPIED = ("setup/up", "setup/down", "setup/env", "setup/lib.sh", "setup/kind", "setup/existing", "manifests")
# Writes its words down; answers as the real command would, as far as the scripts listen. `python` stands for
# the suite's own programs, whose tests are elsewhere.
STUB = """#!{python}
import json, os, pathlib, re, sys
world = pathlib.Path({world!r})
name = pathlib.Path(sys.argv[0]).name
words = sys.argv[1:]
asked = {{"command": name, "words": words, "kubeconfig": os.environ.get("KUBECONFIG"),
          "input": "" if sys.stdin.isatty() or words[-2:] != ["-f", "-"] else sys.stdin.read()}}
with (world / "calls").open("a") as calls:
    calls.write(json.dumps(asked) + "\\n")
line = " ".join([name, *words])
failures = (world / "failures").read_text().splitlines()
for failure in failures:
    if re.search(failure, line):
        sys.exit(f"{{name}}: told to fail")
if line == "kind version" or line.startswith("helm version"):
    print((world / name).read_text())
clusters = world / "clusters"
if line == "kind get clusters":
    print(clusters.read_text() if clusters.exists() else "", end="")
if line.startswith("kind create cluster"):
    clusters.write_text(words[words.index("--name") + 1] + "\\n")
if line.startswith("kind delete cluster"):
    clusters.unlink(missing_ok=True)
if line.startswith("kind export kubeconfig"):
    pathlib.Path(words[words.index("--kubeconfig") + 1]).write_text("a kubeconfig")
if line.startswith("docker image inspect"):
    print((world / "image").read_text())
secret = world / "secret"
if line.startswith("kubectl get secret grafana-admin"):
    if secret.exists():
        print(secret.read_text(), end="")
    elif "--ignore-not-found" not in words:
        sys.exit("kubectl: not found")
if line.startswith("kubectl create secret generic grafana-admin"):
    secret.write_text("cGFzc3dvcmQ=")
if name == "python" and words and words[0].endswith("grafana_token.py"):
    (pathlib.Path(words[2]) / "grafana-token").write_text("a-token-of-grafana")
if name == "python" and words[0] == "-c":
    print("a-password", end="")
if any(f.startswith("after ") and re.search(f.removeprefix("after "), line) for f in failures):
    sys.exit(f"{{name}}: told to fail when it was done")
"""


class Scripts:
    """The copied scripts, and a PATH with the stubs and a few ordinary commands."""

    def __init__(self, folder: Path, commands: tuple[str, ...]) -> None:
        self.root = folder / "checkout"
        self.world = folder / "world"
        self.state = folder / "state"
        self.path = folder / "bin"
        self.world.mkdir(parents=True)
        self.path.mkdir()
        for name in COPIED:
            source, target = ROOT / name, self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns(".state", "__pycache__"))
            else:
                shutil.copy(source, target)
        (self.root / "setup" / "install").write_text('#!/bin/sh\nexec install-client "$@"\n')
        (self.root / "setup" / "install").chmod(0o755)
        for name in ("calls", "failures"):
            (self.world / name).write_text("")
        for name, text in (
            ("image", "sha256:one"),
            ("kind", "kind v0.32.0 go1.26.0 linux/amd64"),
            ("helm", "v3.18.4+gd80839c"),
        ):
            (self.world / name).write_text(text)
        venv = self.root / ".venv" / "bin"
        venv.mkdir(parents=True)
        for name in (*commands, "install-client"):
            self._stub(self.path / name)
        for name in ("python", "kubectl"):
            self._stub(venv / name)
        for name in (
            "bash",
            "sh",
            "basename",
            "dirname",
            "grep",
            "cut",
            "sort",
            "cat",
            "mkdir",
            "rm",
            "mv",
            "cmp",
        ):
            (self.path / name).symlink_to(shutil.which(name))
        for name in ("base64", "readlink"):
            (self.path / name).symlink_to(shutil.which(name))

    def _stub(self, path: Path) -> None:
        path.write_text(STUB.format(python=sys.executable, world=str(self.world)))
        path.chmod(0o755)

    def __call__(self, script: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run setup/<script> in an environment of its own; KUBECONFIG is a user's."""
        own = {"PATH": str(self.path), "HOME": "/nonexistent", "KIND_STATE": str(self.state)}
        return subprocess.run(
            [str(self.root / "setup" / script), *words],
            env=own | {"KUBECONFIG": "/the/users/own"} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            timeout=100,
            check=False,
        )

    def fail(self, *patterns: str) -> None:
        """Let calls that match fail from now on; without a pattern, none.

        `after ` before a pattern lets them do their work first, as a program that is interrupted has.
        """
        (self.world / "failures").write_text("\n".join(patterns))

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls since the last question."""
        path = self.world / "calls"
        found = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text("")
        return found

    def lines(self) -> list[str]:
        """Return the calls since the last question, each as one line, the checkout and the state left out."""
        text = [" ".join([c["command"], *c["words"]]) for c in self.calls()]
        return [line.replace(str(self.root), "ROOT").replace(str(self.state), "STATE") for line in text]


def environment_of(exports: str) -> dict[str, str]:
    """Let a shell evaluate what env printed, and return what it exports."""
    done = subprocess.run(
        ["bash", "-c", f"{exports}\nenv -0"], env={"PATH": os.environ["PATH"]}, capture_output=True, check=True
    )
    return dict(e.split("=", 1) for e in done.stdout.decode().split("\0") if "=" in e)
