"""What leaves the checkout: the wheel, and the images' recipe."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "setup" / "shop" / "Dockerfile"
IMAGES = {"shop", "load", "gameday"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel's names, built from a copy, since a build leaves files beside its source."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "chaosext", source / "chaosext", ignore=shutil.ignore_patterns("__pycache__"))
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    done = subprocess.run(
        [*words, "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(out), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (path,) = out.iterdir()
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_file_of_the_extension_and_nothing_else(wheel):
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "chaosext").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "chaosext/report/verification.schema.json" in ours
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == ours


def test_the_wheel_brings_its_commands_and_its_license(wheel):
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(entry_points).decode()
    assert "gameday = chaosext.cli:gameday" in text
    assert "slo = chaosext.cli:slo" in text
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_hadolint_finds_nothing():
    hadolint = str(Path(sys.executable).parent / "hadolint")
    done = subprocess.run(
        [hadolint, "--no-color", str(DOCKERFILE)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_images_copy_only_what_the_context_has():
    text = DOCKERFILE.read_text()
    copied = [
        word for line in re.findall(r"^COPY (?!--|<<)(.+)$", text, re.MULTILINE) for word in line.split()[:-1]
    ]
    context = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert copied
    assert set(copied) == context
    assert all((ROOT / name).exists() for name in context)


def test_each_image_of_ours_that_a_manifest_names_has_a_target():
    named = set()
    for path in (ROOT / "manifests").rglob("*.yaml"):
        named |= set(re.findall(r"image: ecommerce-([\w-]+):([\w.]+)", path.read_text()))
    assert {name for name, _ in named} == IMAGES
    assert len({tag for _, tag in named}) == 1
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE.read_text(), re.MULTILINE))
    assert targets >= IMAGES


def test_the_recipe_takes_each_image_s_packages_from_the_project(tmp_path):
    script = re.search(r"^COPY <<'PYTHON' extra\.py\n(.*?)^PYTHON$", DOCKERFILE.read_text(), re.M | re.S)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {**extras, "gameday": [*project["dependencies"], *extras["build"]]}
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for image in IMAGES:
        done = subprocess.run(
            [sys.executable, "-c", script[1], image], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines() == wanted[image]
