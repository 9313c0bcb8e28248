"""What akid-datasets declares exists, and declaring it is light."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from PIL import Image

import akid_datasets.plugin
from akid_core.cli.main import main
from akid_core.plugin_api import RecipeInfo
from akid_core.plugins import PluginManager
from akid_core.testing.hygiene import found, modules_after_import

RECIPES = [*akid_datasets.plugin.akid_recipes()]
DECLARED = [
    *(("source", info.name) for info in akid_datasets.plugin.akid_sources()),
    *(("augmenter", info.name) for info in akid_datasets.plugin.akid_augmenters()),
]


@pytest.mark.parametrize(("category", "name"), DECLARED)
def test_components_are_found_by_the_names_of_their_classes(category: str, name: str) -> None:
    registry = PluginManager(discover=False, plugins=[akid_datasets.plugin]).registry
    assert registry.get(category, name).component() == name


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder `imagenet`, where recipes look for it, with a photograph of each of two classes."""
    for split in ("train", "val"):
        for category in ("n01440764", "n01443537"):
            folder = tmp_path / "imagenet" / split / category
            folder.mkdir(parents=True)
            Image.new("RGB", (300, 260)).save(folder / "1.JPEG")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
@pytest.mark.usefixtures("photographs")
def test_recipes_exist_and_decode(recipe: RecipeInfo) -> None:
    package, _, path = recipe.target.partition(":")
    assert (files(package) / path).read_text(encoding="utf-8").startswith(("#", "{#"))
    if recipe.name == "digits_distill":  # whose teacher is the run of another
        assert main(["practice", "digits", "--run-dir", "runs/digits", "--max-steps", "0", "--backend", "numpy"]) == 0
    assert main(["show", recipe.name, "--set", "sensors.batch_size=2"]) == 0  # which reads no data


def test_every_recipe_is_declared() -> None:
    there = {path.name for path in (files("akid_datasets") / "recipes").iterdir() if path.is_file()}
    assert {recipe.target.rpartition("/")[2] for recipe in RECIPES} == there


def test_declaring_imports_nothing_heavy() -> None:
    assert found(modules_after_import("akid_datasets.plugin")) == []
