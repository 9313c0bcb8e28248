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
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where recipes look for them, a book, and a folder `imagenet` with a photograph of each of two classes."""
    (tmp_path / "moby-dick.txt").write_text("Call me Ishmael. " * 200)
    for split in ("train", "val"):
        for category in ("n01440764", "n01443537"):
            folder = tmp_path / "imagenet" / split / category
            folder.mkdir(parents=True)
            Image.new("RGB", (300, 260)).save(folder / "1.JPEG")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
@pytest.mark.usefixtures("own_files")
def test_recipes_exist_and_decode(recipe: RecipeInfo) -> None:
    package, _, path = recipe.target.partition(":")
    assert (files(package) / path).read_text(encoding="utf-8").startswith(("#", "{#"))
    if recipe.name == "digits_distill":  # whose teacher is the run of another
        assert main(["practice", "digits", "--run-dir", "runs/digits", "--max-steps", "0", "--backend", "numpy"]) == 0
    changes = ["--set", "sensors.batch_size=2"]
    if recipe.name in ("char_lstm", "char_elman"):  # which read as many streams
        changes += ["--set", "sensors.source.streams=2"]
    assert main(["show", recipe.name, *changes]) == 0


def test_every_recipe_is_declared() -> None:
    there = {path.name for path in (files("akid_datasets") / "recipes").iterdir() if path.is_file()}
    assert {recipe.target.rpartition("/")[2] for recipe in RECIPES} == there


def test_declaring_imports_nothing_heavy() -> None:
    assert found(modules_after_import("akid_datasets.plugin")) == []
