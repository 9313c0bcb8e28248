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

_RECIPES = (
    ("digits.yaml", "a small normalised convolutional network on the digits: 0.99 of the test set in seconds"),
    ("digits_gan.yaml", "a generative adversarial network that makes digits, in half a minute"),
    ("digits_distill.yaml", "a small network that learns from 200 digits and the network of the recipe digits"),
    ("digits_denoise.yaml", "digits cleaned of noise: a sixth of the squared error"),
    ("digits_autoencoder.yaml", "digits through a code of 16 numbers, and back"),
    ("mnist.yaml", "LeNet on MNIST: 0.99 of the test set in 3 epochs"),
    ("fashion_mnist.yaml", "LeNet on Fashion-MNIST: 0.90 of the test set in 5 epochs"),
    ("mlp_mnist.yaml.j2", "two dense layers on MNIST"),
    ("patrice_net_mnist.yaml.j2", "800 hidden units on MNIST"),
    ("one_layer_net_mnist.yaml.j2", "one convolution on MNIST"),
    ("lenet_mnist.yaml.j2", "the original akid's LeNet on MNIST"),
    ("lenet5_mnist.yaml.j2", "LeNet-5 on MNIST"),
    ("lenet5_1998_mnist.yaml.j2", "LeNet-5 of the paper on MNIST"),
    ("mnist_tutorial_net.yaml.j2", "two convolutions and dropout on MNIST"),
    ("intriguing_conv_net_mnist.yaml.j2", "convolutions with a stride on MNIST"),
    ("maxout_mnist.yaml", "three maxout convolutions on MNIST: 0.99 of the test set in 6 epochs"),
    ("maxout_cifar10.yaml.j2", "the maxout network on CIFAR-10, norms of filters limited"),
    ("maxout_cifar10_l2.yaml.j2", "the maxout network on CIFAR-10, weights pulled towards zero"),
    ("maxout_cifar10_whitened.yaml.j2", "the maxout network on CIFAR-10, pictures whitened each by itself"),
    ("relu_cifar10.yaml.j2", "the maxout network with rectifiers on CIFAR-10, norms of filters limited"),
    ("relu_cifar10_l2.yaml.j2", "the maxout network with rectifiers on CIFAR-10, weights pulled towards zero"),
    ("relu_cifar10_whitened.yaml.j2", "the maxout network with rectifiers on CIFAR-10, pictures whitened"),
    ("alexnet_cifar10.yaml", "two convolutions, normalised by their neighbours, on parts of CIFAR-10"),
    ("vgg_cifar10.yaml", "a VGG of ten normalised convolutions on CIFAR-10"),
    ("resnet20_cifar10.yaml.j2", "ResNet-20 on CIFAR-10"),
    ("resnet32_cifar10.yaml.j2", "ResNet-32 on CIFAR-10"),
    ("resnet44_cifar10.yaml.j2", "ResNet-44 on CIFAR-10"),
    ("resnet56_cifar10.yaml.j2", "ResNet-56 on CIFAR-10"),
    ("resnet110_cifar10.yaml.j2", "ResNet-110 on CIFAR-10"),
    ("wide_resnet28_10_cifar10.yaml.j2", "WRN-28-10 on CIFAR-10"),
    ("wide_resnet16_4_cifar10.yaml.j2", "WRN-16-4 on CIFAR-10"),
    ("all_cnn_a_cifar10.yaml.j2", "All-CNN-A on CIFAR-10"),
    ("all_cnn_b_cifar10.yaml.j2", "All-CNN-B on CIFAR-10"),
    ("all_cnn_c_cifar10.yaml.j2", "All-CNN-C on CIFAR-10"),
    ("alexnet_imagenet.yaml.j2", "AlexNet on ImageNet"),
    ("vgg11_imagenet.yaml.j2", "VGG-11 on ImageNet"),
    ("vgg13_imagenet.yaml.j2", "VGG-13 on ImageNet"),
    ("vgg16_imagenet.yaml.j2", "VGG-16 on ImageNet"),
    ("vgg19_imagenet.yaml.j2", "VGG-19 on ImageNet"),
    ("vgg11_bn_imagenet.yaml.j2", "VGG-11 with batch normalisation on ImageNet"),
    ("vgg13_bn_imagenet.yaml.j2", "VGG-13 with batch normalisation on ImageNet"),
    ("vgg16_bn_imagenet.yaml.j2", "VGG-16 with batch normalisation on ImageNet"),
    ("vgg19_bn_imagenet.yaml.j2", "VGG-19 with batch normalisation on ImageNet"),
    ("resnet18_imagenet.yaml.j2", "ResNet-18 on ImageNet"),
    ("resnet34_imagenet.yaml.j2", "ResNet-34 on ImageNet"),
    ("resnet50_imagenet.yaml.j2", "ResNet-50 on ImageNet"),
    ("resnet101_imagenet.yaml.j2", "ResNet-101 on ImageNet"),
    ("resnet152_imagenet.yaml.j2", "ResNet-152 on ImageNet"),
    ("wide_resnet50_2_imagenet.yaml.j2", "WRN-50-2 on ImageNet"),
    ("all_cnn_imagenet.yaml.j2", "the all-convolutional network on ImageNet"),
    ("mobilenet_v2_imagenet.yaml.j2", "MobileNetV2 on ImageNet"),
    ("vit_digits.yaml", "a vision transformer on the digits"),
    ("unet_digits.yaml", "a U-Net that finds the ink of noisy digits"),
    ("conv_autoencoder_mnist.yaml", "convolutions through a code of 32 numbers and back on MNIST"),
    ("dense_autoencoder_mnist.yaml", "dense layers through a code of 32 numbers and back on MNIST"),
    ("conv_gan_mnist.yaml", "a convolutional adversarial network on MNIST"),
    ("char_gpt.yaml", "a GPT that reads a text of yours character by character"),
    ("char_lstm.yaml", "long short-term memory, wired with feedback, that reads a text of yours"),
    ("char_elman.yaml", "an Elman network that reads a text of yours"),
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
    for file, summary in _RECIPES:
        target = f"akid_datasets:recipes/{file}"
        yield RecipeInfo(name=file.partition(".")[0], target=target, summary=summary)
