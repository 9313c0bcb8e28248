"""What akid-datasets brings. Imports nothing of it."""

from collections.abc import Iterable

from akid_core.plugin_api import AugmenterInfo, RecipeInfo, SourceInfo, hookimpl

_SOURCES = (
    ("digits", "Digits", "1,797 handwritten digits of 8x8 pixels (UCI), shipped with the package"),
    ("mnist", "Mnist", "70,000 handwritten digits of 28x28 pixels"),
    ("fashion_mnist", "FashionMnist", "70,000 pieces of clothing of 28x28 pixels, 10 classes"),
    ("rotated_mnist", "RotatedMnist", "62,000 handwritten digits of 28x28 pixels, each turned by a random angle"),
    ("cifar10", "Cifar10", "60,000 colour photographs of 32x32 pixels, 10 classes"),
    ("cifar100", "Cifar100", "60,000 colour photographs of 32x32 pixels, 100 classes in 20 superclasses"),
    ("image_folder", "ImageFolder", "image files in a folder for each class"),
    ("imagenet", "Imagenet", "the photographs of 1,000 classes of ILSVRC 2012, in folders or tar shards of yours"),
    ("shards", "Shards", "rows in tar archives (WebDataset), here or behind a URL, larger than memory"),
    ("npz", "Npz", "arrays in one .npz file, or one for each split"),
    ("numpy", "Numpy", "a folder of .npy files, also larger than memory"),
    ("table", "Table", "columns of CSV and Parquet files"),
    ("text", "Text", "files of text, character by character"),
    ("huggingface", "Huggingface", "a data set of the library datasets, by object, folder or name"),
    ("synthetic", "Synthetic", "random rows with labels that can be learnt, as many as wanted"),
)

_AUGMENTERS = (
    ("shift", "Shift", "move each image by a few pixels, zeros fill the gap"),
    ("crop", "Crop", "cut a part out of each picture, at a random place or in the middle"),
    ("pad", "Pad", "lay a frame around each picture"),
    ("flip", "Flip", "turn pictures round, left to right or top to bottom, with a chance"),
    ("brightness", "Brightness", "make pictures lighter and darker"),
    ("contrast", "Contrast", "make differences of light and dark stronger and weaker"),
    ("rescale", "Rescale", "turn bytes into floating numbers of 0 to 1, or of another range"),
    ("normalize", "Normalize", "bring channels to mean 0 and deviation 1, by given or by well-known statistics"),
    ("saturation", "Saturation", "make colours stronger and weaker"),
    ("hue", "Hue", "turn the colours of pictures into others, as bright and as strong"),
    ("grey", "Grey", "take the colours out of pictures, with a chance"),
    ("rotate", "Rotate", "turn pictures about their middle by random angles"),
    ("affine", "Affine", "turn, move, scale and shear pictures at once"),
    ("resize", "Resize", "make pictures of another size"),
    ("random_resized_crop", "RandomResizedCrop", "cut a part of any size out of each picture and make it one size"),
    ("cutout", "Cutout", "cover a rectangle of each picture"),
    ("mixup", "Mixup", "mix each row and its label with another one"),
    ("cutmix", "Cutmix", "put a rectangle of another picture into each, and mix the labels"),
    ("one_hot", "OneHot", "write labels as probabilities of classes"),
    ("gaussian_noise", "GaussianNoise", "add normally distributed noise to each value"),
    ("whiten", "Whiten", "bring each picture to mean 0 and deviation 1 by itself"),
    ("gcn", "GCN", "give all pictures the same contrast (global contrast normalisation)"),
    ("zca", "ZCA", "whiten rows by the covariance of the rows to train on"),
    ("masking", "Masking", "leave out random places of sequences"),
    ("jitter", "Jitter", "scale series and add noise to them"),
    ("per_row", "PerRow", "change each row by a function of your own"),
    ("albumentations", "Albumentations", "change pictures by a pipeline of the library albumentations"),
)

_REQUIRES = {"huggingface": ("akid-datasets[huggingface]",)}


@hookimpl
def akid_sources() -> Iterable[SourceInfo]:
    for name, cls, summary in _SOURCES:
        target = f"akid_datasets.sources.{name}:{cls}"
        yield SourceInfo(name=name, target=target, summary=summary, requires=_REQUIRES.get(name, ()))


@hookimpl
def akid_augmenters() -> Iterable[AugmenterInfo]:
    for name, cls, summary in _AUGMENTERS:
        yield AugmenterInfo(name=name, target=f"akid_datasets.augmenters.{name}:{cls}", summary=summary)


@hookimpl
def akid_recipes() -> Iterable[RecipeInfo]:
    yield RecipeInfo(
        name="digits",
        target="akid_datasets:recipes/digits.yaml",
        summary="a small normalised convolutional network on the digits: 0.99 of the test set in seconds",
    )
    yield RecipeInfo(
        name="mnist",
        target="akid_datasets:recipes/mnist.yaml",
        summary="LeNet on MNIST: 0.99 of the test set in 3 epochs",
    )
    yield RecipeInfo(
        name="fashion_mnist",
        target="akid_datasets:recipes/fashion_mnist.yaml",
        summary="LeNet on Fashion-MNIST: 0.90 of the test set in 5 epochs",
    )
