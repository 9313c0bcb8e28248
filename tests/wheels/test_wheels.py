"""The built wheels, installed without the checkout: complete, and enough to practise with NumPy alone."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path

import pytest

import akid_core
import akid_datasets

CHECKOUT = Path(__file__).parents[2]
PACKAGES = {
    path.name: path for path in [CHECKOUT / "akid_core", *CHECKOUT.glob("plugins/*/src/akid_*")] if path.suffix == ""
}
SCRIPTS = Path(sys.executable).parent


def akid(*arguments: str, cwd: Path) -> str:
    """Run the installed program; what it prints."""
    done = subprocess.run([SCRIPTS / "akid", *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_holds_the_whole_package(package: str) -> None:
    (wheel,) = Path("wheels").glob(f"{package}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    files = {path for path in PACKAGES[package].rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    expected = {path.relative_to(PACKAGES[package].parent).as_posix() for path in files}
    extra = {name for name in packed if ".dist-info/" not in name} - expected
    assert expected - packed == set()
    assert extra == set()
    assert any(name.endswith("licenses/LICENSE") for name in packed)


def test_it_is_the_wheels_that_run() -> None:
    for module in (akid_core, akid_datasets):
        assert not Path(module.__file__).is_relative_to(CHECKOUT / module.__name__)
        assert Path(module.__file__).is_relative_to(sys.prefix)
    assert requires("akid-datasets")[0].startswith("akid-core")


@pytest.mark.parametrize("module", ["torch", "tensorflow", "matplotlib"])
def test_no_framework_is_installed(module: str) -> None:
    assert find_spec(module) is None


def test_both_ways_to_start(tmp_path: Path) -> None:
    module = subprocess.run(
        [sys.executable, "-m", "akid_core", "--version"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert akid("--version", cwd=tmp_path) == module.stdout
    assert akid_core.__version__ in module.stdout


def test_every_plugin_loads(tmp_path: Path) -> None:
    plugins = akid("plugins", "list", cwd=tmp_path)
    assert "akid-datasets" in plugins
    assert "numpy" in plugins


def test_practice_resume_and_validate(tmp_path: Path) -> None:
    run = ("practice", "digits", "--backend", "numpy", "--run-dir", "run", "--json")
    first = json.loads(akid(*run, "--max-steps", "3", cwd=tmp_path).splitlines()[-1])
    again = json.loads(akid(*run, "--max-steps", "5", "--resume", cwd=tmp_path).splitlines()[-1])
    assert (first["step"], again["step"]) == (3, 5)
    assert Path(again["checkpoint"]).name == "step-5"
    assert "accuracy" in akid("validate", "run", cwd=tmp_path)
