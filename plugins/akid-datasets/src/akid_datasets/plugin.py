"""What akid-datasets brings. Imports nothing of it."""

from collections.abc import Iterable

from akid_core.plugin_api import AugmenterInfo, RecipeInfo, SourceInfo, hookimpl


@hookimpl
def akid_sources() -> Iterable[SourceInfo]:
    yield SourceInfo(
        name="digits",
        target="akid_datasets.sources.digits:Digits",
        summary="1,797 handwritten digits of 8x8 pixels (UCI), shipped with the package",
    )


@hookimpl
def akid_augmenters() -> Iterable[AugmenterInfo]:
    yield AugmenterInfo(
        name="shift",
        target="akid_datasets.augmenters.shift:Shift",
        summary="move each image by a few pixels, zeros fill the gap",
    )


@hookimpl
def akid_recipes() -> Iterable[RecipeInfo]:
    yield RecipeInfo(
        name="digits",
        target="akid_datasets:recipes/digits.yaml",
        summary="a small normalised convolutional network on the digits: 0.99 of the test set in seconds",
    )
