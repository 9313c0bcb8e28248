"""Import hygiene: which modules a piece of code pulls in, seen in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest

from akid_core.plugins.manager import PluginManager

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "kubernetes")
HEAVY = (*FRAMEWORKS, "numpy", "scipy", "pandas", "matplotlib", "PIL", "tensorboard", "safetensors", "ruamel", "tqdm")
"""Frameworks, plotting and data libraries: what naming or listing a component must not import."""

_REPORT = """
import json, sys
names = sorted(name for name, module in sys.modules.items() if module is not None)  # None bars an import
print("\\n" + json.dumps(names), file=sys.__stdout__)
"""


def modules_after(code: str) -> frozenset[str]:
    """The names in `sys.modules` after `code` ran in a new interpreter.

    Raises `AssertionError` with its output if the code fails.
    """
    ran = subprocess.run(
        [sys.executable, "-c", code + _REPORT],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert ran.returncode == 0, f"{code}\nended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
    return frozenset(json.loads(ran.stdout.splitlines()[-1]))


def modules_after_import(module: str) -> frozenset[str]:
    """The names in `sys.modules` after `import module`."""
    return modules_after(f"import {module}")


def modules_after_command(*arguments: str) -> frozenset[str]:
    """The names in `sys.modules` after `akid arguments…`, which must end with exit code 0."""
    return modules_after(f"from akid_core.cli.main import main\nassert main({list(arguments)!r}) == 0")


def found(modules: Iterable[str], forbidden: Iterable[str] = HEAVY) -> list[str]:
    """Which of the forbidden packages are among the modules."""
    return sorted(set(forbidden) & {name.partition(".")[0] for name in modules})


class HygieneSuite:
    """A test suite for the light module of a plugin: subclass it under a name that starts with `Test`.

    ::

        class TestImports(HygieneSuite):
            module = "akid_swish.plugin"

    `module`: the light module, which the entry point names. `forbidden`: packages that importing it, and listing what
    it declares, must not import; by default frameworks, plotting and data libraries.
    """

    module: ClassVar[str]
    forbidden: ClassVar[tuple[str, ...]] = HEAVY

    @pytest.fixture
    def declared(self) -> list[Any]:
        """What the plugin declares, each with its provider."""
        registry = PluginManager(discover=False, plugins=[self.module]).registry
        return [item for item in registry.infos() if not item.provider.built_in]

    def test_the_light_module_is_light(self) -> None:
        assert not found(modules_after_import(self.module), self.forbidden)

    def test_listing_its_parts_imports_none_of_them(self) -> None:
        list_all = (
            "from akid_core.plugins.manager import PluginManager\n"
            f"registry = PluginManager(discover=False, plugins=[{self.module!r}]).registry\n"
            "names = [item.info.name for item in registry.infos()]"
        )
        assert not found(modules_after(list_all), self.forbidden)

    def test_it_declares_something(self, declared: list[Any]) -> None:
        assert declared, f"{self.module} declares nothing: are its hooks marked with @hookimpl?"

    def test_every_part_says_what_it_is(self, declared: list[Any]) -> None:
        for item in declared:
            assert item.info.summary or item.info.category == "layer_builder", f"{item.info.name} has no summary"

    def test_every_target_can_be_imported(self, declared: list[Any]) -> None:
        registry = PluginManager(discover=False, plugins=[self.module]).registry
        for item in declared:
            registry.get(item.info.category, item.info.name, item.info.backend)

    def test_names_are_those_of_the_classes(self, declared: list[Any]) -> None:
        registry = PluginManager(discover=False, plugins=[self.module]).registry
        for item in declared:
            target = registry.get(item.info.category, item.info.name, item.info.backend)
            if isinstance(target, type) and hasattr(target, "component"):
                assert target.component() == item.info.name
