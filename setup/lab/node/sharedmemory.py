"""System V shared memory that a killed process left behind.

PostgreSQL keeps one small segment per server, and cannot remove it when it is killed.
"""

import ctypes
from pathlib import Path

_TABLE = Path("/proc/sysvipc/shm")
_IPC_RMID = 0


def remove_made_by(pid: int) -> int:
    """Mark the segments that a process (gone by now) made for removal; return how many.

    The kernel removes each when its last user detaches. Segments of other users are left alone.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    return sum(libc.shmctl(segment, _IPC_RMID, None) == 0 for segment in _made_by(pid))


def _made_by(pid: int) -> list[int]:
    try:
        rows = [line.split() for line in _TABLE.read_text(encoding="ascii").splitlines()]
    except OSError:
        return []
    if not rows:
        return []
    identity, creator = rows[0].index("shmid"), rows[0].index("cpid")
    return [int(row[identity]) for row in rows[1:] if int(row[creator]) == pid]
