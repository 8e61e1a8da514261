import ast
from pathlib import Path

import chaosext

PACKAGE = Path(chaosext.__file__).parent
KINDS = {"actions": "action", "probes": "probe", "control": "control"}


def exported() -> set[tuple[str, str, str]]:
    """What the files themselves say: the __all__ of every actions.py, probes.py and control.py."""
    found = set()
    for path in PACKAGE.glob("*/*.py"):
        if path.stem not in KINDS:
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                module = f"chaosext.{path.parent.name}.{path.stem}"
                found |= {(KINDS[path.stem], module, name) for name in ast.literal_eval(node.value)}
    return found


def test_discovery_is_exactly_what_is_exported():
    listed = [(a["type"], a["mod"], a["name"]) for a in chaosext.discover()["activities"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == exported()
    assert ("action", "chaosext.kubernetes.actions", "apply_manifest") in listed


def test_every_activity_is_documented():
    assert [a["name"] for a in chaosext.discover()["activities"] if not a.get("doc")] == []
