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
    yield SourceInfo(
        name="image_folder",
        target="akid_datasets.sources.image_folder:ImageFolder",
        summary="image files in a folder for each class",
    )
    yield SourceInfo(
        name="imagenet",
        target="akid_datasets.sources.imagenet:Imagenet",
        summary="the photographs of 1,000 classes of ILSVRC 2012, in folders or tar shards of yours",
    )
    yield SourceInfo(
        name="shards",
        target="akid_datasets.sources.shards:Shards",
        summary="rows in tar archives (WebDataset), here or behind a URL, larger than memory",
    )
    yield SourceInfo(
        name="npz",
        target="akid_datasets.sources.npz:Npz",
        summary="arrays in one .npz file, or one for each split",
    )
    yield SourceInfo(
        name="numpy",
        target="akid_datasets.sources.numpy:Numpy",
        summary="a folder of .npy files, also larger than memory",
    )
    yield SourceInfo(
        name="table",
        target="akid_datasets.sources.table:Table",
        summary="columns of CSV and Parquet files",
    )
    yield SourceInfo(
        name="text",
        target="akid_datasets.sources.text:Text",
        summary="files of text, character by character",
    )
    yield SourceInfo(
        name="huggingface",
        target="akid_datasets.sources.huggingface:Huggingface",
        summary="a data set of the library datasets, by object, folder or name",
        requires=("akid-datasets[huggingface]",),
    )
    yield SourceInfo(
        name="synthetic",
        target="akid_datasets.sources.synthetic:Synthetic",
        summary="random rows with labels that can be learnt, as many as wanted",
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
    yield AugmenterInfo(
        name="saturation",
        target="akid_datasets.augmenters.saturation:Saturation",
        summary="make colours stronger and weaker",
    )
    yield AugmenterInfo(
        name="hue",
        target="akid_datasets.augmenters.hue:Hue",
        summary="turn the colours of pictures into others, as bright and as strong",
    )
    yield AugmenterInfo(
        name="grey",
        target="akid_datasets.augmenters.grey:Grey",
        summary="take the colours out of pictures, with a chance",
    )
    yield AugmenterInfo(
        name="rotate",
        target="akid_datasets.augmenters.rotate:Rotate",
        summary="turn pictures about their middle by random angles",
    )
    yield AugmenterInfo(
        name="affine",
        target="akid_datasets.augmenters.affine:Affine",
        summary="turn, move, scale and shear pictures at once",
    )
    yield AugmenterInfo(
        name="resize",
        target="akid_datasets.augmenters.resize:Resize",
        summary="make pictures of another size",
    )
    yield AugmenterInfo(
        name="random_resized_crop",
        target="akid_datasets.augmenters.random_resized_crop:RandomResizedCrop",
        summary="cut a part of any size out of each picture and make it one size",
    )
    yield AugmenterInfo(
        name="cutout",
        target="akid_datasets.augmenters.cutout:Cutout",
        summary="cover a rectangle of each picture",
    )
    yield AugmenterInfo(
        name="mixup",
        target="akid_datasets.augmenters.mixup:Mixup",
        summary="mix each row and its label with another one",
    )
    yield AugmenterInfo(
        name="cutmix",
        target="akid_datasets.augmenters.cutmix:Cutmix",
        summary="put a rectangle of another picture into each, and mix the labels",
    )
    yield AugmenterInfo(
        name="one_hot",
        target="akid_datasets.augmenters.one_hot:OneHot",
        summary="write labels as probabilities of classes",
    )
    yield AugmenterInfo(
        name="gaussian_noise",
        target="akid_datasets.augmenters.gaussian_noise:GaussianNoise",
        summary="add normally distributed noise to each value",
    )
    yield AugmenterInfo(
        name="whiten",
        target="akid_datasets.augmenters.whiten:Whiten",
        summary="bring each picture to mean 0 and deviation 1 by itself",
    )
    yield AugmenterInfo(
        name="gcn",
        target="akid_datasets.augmenters.gcn:GCN",
        summary="give all pictures the same contrast (global contrast normalisation)",
    )
    yield AugmenterInfo(
        name="zca",
        target="akid_datasets.augmenters.zca:ZCA",
        summary="whiten rows by the covariance of the rows to train on",
    )
    yield AugmenterInfo(
        name="masking",
        target="akid_datasets.augmenters.masking:Masking",
        summary="leave out random places of sequences",
    )
    yield AugmenterInfo(
        name="jitter",
        target="akid_datasets.augmenters.jitter:Jitter",
        summary="scale series and add noise to them",
    )
    yield AugmenterInfo(
        name="per_row",
        target="akid_datasets.augmenters.per_row:PerRow",
        summary="change each row by a function of your own",
    )
    yield AugmenterInfo(
        name="albumentations",
        target="akid_datasets.augmenters.albumentations:Albumentations",
        summary="change pictures by a pipeline of the library albumentations",
    )


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
