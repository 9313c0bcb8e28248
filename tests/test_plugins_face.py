"""The public face is lazy, complete and the same for people and type checkers; light modules stay light."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import akid_core as akid
from akid_core.testing.hygiene import (
    FRAMEWORKS,
    HEAVY,
    found,
    modules_after,
    modules_after_command,
    modules_after_import,
)

TYPED = [
    node
    for block in ast.parse(Path(akid.__file__).read_text(encoding="utf-8")).body
    if isinstance(block, ast.If)
    for node in block.body
    if isinstance(node, ast.ImportFrom)
]


def test_type_checkers_and_people_are_told_the_same() -> None:
    typed = {alias.name: node.module for node in TYPED for alias in node.names}
    lazy = {name: module for module, names in akid._HOMES.items() for name in names}
    assert typed == lazy | dict.fromkeys(akid._MODULES, "akid_core")
    assert set(akid.__all__) == {*typed, "__version__"}


@pytest.mark.parametrize("name", akid.__all__)
def test_every_public_name_is_there(name: str) -> None:
    value = getattr(akid, name)
    assert getattr(value, "__name__", name).rpartition(".")[2] == name or name == "__version__"


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match=r"module 'akid_core' has no attribute 'Brian'"):
        akid.Brian  # noqa: B018
    assert set(dir(akid)) == set(akid.__all__)


@pytest.mark.parametrize(
    "module",
    [
        "akid_core",
        "akid_core.plugin_api",
        "akid_core.hookspecs",
        "akid_core.plugins",
        "akid_core.builtin",
        "akid_core.bundled.numpy.plugin",
        "akid_core.bundled.observe.plugin",
        "akid_core.cli.main",
    ],
)
def test_light_modules_import_nothing_heavy(module: str) -> None:
    assert found(modules_after_import(module)) == []


def test_importing_akid_imports_no_third_party_package() -> None:
    assert found(modules_after_import("akid_core"), [*HEAVY, "pluggy", "importlib_metadata", "packaging"]) == []


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["plugins", "list"], ["plugins", "list", "--json"], ["practice", "--help"]],
    ids=" ".join,
)
def test_commands_that_only_talk_import_nothing_heavy(arguments: list[str]) -> None:
    assert found(modules_after_command(*arguments)) == []


def test_the_public_face_imports_no_framework() -> None:
    code = "import akid_core\n[getattr(akid_core, name) for name in akid_core.__all__]"
    assert found(modules_after(code), FRAMEWORKS) == []


def test_the_check_can_fail() -> None:
    assert "numpy" in found(modules_after("import numpy"))
    with pytest.raises(AssertionError, match="ended with 1"):
        modules_after("1 / 0")
