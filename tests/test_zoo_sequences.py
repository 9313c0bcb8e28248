"""The zoo's networks for sequences, and those that make images: numbers of parameters, shapes, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from akid_core.bundled.zoo.autoencoder import conv_autoencoder, dense_autoencoder
from akid_core.bundled.zoo.elman import char_elman
from akid_core.bundled.zoo.gan import conv_gan
from akid_core.bundled.zoo.gpt import char_gpt
from akid_core.bundled.zoo.lstm_lm import char_lstm
from akid_core.bundled.zoo.unet import unet
from akid_core.bundled.zoo.vit import vit
from akid_core.graph import Brain


def trained(brain: Brain) -> int:
    """How many parameters are trained; nothing is allocated."""
    return sum(param.size for param in brain.resolve(losses=False).params.values() if param.trained)


def dense(into: int, out: int) -> int:
    return into * out + out


def conv(into: int, out: int, kernel: int) -> int:
    return kernel * kernel * into * out + out


def transformer(width: int) -> int:
    """Two norms, four projections of which that of the keys has no bias, two dense layers."""
    return 4 * width + 4 * dense(width, width) - width + dense(width, 4 * width) + dense(4 * width, width)


def test_gpt_of_the_size_of_gpt2() -> None:
    # transformers' GPT2LMHeadModel has 124,439,808; here the read-out is not the embedding, and keys have no bias
    brain = char_gpt(characters=50257, length=1024, width=768, depth=12, heads=12)
    assert trained(brain) == 124_439_808 + 50257 * 768 - 12 * 768


def test_vision_transformers_of_the_paper() -> None:
    # torchvision's vit_b_16 has 86,567,656 and vit_l_16 304,326,632; here are no biases of keys and no class token
    assert trained(vit(classes=1000, size=224, patch=16, width=768, depth=12, heads=12)) == 86_567_656 - 12 * 768 - 768
    large = vit(classes=1000, size=224, patch=16, width=1024, depth=24, heads=16)
    assert trained(large) == 304_326_632 - 24 * 1024 - 1024


def test_unet_of_the_paper() -> None:
    # figure 1: two 3x3 convolutions at each of nine levels, four 2x2 up-convolutions, one of 1x1
    levels = [(1, 64), (64, 128), (128, 256), (256, 512), (512, 1024), (1024, 512), (512, 256), (256, 128), (128, 64)]
    count = sum(conv(into, out, 3) + conv(out, out, 3) for into, out in levels) + conv(64, 2, 1)
    count += sum(conv(into, out, 2) for into, out in levels[5:])
    assert trained(unet(width=64, depth=4, classes=2)) == count == 31_030_658


LEVELS = ((1, 16), (16, 32), (32, 64), (64, 128), (128, 64), (64, 32), (32, 16))
RAISED = ((128, 64), (64, 32), (32, 16))
UNET = sum(conv(into, out, 3) + conv(out, out, 3) for into, out in LEVELS) + sum(conv(*each, 2) for each in RAISED)
GENERATOR = 64 * 3136 + 2 * 64 + 16 * 64 * 32 + 2 * 32 + conv(32, 1, 4)


@pytest.mark.parametrize(
    ("build", "count", "shape"),
    [
        (char_gpt, (128 + 64) * 128 + 4 * transformer(128) + 2 * 128 + 128 * 128, (64, 128)),
        (char_elman, 128 * 64 + dense(64, 256) + 256 * 256 + dense(256, 128), (64, 128)),
        (char_lstm, 128 * 64 + dense(64, 4 * 256) + 256 * 4 * 256 + dense(256, 128), (64, 128)),
        (vit, conv(3, 192, 4) + 65 * 192 + 6 * transformer(192) + 2 * 192 + dense(192, 10), (10,)),
        (unet, UNET + conv(16, 1, 1), (1, 64, 64)),
        (dense_autoencoder, dense(784, 128) + dense(128, 32) + dense(32, 128) + dense(128, 784), (1, 28, 28)),
        (
            conv_autoencoder,
            conv(1, 16, 3) + conv(16, 32, 3) + dense(1568, 32) + dense(32, 1568) + conv(32, 16, 2) + conv(16, 1, 2),
            (1, 28, 28),
        ),
        (conv_gan, GENERATOR + conv(1, 32, 4) + conv(32, 64, 4) + dense(3136, 1), (1, 28, 28)),
    ],
)
def test_as_they_stand(build: Callable[[], Brain], count: int, shape: tuple[int, ...]) -> None:
    graph = build().resolve(losses=False)
    assert trained(build()) == count
    [output] = graph.outputs.values()
    assert graph.spec(output).row == shape
    assert f"{count:,}" in (build.__doc__ or "")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: vit(size=30), "size must be a multiple of patch, got 30 and 4"),
        (lambda: unet(size=60), "size must be a multiple of 8, since it is halved 3 times, got 60"),
        (lambda: conv_autoencoder(size=30), "size must be a multiple of 4, since it is halved twice, got 30"),
        (lambda: conv_gan(size=30), "size must be a multiple of 4, since it is halved twice, got 30"),
    ],
)
def test_sizes_that_do_not_fit(build: Callable[[], Brain], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: char_gpt(characters=5, length=5, width=4, depth=1, heads=2, dropout=0.1),
        lambda: char_elman(characters=5, length=5, embedding=2, units=3, bptt=2, carry=True),
        lambda: char_lstm(characters=5, length=5, embedding=2, units=3, depth=2, dropout=0.1, bptt=2, carry=True),
        lambda: vit(size=8, width=4, depth=1, heads=2, dropout=0.1),
        lambda: unet(size=4, depth=1, width=2),
        lambda: dense_autoencoder(size=4, hidden=(6, 3), code=2),
        lambda: conv_autoencoder(size=4, width=2),
        lambda: conv_gan(size=4, width=2),
    ],
)
def test_they_are_plain_data(build: Callable[[], Brain]) -> None:
    assert Brain.from_config(build().to_config()) == build()
