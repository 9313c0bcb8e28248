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
    yield SourceInfo(
        name="mnist",
        target="akid_datasets.sources.mnist:Mnist",
        summary="70,000 handwritten digits of 28x28 pixels",
    )
    yield SourceInfo(
        name="fashion_mnist",
        target="akid_datasets.sources.fashion_mnist:FashionMnist",
        summary="70,000 pieces of clothing of 28x28 pixels, 10 classes",
    )
    yield SourceInfo(
        name="rotated_mnist",
        target="akid_datasets.sources.rotated_mnist:RotatedMnist",
        summary="62,000 handwritten digits of 28x28 pixels, each turned by a random angle",
    )
    yield SourceInfo(
        name="cifar10",
        target="akid_datasets.sources.cifar10:Cifar10",
        summary="60,000 colour photographs of 32x32 pixels, 10 classes",
    )
    yield SourceInfo(
        name="cifar100",
        target="akid_datasets.sources.cifar100:Cifar100",
        summary="60,000 colour photographs of 32x32 pixels, 100 classes in 20 superclasses",
    )


@hookimpl
def akid_augmenters() -> Iterable[AugmenterInfo]:
    yield AugmenterInfo(
        name="shift",
        target="akid_datasets.augmenters.shift:Shift",
        summary="move each image by a few pixels, zeros fill the gap",
    )
    yield AugmenterInfo(
        name="crop",
        target="akid_datasets.augmenters.crop:Crop",
        summary="cut a part out of each picture, at a random place or in the middle",
    )
    yield AugmenterInfo(
        name="pad",
        target="akid_datasets.augmenters.pad:Pad",
        summary="lay a frame around each picture",
    )
    yield AugmenterInfo(
        name="flip",
        target="akid_datasets.augmenters.flip:Flip",
        summary="turn pictures round, left to right or top to bottom, with a chance",
    )
    yield AugmenterInfo(
        name="brightness",
        target="akid_datasets.augmenters.brightness:Brightness",
        summary="make pictures lighter and darker",
    )
    yield AugmenterInfo(
        name="contrast",
        target="akid_datasets.augmenters.contrast:Contrast",
        summary="make differences of light and dark stronger and weaker",
    )
    yield AugmenterInfo(
        name="rescale",
        target="akid_datasets.augmenters.rescale:Rescale",
        summary="turn bytes into floating numbers of 0 to 1, or of another range",
    )
    yield AugmenterInfo(
        name="normalize",
        target="akid_datasets.augmenters.normalize:Normalize",
        summary="bring channels to mean 0 and deviation 1, by given or by well-known statistics",
    )


@hookimpl
def akid_recipes() -> Iterable[RecipeInfo]:
    yield RecipeInfo(
        name="digits",
        target="akid_datasets:recipes/digits.yaml",
        summary="a small normalised convolutional network on the digits: 0.99 of the test set in seconds",
    )
