"""The one place that maps a container's paths to this machine's.

A container has no root file system of its own here. Its image's paths and its volumes' mount paths lie below
the pod's folder, and this class rewrites every mention of a mount path in ``command``, ``args``, exec probes,
lifecycle hooks and literal ``env`` values. What it does not see is not rewritten: a mount path inside a mounted
file or a secret keeps its words, and a program with a path built in looks at the machine's.
"""

import re
from collections.abc import Mapping
from pathlib import Path


class Mounts:
    """The mount paths of one container.

    :param root: the folder that stands for the container's root file system.
    :param volumes: mount path (``/data``) -> the volume's folder on this machine.
    """

    def __init__(self, root: Path, volumes: Mapping[str, Path]) -> None:
        self.root = root
        self._volumes = {path.rstrip("/"): folder for path, folder in volumes.items()}
        longest_first = sorted(self._volumes, key=len, reverse=True)
        # A mention starts where no longer path or word precedes it, and ends at a path's or a word's end.
        words = "|".join(map(re.escape, longest_first))
        self._mention = re.compile(rf"(?<![\w./-])(?:{words})(?=$|[/:,;\"'\s])") if words else None

    def rewrite(self, text: str) -> str:
        """Return a text with every mention of a mount path replaced by the volume's folder."""
        if self._mention is None:
            return text
        return self._mention.sub(lambda match: str(self._volumes[match.group()]), text)

    def place(self, path: str) -> Path:
        """Return where an absolute path of the container lies: in a volume, else below the container's root."""
        rewritten = self.rewrite(path)
        return Path(rewritten) if rewritten != path else self.root / path.lstrip("/")
