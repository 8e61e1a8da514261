"""Whatever is in a file that a person writes, it is told in one line with its name, never by a traceback."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaosext.architecture import load_architecture
from chaosext.environment import load_windows
from chaosext.errors import BadInput
from chaosext.gameday.plan import load_plan
from chaosext.kubernetes.manifests import load_manifest
from chaosext.slo.load import load_slos

ROOT = Path(__file__).parents[2]


def lab_windows(path: Path) -> object:
    return load_windows(path, "lab")


FILES: dict[str, tuple[Path, Callable[[Path], object]]] = {
    "slo.yaml": (ROOT / "manifests" / "slo.yaml", load_slos),
    "windows.yaml": (ROOT / "manifests" / "windows.yaml", lab_windows),
    "architecture.yaml": (ROOT / "manifests" / "architecture.yaml", load_architecture),
    "gameday.yaml": (ROOT / "experiments" / "gameday.yaml", load_plan),
    "app.yaml": (ROOT / "manifests" / "app.yaml", load_manifest),
}
TOLD = [pytest.param(path, load, id=name) for name, (path, load) in FILES.items()]
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\r")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(CHARACTERS, max_size=8)
    | st.dates()
    | st.binary(max_size=4)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=6,
)
GOOD = {path: list(yaml.safe_load_all(path.read_text())) for path, _ in FILES.values()}
# Each example writes the same file anew, so that one folder does for all.
QUICK = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(load: Callable[[Path], object], path: Path, content: bytes) -> None:
    """Read a file that may be wrong: it is taken, or told in one line that begins with its name."""
    path.write_bytes(content)
    said = None
    try:
        load(path)
    except BadInput as error:
        said = str(error)
    assert said is None or (str(path) in said and "\n" not in said)


@pytest.mark.parametrize(("good", "load"), TOLD)
@QUICK
@given(data=st.data())
def test_one_wrong_value_anywhere(tmp_path, good, load, data):
    documents = copy.deepcopy(GOOD[good])
    # One document, since a long file takes long to read; Services are what SLOs refer to.
    chosen = data.draw(st.integers(0, len(documents) - 1))
    parent: Any = [
        documents[chosen],
        *(d for d in documents if d.get("kind") == "Service" and good.stem == "slo"),
    ]
    documents, key = parent, 0
    while isinstance(parent[key], dict | list) and parent[key] and data.draw(st.integers(0, 4)):
        parent = parent[key]
        keys = list(parent) if isinstance(parent, dict) else range(len(parent))
        key = data.draw(st.sampled_from(keys))
    if data.draw(st.booleans()) and isinstance(parent, dict):
        parent[data.draw(SCALARS)] = parent.pop(key)
    else:
        parent[key] = data.draw(VALUES)
    read(load, tmp_path / good.name, yaml.safe_dump_all(documents).encode())


@pytest.mark.parametrize(("good", "load"), TOLD)
@QUICK
@given(content=st.lists(VALUES, max_size=3))
def test_any_yaml(tmp_path, good, load, content):
    read(load, tmp_path / good.name, yaml.safe_dump_all(content).encode())


@pytest.mark.parametrize(("good", "load"), TOLD)
@QUICK
@given(st.binary(max_size=40) | st.text(alphabet="{}[]:-&*!|>%@`'\",? \n\ta1", max_size=30).map(str.encode))
def test_any_bytes(tmp_path, good, load, content):
    read(load, tmp_path / good.name, content)


@pytest.mark.parametrize(("good", "load"), TOLD)
@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00",
        b"\x00",
        b"[" * 20_000,
        b"a: &a [*a]",
        b"!!python/object:os.system {}",
        b"? {a: 1}\n: 2\n",
    ],
    ids=["not UTF-8", "a NUL", "deep", "itself", "a Python object", "a mapping as key"],
)
def test_what_is_no_such_file(tmp_path, good, load, content):
    (tmp_path / good.name).write_bytes(content)
    with pytest.raises(BadInput) as caught:
        load(tmp_path / good.name)
    assert str(tmp_path / good.name) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("good", "load"), TOLD)
def test_a_file_that_cannot_be_read(tmp_path, good, load):
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(BadInput, match=str(path)):
            load(path)


@pytest.mark.parametrize(("good", "load"), TOLD)
def test_the_repository_s_own_is_taken(good, load):
    load(good)
