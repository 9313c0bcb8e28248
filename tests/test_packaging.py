"""Packaging: what the four `pyproject.toml` and the requirement files say is complete and agrees."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from akid_core import __version__

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(
    path.parent for pattern in ("plugins/*", "examples/*") for path in ROOT.glob(f"{pattern}/pyproject.toml")
)

IMPORTED_AS = {
    "importlib-metadata": "importlib_metadata",
    "pillow": "PIL",
    "ruamel.yaml": "ruamel",
    "tensorflow-cpu": "tensorflow",
}


@dataclass(frozen=True)
class Distribution:
    """A distribution as its `pyproject.toml` describes it."""

    folder: Path
    package: Path

    @property
    def toml(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "pyproject.toml").read_text())

    @property
    def project(self) -> dict[str, Any]:
        project: dict[str, Any] = self.toml["project"]
        return project

    @property
    def requirements(self) -> list[str]:
        extras = self.project.get("optional-dependencies", {})
        needs = [*self.project["dependencies"], *(need for needs in extras.values() for need in needs)]
        return [need for need in needs if name(need) != self.project["name"]]  # the extra that names all others

    def sources(self) -> Iterator[Path]:
        return self.package.rglob("*.py")


CORE = Distribution(ROOT, ROOT / "akid_core")
ALL = [CORE, *(Distribution(path, next(path.glob("src/*/__init__.py")).parent) for path in PLUGINS)]
EACH = pytest.mark.parametrize("distribution", ALL, ids=lambda distribution: distribution.package.name)


def name(requirement: str) -> str:
    """`"tensorboard>=2.16"` -> `"tensorboard"`."""
    return re.match(r"[\w.-]+", requirement)[0].lower()


def lines(file: str) -> list[str]:
    return [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith("#")]


def test_all_distributions_are_here() -> None:
    names = [one.project["name"] for one in ALL]
    assert names == ["akid-core", "akid-classic", "akid-datasets", "akid-tf", "akid-torch"]


@EACH
def test_one_version(distribution: Distribution) -> None:
    if distribution is CORE:
        assert distribution.toml["tool"]["setuptools"]["dynamic"]["version"] == {
            "attr": "akid_core._version.__version__"
        }
        return
    assert distribution.project["version"] == __version__
    major, minor, _ = __version__.split(".")
    core = next(need for need in distribution.project["dependencies"] if name(need) == "akid-core")
    assert core.replace("[observe]", "") == f"akid-core>={__version__},<{major}.{int(minor) + 1}"


@EACH
def test_every_folder_with_code_is_a_package(distribution: Distribution) -> None:
    """With it `packages.find` finds all: it passes over folders without `__init__.py`."""
    folders = {path.parent for path in distribution.sources()}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
    package = distribution.package.name
    assert distribution.toml["tool"]["setuptools"]["packages"]["find"]["include"] == [package, f"{package}.*"]


@EACH
def test_every_other_file_is_package_data(distribution: Distribution) -> None:
    data = distribution.toml["tool"]["setuptools"]["package-data"][distribution.package.name]
    listed = {path for pattern in data for path in distribution.package.glob(pattern)}
    others = {
        path
        for path in distribution.package.rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    }
    assert others - listed == set()
    assert distribution.package / "py.typed" in listed


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level packages that a module imports anywhere, `extra("pyarrow.compute", …)` among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "extra":
            yield str(ast.literal_eval(node.args[0])).partition(".")[0]
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@EACH
def test_what_is_imported_is_required(distribution: Distribution) -> None:
    required = {IMPORTED_AS.get(name(need), name(need)).replace("-", "_") for need in distribution.requirements}
    known = required | set(sys.stdlib_module_names) | {distribution.package.name}
    missing = {
        (module, path.name)
        for path in distribution.sources()
        for module in imported(ast.parse(path.read_text()))
        if module not in known
    }
    assert missing == set()


@EACH
def test_what_is_required_is_imported(distribution: Distribution) -> None:
    found = {module for path in distribution.sources() for module in imported(ast.parse(path.read_text()))}
    modules = {IMPORTED_AS.get(name(need), name(need)).replace("-", "_") for need in distribution.requirements}
    assert modules - found == set()


@EACH
def test_entry_points_lead_somewhere(distribution: Distribution) -> None:
    targets = distribution.project.get("entry-points", {}).get("akid", {}).values()
    modules = [*targets, *(text.partition(":")[0] for text in distribution.project.get("scripts", {}).values())]
    assert len(modules) == 1
    assert (distribution.package.parent / (modules[0].replace(".", "/") + ".py")).exists()


@EACH
def test_licence(distribution: Distribution) -> None:
    assert distribution.project["license"] == "Apache-2.0"
    assert distribution.project["license-files"] == ["LICENSE"]
    assert (distribution.folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert distribution.project["requires-python"] == ">=3.11"


def test_requirement_files_name_every_distribution() -> None:
    folders = {f"{path.parent.name}/{path.name}" for path in PLUGINS}
    everything = {
        line.removeprefix("-e ").partition("[")[0] for line in lines("requirements-dev.txt") if line[:2] == "-e"
    }
    training = {line.removeprefix("-e ").partition("[")[0] for line in lines("requirements.txt") if line[:2] == "-e"}
    assert everything == {".", *folders}
    assert training == {".", "plugins/akid-torch", "plugins/akid-datasets"}


def test_everything_that_is_asked_for_is_pinned() -> None:
    pins = dict(line.lower().replace("_", "-").split("==") for line in lines("constraints.txt"))
    asked = [need for one in ALL for need in one.requirements] + [
        line for line in lines("requirements-dev.txt") if line[0] != "-"
    ]
    # The one with CUDA has the same version as tensorflow-cpu and is never installed beside it.
    missing = {name(need) for need in asked} - set(pins) - {one.project["name"] for one in ALL} - {"tensorflow"}
    assert missing == set()
    assert (pins["torch"], pins["tensorflow-cpu"]) == ("2.13.0", "2.21.0")
