"""What ``status``, ``logs`` and ``alerts`` print."""

import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from lab import alerts, readiness
from lab.errors import LabError
from lab.layout import Layout
from lab.node import logreader
from lab.settings import HOST, Settings

Object = dict[str, Any]
_FOLLOW_SECONDS = 0.2
_TITLE_WIDTH = 48
_MIB = 1024 * 1024
# What a Deployment, a Job or nobody puts behind a workload's name to make a pod's.
_POD_TAIL = r"(-[a-z0-9]+)?(-[a-z0-9]{5})?"


def status_text(lab: Settings, found: Object) -> str:
    """Return the daemon's status for a person."""
    ports = lab.ports
    memory, seconds = found["memory_bytes"] // _MIB, found["uptime_seconds"]
    lines = [f"up for {seconds:.0f} s (pid {found['pid']}, user {found['user']}), {memory} MiB", ""]
    rows = [("COMPONENT", "STATE", "RESTARTS", ""), *map(_component_row, found["components"])]
    lines += [*_columns(rows), ""]
    rows = [("POD", "STATE", "RESTARTS", "ADDRESS"), *map(_pod_row, found["pods"])]
    lines += [*_columns(rows), ""]
    lines.append(f"{'Storefront':<12} {readiness.storefront(lab)}")
    urls = (
        ("Dashboards", ports.grafana),
        ("Prometheus", ports.prometheus),
        ("Alertmanager", ports.alertmanager),
    )
    lines += [f"{name:<12} http://{HOST}:{port}" for name, port in urls]
    lines.append(f"{'Kubernetes':<12} https://{HOST}:{ports.kubernetes}")
    return "\n".join(lines)


def _component_row(entry: Object) -> tuple[str, ...]:
    return entry["name"], "ready" if entry["ready"] else "not ready", str(entry["restarts"]), entry["reason"]


def _pod_row(pod: Object) -> tuple[str, ...]:
    state = pod["phase"] if pod["ready"] or pod["phase"] != "Running" else "not ready"
    return pod["name"], state, str(pod["restarts"]), f"{pod['ip']}  {pod['reason']}".rstrip()


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def alert_lines(path: Path, *, as_json: bool, follow: bool) -> None:
    """Print the messages that Alertmanager sent, as a table or as one JSON object per line."""
    last = 0
    if not as_json:
        print(f"{'TIME':<19}  {'TITLE':<{_TITLE_WIDTH}}  TEXT")
    while True:
        for entry in alerts.read(path):
            if entry["number"] > last:
                last = entry["number"]
                print(json.dumps(entry, ensure_ascii=False) if as_json else _alert_row(entry), flush=True)
        if not follow:
            return
        time.sleep(_FOLLOW_SECONDS)


def _alert_row(entry: Object) -> str:
    """Return a message as rows of the table; each further line of its text gets a row of its own."""
    moment = datetime.fromisoformat(entry["time"]).astimezone()
    first, *rest = entry["text"].splitlines() or [""]
    indent = " " * (19 + 2 + _TITLE_WIDTH + 2)
    head = f"{moment:%Y-%m-%d %H:%M:%S}  {entry['title']:<{_TITLE_WIDTH}}  {first}".rstrip()
    return "\n".join([head, *(f"{indent}{line}".rstrip() for line in rest)])


def logs(layout: Layout, name: str, *, follow: bool, tail: int | None, previous: bool) -> None:
    """Print the log of a component, a pod or a workload; with ``follow`` also of its pods to come.

    :raises LabError: there is no such log.
    """
    printer = _Printer(layout, name, previous=previous)
    if not printer.files():
        raise LabError(
            f"no log of {name!r}: name a pod, a workload (payment), a component (prometheus) or daemon"
        )
    printer.show(tail)
    while follow:
        time.sleep(_FOLLOW_SECONDS)
        printer.show(None)


class _Printer:
    def __init__(self, layout: Layout, name: str, *, previous: bool) -> None:
        self._layout, self._name, self._previous = layout, name, previous
        self._cursors: dict[Path, logreader.Cursor] = {}

    def files(self) -> list[Path]:
        """Return the log files that the name means now."""
        component = self._layout.component_log(self._name)
        if component.exists():
            return [component]
        pattern = re.compile(re.escape(self._name) + _POD_TAIL)
        pods = [
            path for path in self._layout.pod_logs.glob("*_*_*") if pattern.fullmatch(path.name.split("_")[1])
        ]
        alive = [path for path in pods if not (path / "gone").exists()]
        newest = sorted(pods, key=lambda path: path.stat().st_mtime)[-1:]
        known = {cursor.parent.parent for cursor in self._cursors}
        chosen = alive or [path for path in pods if path in known] or newest
        runs = [
            logreader.run(folder, self._previous)
            for pod in chosen
            for folder in pod.iterdir()
            if folder.is_dir()
        ]
        return sorted(path for path in runs if path is not None)

    def show(self, tail: int | None) -> None:
        """Print what is new, of each file at most the last ``tail`` lines."""
        files = self.files()
        for path in files:
            cursor = self._cursors.setdefault(path, logreader.Cursor(path))
        for path, cursor in self._cursors.items():
            entries = cursor.read()
            label = f"[{path.parent.parent.name.split('_')[1]}] " if len(files) > 1 else ""
            for entry in entries[-tail:] if tail else entries if tail is None else []:
                print(label + entry.text, end="\n" if entry.whole else "", flush=True)
