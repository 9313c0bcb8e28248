"""What akid-datasets declares exists, and declaring it is light."""

from __future__ import annotations

from importlib.resources import files

import pytest

import akid_datasets.plugin
from akid_core.plugins import PluginManager
from akid_core.testing.hygiene import found, modules_after_import


@pytest.mark.parametrize(("category", "name"), [("source", "digits"), ("augmenter", "shift")])
def test_components_are_found_by_the_names_of_their_classes(category: str, name: str) -> None:
    registry = PluginManager(discover=False, plugins=[akid_datasets.plugin]).registry
    assert registry.get(category, name).component() == name


def test_the_recipe_exists() -> None:
    (recipe,) = akid_datasets.plugin.akid_recipes()
    package, _, path = recipe.target.partition(":")
    assert (files(package) / path).read_text(encoding="utf-8").startswith("#")


def test_declaring_imports_nothing_heavy() -> None:
    assert found(modules_after_import("akid_datasets.plugin")) == []
