"""What akid-datasets declares exists, and declaring it is light."""

from __future__ import annotations

from importlib.resources import files

import pytest

import akid_datasets.plugin
from akid_core.cli.main import main
from akid_core.plugin_api import RecipeInfo
from akid_core.plugins import PluginManager
from akid_core.testing.hygiene import found, modules_after_import

DECLARED = [
    *(("source", info.name) for info in akid_datasets.plugin.akid_sources()),
    *(("augmenter", info.name) for info in akid_datasets.plugin.akid_augmenters()),
]


@pytest.mark.parametrize(("category", "name"), DECLARED)
def test_components_are_found_by_the_names_of_their_classes(category: str, name: str) -> None:
    registry = PluginManager(discover=False, plugins=[akid_datasets.plugin]).registry
    assert registry.get(category, name).component() == name


@pytest.mark.parametrize("recipe", [*akid_datasets.plugin.akid_recipes()], ids=lambda recipe: recipe.name)
def test_recipes_exist_and_decode(recipe: RecipeInfo) -> None:
    package, _, path = recipe.target.partition(":")
    assert (files(package) / path).read_text(encoding="utf-8").startswith("#")
    assert main(["show", recipe.name]) == 0  # which reads no data


def test_declaring_imports_nothing_heavy() -> None:
    assert found(modules_after_import("akid_datasets.plugin")) == []
