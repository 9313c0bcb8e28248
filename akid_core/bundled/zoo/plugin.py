"""What the built-in plugin `zoo` declares: networks by name, each a function so called in the module of its family."""

from __future__ import annotations

from collections.abc import Iterator

from akid_core.plugin_api import BrainInfo, hookimpl

FAMILIES = (
    (
        "mnist",
        "McMahan et al., Communication-efficient learning of deep networks from decentralized data, 2017, section 3",
        {"mlp": "digits of 28x28 pixels: dense layers with rectifiers"},
    ),
    (
        "mnist",
        "the original akid",
        {
            "one_layer_net": "digits of 28x28 pixels: one convolution",
            "lenet": "digits of 28x28 pixels: two convolutions, two dense layers",
            "mnist_tutorial_net": "digits of 28x28 pixels: two convolutions, two dense layers, dropout",
            "intriguing_conv_net": "digits of 28x28 pixels: two convolutions with a stride, two dense layers",
        },
    ),
    (
        "mnist",
        "Simard et al., Best practices for convolutional neural networks, 2003, section 5",
        {"patrice_net": "digits of 28x28 pixels: 800 hidden units"},
    ),
    (
        "lenet",
        "LeCun et al., Gradient-based learning applied to document recognition, 1998, section II.B",
        {
            "lenet5": "digits of 32x32 pixels: two convolutions, three dense layers",
            "lenet5_1998": "digits of 32x32 pixels: as in the paper, whose filters see some of the maps each",
        },
    ),
    (
        "alexnet",
        "Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014",
        {"alexnet": "photographs: five convolutions, three dense layers"},
    ),
    (
        "alexnet",
        "TensorFlow's tutorial Convolutional neural networks, 2016",
        {"cifar_alexnet": "parts of images of 24x24 pixels: two convolutions, three dense layers"},
    ),
    (
        "vgg",
        "Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2014, table 1",
        {
            "vgg11": "photographs: 8 convolutions, 3 dense layers",
            "vgg13": "photographs: 10 convolutions, 3 dense layers",
            "vgg16": "photographs: 13 convolutions, 3 dense layers",
            "vgg19": "photographs: 16 convolutions, 3 dense layers",
            "vgg11_bn": "photographs: 8 normalised convolutions, 3 dense layers",
            "vgg13_bn": "photographs: 10 normalised convolutions, 3 dense layers",
            "vgg16_bn": "photographs: 13 normalised convolutions, 3 dense layers",
            "vgg19_bn": "photographs: 16 normalised convolutions, 3 dense layers",
        },
    ),
    (
        "vgg",
        "Zagoruyko, 92.45% on CIFAR-10 in Torch, 2015; the original akid",
        {"cifar_vgg": "images of 32x32 pixels: 10 normalised convolutions, 2 dense layers"},
    ),
    (
        "resnet",
        "He et al., Deep residual learning for image recognition, 2015",
        {
            "resnet18": "photographs: 8 residual blocks of two convolutions",
            "resnet34": "photographs: 16 residual blocks of two convolutions",
            "resnet50": "photographs: 16 residual bottlenecks",
            "resnet101": "photographs: 33 residual bottlenecks",
            "resnet152": "photographs: 50 residual bottlenecks",
        },
    ),
    (
        "resnet",
        "Zagoruyko and Komodakis, Wide residual networks, 2016, table 8",
        {"wide_resnet50_2": "photographs: 16 residual bottlenecks, twice as wide inside"},
    ),
    (
        "cifar_resnet",
        "He et al., Deep residual learning for image recognition, 2015, section 4.2",
        {
            "cifar_resnet": "images of 32x32 pixels: residual blocks in three stages, 6n + 2 layers",
            "cifar_resnet20": "images of 32x32 pixels: 9 residual blocks",
            "cifar_resnet32": "images of 32x32 pixels: 15 residual blocks",
            "cifar_resnet44": "images of 32x32 pixels: 21 residual blocks",
            "cifar_resnet56": "images of 32x32 pixels: 27 residual blocks",
            "cifar_resnet110": "images of 32x32 pixels: 54 residual blocks",
        },
    ),
    (
        "wide_resnet",
        "Zagoruyko and Komodakis, Wide residual networks, 2016",
        {
            "wide_resnet": "images of 32x32 pixels: pre-activated residual blocks of any width, 6n + 4 layers",
            "wide_resnet28_10": "images of 32x32 pixels: 12 pre-activated residual blocks, 10 times as wide",
            "wide_resnet16_4": "images of 32x32 pixels: 6 pre-activated residual blocks, 4 times as wide",
        },
    ),
    (
        "maxout",
        "Goodfellow et al., Maxout networks, 2013",
        {
            "maxout_mnist": "digits of 28x28 pixels: three maxout convolutions",
            "maxout_cifar10": "images of 32x32 pixels: three maxout convolutions, a dense maxout layer",
        },
    ),
    (
        "all_conv",
        "Springenberg et al., Striving for simplicity: the all convolutional net, 2014",
        {
            "all_cnn_a": "images of 32x32 pixels: 7 convolutions alone",
            "all_cnn_b": "images of 32x32 pixels: 9 convolutions alone, some of single places",
            "all_cnn_c": "images of 32x32 pixels: 9 convolutions alone, of 3x3 places",
            "all_cnn_imagenet": "photographs: 12 convolutions alone",
        },
    ),
    (
        "mobilenet",
        "Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks, 2018",
        {"mobilenet_v2": "photographs: 17 inverted residual blocks"},
    ),
    (
        "vit",
        "Dosovitskiy et al., An image is worth 16x16 words, 2021",
        {"vit": "images as sequences of patches: a small vision transformer, any size"},
    ),
    (
        "gpt",
        "Radford et al., Language models are unsupervised multitask learners, 2019",
        {"char_gpt": "text, character by character: the decoder of GPT-2, small"},
    ),
    (
        "lstm_lm",
        "Hochreiter and Schmidhuber, Long short-term memory, 1997",
        {"char_lstm": "text, character by character: long short-term memory wired with feedback edges"},
    ),
    (
        "elman",
        "Elman, Finding structure in time, 1990",
        {"char_elman": "text, character by character: a hidden layer that sees itself a step ago"},
    ),
    (
        "unet",
        "Ronneberger et al., U-Net: convolutional networks for biomedical image segmentation, 2015",
        {"unet": "images into masks: down to half the size some times, and up again beside it"},
    ),
    (
        "autoencoder",
        "Hinton and Salakhutdinov, Reducing the dimensionality of data with neural networks, 2006",
        {
            "dense_autoencoder": "images through a narrow code and back: dense layers",
            "conv_autoencoder": "images through a narrow code and back: convolutions",
        },
    ),
    (
        "gan",
        "Goodfellow et al., Generative adversarial nets, 2014",
        {"conv_gan": "images out of noise: a convolutional generator and its discriminator, for the Kid gan"},
    ),
)
"""For each family its module, its source, and its networks with a summary."""


@hookimpl
def akid_brains() -> Iterator[BrainInfo]:
    for module, source, networks in FAMILIES:
        for name, summary in networks.items():
            target = f"akid_core.bundled.zoo.{module}:{name}"
            yield BrainInfo(name=name, target=target, summary=summary, source=source)
