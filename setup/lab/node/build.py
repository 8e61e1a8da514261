"""Builds the shop's image: a fixed copy of its code, as ``docker build`` makes one.

Pods run the copy, so that a change of the checkout reaches them only through the next ``up``.
"""

import compileall
import hashlib
import os
import shutil
from pathlib import Path
from py_compile import PycInvalidationMode


def build(package: Path, images: Path) -> Path:
    """Copy a Python package into the images' folder, named by its content, and compile it.

    :return: the folder to put on PYTHONPATH; its name is the content's SHA-256.
    """
    digest = _digest(package)
    target = images / package.name / digest
    if not target.is_dir():
        # Renamed when whole: a build that was interrupted leaves no half image under the final name.
        draft = target.with_name(f".{digest}.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(package, draft / package.name, ignore=shutil.ignore_patterns("__pycache__"))
        # Unchecked: a copy never changes, so its users need not compare times at every import.
        compileall.compile_dir(draft, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        _open_to_all(draft)
        draft.replace(target)
    for other in target.parent.iterdir():
        if other != target:
            shutil.rmtree(other, ignore_errors=True)
    return target


def _digest(package: Path) -> str:
    result = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            result.update(f"{path.relative_to(package)}\0{len(content)}\0".encode())
            result.update(content)
    return result.hexdigest()


def _open_to_all(folder: Path) -> None:
    folder.parent.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
