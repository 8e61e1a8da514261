"""Which processes belong together, read from /proc; processes are never told by their name.

A container's processes are its first one's descendants, the members of its session, and, because a daemon
leaves both behind, whoever carries the mark that the lab put into its environment.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "LAB_CONTAINER"
_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
# Of a process' statistics, counted from its state: its own CPU time and that of children it has waited for.
_CPU_FIELDS = slice(11, 15)


@dataclass(frozen=True)
class Use:
    """What a process and its descendants use.

    :param cpu_seconds: user and system time, with that of ended children.
    :param memory_bytes: anonymous and shared memory.
    """

    cpu_seconds: float
    memory_bytes: int


def start_time(pid: int) -> str | None:
    """Return when a process started, in clock ticks since boot (with its pid: an identity); None when gone.

    A zombie counts as gone.
    """
    fields = _stat(pid)
    return None if fields is None or fields[0] == "Z" else fields[19]


def relatives(pid: int, mark: str) -> set[int]:
    """Return the descendants and session members of a process, and all that carry the mark, without itself."""
    table = _table()
    family = _family(pid, table)
    family |= {other for other, fields in table.items() if fields[3] == str(pid)}
    family |= {other for other in table if carries(other, mark)}
    return {other for other in family if other in table and table[other][0] != "Z"} - {pid, os.getpid()}


def marked(prefix: str) -> set[int]:
    """Return the processes whose mark begins with a prefix."""
    return {int(pid) for pid in _pids() if carries(int(pid), prefix)} - {os.getpid()}


def carries(pid: int, prefix: str) -> bool:
    """Say whether a process' environment has a mark that begins with a prefix (False when it is not ours)."""
    try:
        environment = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    wanted = f"{MARK}={prefix}".encode()
    return any(entry.startswith(wanted) for entry in environment.split(b"\0"))


def resident_bytes(pid: int) -> int:
    """Return a process' proportional share of memory (PSS; shared pages are counted once among sharers).

    Falls back to the resident size where the kernel or the owner keeps the share secret; 0 when gone.
    """
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        pages = int((_PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def tree_bytes(pid: int) -> int:
    """Return the memory of a process and its descendants, as ``resident_bytes`` counts it."""
    return sum(map(resident_bytes, _family(pid, _table())))


def use(pid: int) -> Use:
    """Return what a process and its living descendants use; nothing when it is gone.

    It reads those processes only, not the whole table. Shared memory is counted once, as the largest part that
    one of them touched; an anonymous page that two of them still share after a fork counts twice.
    """
    ticks, anonymous, shared = 0, 0, 0
    for member in _descendants(pid):
        fields = _stat(member)
        memory = _status(member)
        if fields is not None:
            ticks += sum(map(int, fields[_CPU_FIELDS]))
        anonymous += memory.get("RssAnon", 0)
        shared = max(shared, memory.get("RssShmem", 0))
    return Use(ticks / _TICKS, anonymous + shared)


def out_of_memory_words(pid: int) -> str:
    """Return what a kernel writes about a process that it kills for its cgroup's memory limit."""
    memory = _status(pid)
    parts = {"total-vm": "VmSize", "anon-rss": "RssAnon", "file-rss": "RssFile", "shmem-rss": "RssShmem"}
    sizes = ", ".join(f"{name}:{memory.get(field, 0) // 1024}kB" for name, field in parts.items())
    try:
        name = (_PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        name = "?"
    return f"Memory cgroup out of memory: Killed process {pid} ({name}) {sizes}"


def _descendants(pid: int) -> Iterator[int]:
    """Yield a process and its descendants, by the kernel's own lists of children."""
    yield pid
    try:
        for task in (_PROC / str(pid) / "task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                yield from _descendants(int(child))
    except OSError:
        return


def _status(pid: int) -> dict[str, int]:
    """Return the sizes in a process' status, in bytes."""
    try:
        lines = (_PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    rows = (line.split() for line in lines)
    return {row[0][:-1]: int(row[1]) * 1024 for row in rows if len(row) == 3 and row[2] == "kB"}  # noqa: PLR2004 -- name, number, unit


def _table() -> dict[int, list[str]]:
    return {int(entry): fields for entry in _pids() if (fields := _stat(int(entry))) is not None}


def _family(pid: int, table: dict[int, list[str]]) -> set[int]:
    """Return a process and its descendants."""
    family = {pid}
    while more := {other for other, fields in table.items() if int(fields[1]) in family} - family:
        family |= more
    return family


def _pids() -> list[str]:
    return [path.name for path in _PROC.iterdir() if path.name.isdecimal()]


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/<pid>/stat from the third (state) on; the second may contain anything."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
