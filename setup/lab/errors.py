"""The errors that the lab's command line prints as a line of text.

::

    LabError
    └── PortTaken   another program was faster; another port offset may be free
"""

import errno

PORT_TAKEN = 75  # the daemon's exit code for "try again", with other ports (EX_TEMPFAIL, sysexits.h)


class LabError(Exception):
    """What is wrong, where, and what to do about it, in one line for a person."""


class PortTaken(LabError):
    """A port of this lab is in use."""


_ADVICE = {
    errno.ENOSPC: "free some space, or put the lab elsewhere with LAB_STATE",
    errno.EDQUOT: "free some space, or put the lab elsewhere with LAB_STATE",
    errno.EACCES: "let this user write there, or put the lab elsewhere with LAB_STATE",
    errno.EPERM: "let this user write there, or put the lab elsewhere with LAB_STATE",
    errno.EROFS: "put the lab elsewhere with LAB_STATE",
    errno.ENOENT: "put the lab elsewhere with LAB_STATE",
    errno.ENOTDIR: "put the lab elsewhere with LAB_STATE",
}


def told(error: OSError) -> str:
    """Return the system's error as a line for a person: what, where, and what to do where that is known."""
    where = f"{error.filename}: " if error.filename is not None else ""
    advice = f": {_ADVICE[error.errno]}" if error.errno in _ADVICE else ""
    return f"{where}{error.strerror or error}{advice}"
