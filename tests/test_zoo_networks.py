"""The zoo's networks for images: published numbers of parameters, settings, and every network as plain data."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from akid_core.bundled.zoo import all_conv, lenet, maxout, mnist, vgg, wide_resnet
from akid_core.bundled.zoo.cifar_resnet import cifar_resnet
from akid_core.graph import Brain
from akid_core.layers import AvgPool2d, ReLU
from akid_core.plugins import default_manager
from akid_core.specs import TensorSpec

TORCHVISION = {  # `num_params` in the documentation of each model's weights
    "alexnet": 61_100_840,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "vgg11_bn": 132_868_840,
    "vgg13_bn": 133_053_736,
    "vgg16_bn": 138_365_992,
    "vgg19_bn": 143_678_248,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "wide_resnet50_2": 68_883_240,
    "mobilenet_v2": 3_504_872,
}
PUBLISHED = {
    "cifar_resnet20": 269_722,  # these five as akamaster/pytorch_resnet_cifar10 counts them; 0.27M to 1.7M in the paper
    "cifar_resnet32": 464_154,
    "cifar_resnet44": 658_586,
    "cifar_resnet56": 853_018,
    "cifar_resnet110": 1_727_962,
    "wide_resnet": 1_467_610,  # WRN-28-2 in the original akid; 1.5M in the paper
    "wide_resnet28_10": 36_479_194,  # 36.5M in the paper
    "wide_resnet16_4": 2_748_890,  # 2.8M in the paper
    "all_cnn_c": 1_369_738,  # 1.4M in the paper
    "cifar_alexnet": 1_068_298,  # TensorFlow's tutorial
    "mlp": 199_210,  # McMahan et al., 2017, section 3, where the network is called 2NN
    "lenet": 1_663_370,  # McMahan et al., 2017, section 3: the same sizes
    "one_layer_net": 12_362,  # this and the next two: the original akid
    "mnist_tutorial_net": 1_237_386,
    "patrice_net": 636_010,
    "cifar_vgg": 8_695_902 - 20,  # the original akid, whose last normalisation nothing takes
}


def dense(into: int, out: int) -> int:
    return into * out + out


def conv(into: int, out: int, kernel: int) -> int:
    return kernel * kernel * into * out + out


TAIL = conv(192, 192, 3) + conv(192, 192, 1) + conv(192, 10, 1)
BY_HAND = {
    "lenet5": conv(1, 6, 5) + conv(6, 16, 5) + dense(400, 120) + dense(120, 84) + dense(84, 10),
    "lenet5_1998": 60_000 + dense(84, 10),  # the paper's count, and a dense layer for its fixed outputs
    "intriguing_conv_net": conv(1, 32, 5) + conv(32, 64, 5) + dense(14 * 14 * 64, 64) + dense(64, 10),
    "maxout_mnist": conv(1, 96, 8) + conv(48, 96, 8) + conv(48, 96, 5) + dense(24 * 3 * 3, 10),
    "maxout_cifar10": conv(3, 192, 8)
    + conv(96, 384, 8)
    + conv(192, 384, 5)
    + dense(192 * 5 * 5, 2500)
    + dense(500, 10),
    "all_cnn_a": conv(3, 96, 5) + conv(96, 96, 3) + conv(96, 192, 5) + conv(192, 192, 3) + TAIL,
    "all_cnn_b": conv(3, 96, 5) + conv(96, 96, 1) + conv(96, 96, 3)
    + conv(96, 192, 5) + conv(192, 192, 1) + conv(192, 192, 3) + TAIL,
    "all_cnn_imagenet": conv(3, 96, 11) + conv(96, 96, 1) + conv(96, 96, 3)
    + conv(96, 256, 5) + conv(256, 256, 1) + conv(256, 256, 3)
    + conv(256, 384, 3) + conv(384, 384, 1) + conv(384, 384, 3)
    + conv(384, 1024, 3) + conv(1024, 1024, 1) + conv(1024, 1000, 1),
}  # fmt: skip

COUNTS = {**TORCHVISION, **PUBLISHED, **BY_HAND}


def ready(name: str, **settings: object) -> Brain:
    return Brain.from_config({name: settings})


def trained(brain: Brain) -> int:
    """How many parameters are trained; nothing is allocated."""
    return sum(param.size for param in brain.resolve(losses=False).params.values() if param.trained)


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_as_many_as_published(name: str) -> None:
    assert trained(ready(name)) == COUNTS[name]


def test_counting_allocates_nothing() -> None:
    ready("vgg19")  # imports
    tracemalloc.start()
    try:
        assert trained(ready("vgg19")) == 143_667_240
        assert tracemalloc.get_traced_memory()[1] < 2_000_000  # the parameters would be 574,668,960 bytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", COUNTS)
def test_a_network_says_what_it_takes_and_gives(name: str) -> None:
    brain = ready(name, classes=7)
    graph = brain.resolve({"label": TensorSpec(("N",), "int64")})
    assert list(graph.inputs) == ["image"]
    assert graph.spec(graph.outputs["logits"]) == TensorSpec(("N", 7), "float32", "NC")
    assert [call.layer.component() for call in graph.losses] == ["softmax_cross_entropy"]
    assert [call.layer.component() for call in graph.metrics] == ["accuracy"]


@pytest.mark.parametrize("name", default_manager().registry.names("brain"))
def test_every_network_is_plain_data_with_a_source(name: str) -> None:
    [item] = [item for item in default_manager().registry.infos("brain") if item.info.name == name]
    if not item.provider.built_in:
        pytest.skip("a stranger's")
    brain = default_manager().registry.get("brain", name)()
    assert Brain.from_config(brain.to_config()) == brain
    assert item.info.source
    assert item.info.summary
    assert item.info.target.endswith(f":{name}")


def test_the_first_partial_convolution_of_lenet5_has_the_weights_of_the_paper() -> None:
    graph = lenet.lenet5_1998().resolve(losses=False)
    sizes = dict.fromkeys(("conv1", "pool1_weights", "conv2", "pool2_weights", "conv3", "dense"), 0)
    for path, param in graph.params.items():
        block = path.partition("/")[0]
        sizes[block] = sizes.get(block, 0) + param.size
    del sizes["logits"]
    # C1, S2, C3, S4, C5 and F6 of section II.B
    assert list(sizes.values()) == [156, 12, 1_516, 32, 48_120, 10_164]


@pytest.mark.parametrize(
    ("brain", "count"),
    [
        (wide_resnet.wide_resnet(depth=16, width=1), 175_066),  # the original akid
        (wide_resnet.wide_resnet(width=1, shortcut="padding"), 369_498 - 16 * 32 - 32 * 64),
        (cifar_resnet(depth=8), 3 * 3 * 3 * 16 + 32 + 2 * (9 * 16 * 16 + 32) + 3 * 9 * 32 * 16 + 2 * 64
         + 3 * 9 * 64 * 32 + 2 * 128 + 650),
        (maxout.maxout_mnist(norm=True), 418_714 + 3 * 96),
        (maxout.maxout_mnist(activation="relu"), conv(1, 96, 8) + conv(96, 96, 8) + conv(96, 96, 5) + dense(864, 10)),
        (maxout.maxout_cifar10(activation="relu", hidden=500), conv(3, 192, 8) + conv(192, 384, 8)
         + conv(384, 384, 5) + dense(9600, 500) + dense(500, 10)),
        (mnist.mlp(hidden=(), classes=3), dense(784, 3)),
        (vgg.vgg16(classes=10, size=32), 138_357_544 - dense(25088, 4096) - dense(4096, 1000) + dense(512, 4096)
         + dense(4096, 10)),
    ],
)  # fmt: skip
def test_settings_change_the_numbers(brain: Brain, count: int) -> None:
    assert trained(brain) == count


def test_dropout_and_shortcuts_are_placed_as_asked() -> None:
    wide = wide_resnet.wide_resnet(depth=10, width=2, dropout=0.3, shortcut="padding")
    assert [path for path in wide.blocks if path.endswith("/dropout")] == [
        f"stage{stage}/block1/dropout" for stage in (1, 2, 3)
    ]
    assert wide["stage2/block1/means"] == AvgPool2d(name="means", kernel=2)
    assert [path for path, block in mnist.mlp(dropout=0.2).blocks.items() if "dropout" in path] == [
        "dropout1",
        "dropout2",
    ]
    assert isinstance(maxout.maxout_mnist(activation="relu")["act3"], ReLU)


def test_means_of_six_by_six_places_end_the_all_convolutional_networks() -> None:
    graph = all_conv.all_cnn_c().resolve(losses=False)
    assert graph.by_path["logits"].in_specs[0].shape == ("N", 10, 6, 6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cifar_resnet(depth=21), "8, 14, 20 and so on, got 21"),
        (lambda: wide_resnet.wide_resnet(depth=28 + 1), "10, 16, 22 and so on, got 29"),
        (lambda: vgg.vgg16(size=100), "size must be a multiple of 32, since five poolings halve it, got 100"),
    ],
)
def test_settings_that_no_network_has(make: Callable[[], Brain], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
