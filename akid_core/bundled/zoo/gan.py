"""A generative adversarial network: one system makes images, another tells them from real ones."""

from __future__ import annotations

from akid_core.graph import Brain, System
from akid_core.initializers import Normal
from akid_core.layers import BatchNorm, Conv2d, ConvTranspose2d, Dense, Flatten, LeakyReLU, ReLU, Reshape, Sigmoid
from akid_core.specs import TensorSpec

_BEGUN = Normal(stddev=0.02)


def conv_gan(*, channels: int = 1, size: int = 28, latent: int = 64, width: int = 32) -> Brain:
    """A small convolutional GAN for the Kid `gan`: the Systems `generator` and `discriminator`; 270,690 parameters.

    The generator enlarges twice, from 2 `width` channels to `width` to those of an image; the discriminator the other
    way round. As DCGAN, but only the generator normalises, since the discriminator meets real and made images apart;
    and images reach from 0 to 1, so that a sigmoid ends the generator. Raises `ValueError` for a size that cannot be
    halved twice.

    Takes noise: (batch, latent) float32. Gives generator: images (batch, channels, size, size), 0 to 1; `discriminator`
    gives the score (batch, 1) of an image, a logit of its being real. Sources: Goodfellow et al., "Generative
    adversarial nets", 2014; Radford et al., "Unsupervised representation learning with deep convolutional generative
    adversarial networks", 2015.
    """
    if size % 4:
        raise ValueError(f"size must be a multiple of 4, since it is halved twice, got {size}")
    return Brain.sequential(
        _generator(channels, size, width),
        _discriminator(width),
        inputs={"noise": TensorSpec(("N", latent), "float32", "NC")},
        outputs="generator",
    )


def _generator(channels: int, size: int, width: int) -> System:
    """noise: (batch, latent) -> images (batch, channels, size, size), 0 to 1."""
    bottom = (2 * width, size // 4, size // 4)
    return System.sequential(
        Dense(name="dense", units=2 * width * (size // 4) ** 2, bias=False, weight_init=_BEGUN),
        Reshape(shape=bottom),
        BatchNorm(name="norm1"),
        ReLU(),
        ConvTranspose2d(name="conv1", channels=width, kernel=4, stride=2, padding=1, bias=False, weight_init=_BEGUN),
        BatchNorm(name="norm2"),
        ReLU(),
        ConvTranspose2d(name="conv2", channels=channels, kernel=4, stride=2, padding=1, weight_init=_BEGUN),
        Sigmoid(),
        inputs="noise",
        name="generator",
    )


def _discriminator(width: int) -> System:
    """image: (batch, channels, size, size) -> the score (batch, 1)."""
    return System.sequential(
        Conv2d(name="conv1", channels=width, kernel=4, stride=2, padding=1, weight_init=_BEGUN),
        LeakyReLU(negative_slope=0.2),
        Conv2d(name="conv2", channels=2 * width, kernel=4, stride=2, padding=1, weight_init=_BEGUN),
        LeakyReLU(negative_slope=0.2),
        Flatten(),
        Dense(name="score", units=1, weight_init=_BEGUN),
        inputs="image",
        name="discriminator",
    )
