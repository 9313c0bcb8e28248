"""Autoencoders: an image through a narrow code, and back. The Kids `autoencoder` and `denoise` add the loss."""

from __future__ import annotations

from collections.abc import Sequence

from akid_core.graph import Brain, System
from akid_core.layers import Conv2d, ConvTranspose2d, Dense, Flatten, ReLU, Reshape, Sigmoid
from akid_core.specs import Layer, TensorSpec


def dense_autoencoder(*, channels: int = 1, size: int = 28, hidden: Sequence[int] = (128,), code: int = 32) -> Brain:
    """An autoencoder of dense layers, `hidden` units between image and code, and the same back; 209,968 parameters.

    Takes image: (batch, channels, size, size) float32, 0 to 1. Gives rebuilt: the same shape, 0 to 1; `encoder` gives
    the code (batch, code). Source: Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural
    networks", 2006, with rectifiers, all layers trained at once.
    """
    down = [layer for number, units in enumerate(hidden, start=1) for layer in _dense(f"dense{number}", units)]
    up = [layer for number, units in enumerate(reversed(hidden), start=1) for layer in _dense(f"dense{number}", units)]
    return _autoencoder(
        [Flatten(), *down, Dense(name="code", units=code)],
        [*up, Dense(name="pixels", units=channels * size**2), Reshape(shape=(channels, size, size))],
        channels,
        size,
    )


def conv_autoencoder(*, channels: int = 1, size: int = 28, width: int = 16, code: int = 32) -> Brain:
    """An autoencoder of convolutions: twice to half the size, `width` and 2 `width` channels, and back; 108,881
    parameters.

    Takes image: (batch, channels, size, size) float32, 0 to 1. Gives rebuilt: the same shape, 0 to 1; `encoder` gives
    the code (batch, code). Source: Masci et al., "Stacked convolutional auto-encoders for hierarchical feature
    extraction", 2011, with strides instead of pooling. Raises `ValueError` for a size that cannot be halved twice.
    """
    if size % 4:
        raise ValueError(f"size must be a multiple of 4, since it is halved twice, got {size}")
    bottom = (2 * width, size // 4, size // 4)
    return _autoencoder(
        [
            Conv2d(name="conv1", channels=width, kernel=3, stride=2, padding=1),
            ReLU(),
            Conv2d(name="conv2", channels=2 * width, kernel=3, stride=2, padding=1),
            ReLU(),
            Flatten(),
            Dense(name="code", units=code),
        ],
        [
            Dense(name="dense", units=2 * width * (size // 4) ** 2),
            ReLU(),
            Reshape(shape=bottom),
            ConvTranspose2d(name="conv1", channels=width, kernel=2, stride=2),
            ReLU(),
            ConvTranspose2d(name="conv2", channels=channels, kernel=2, stride=2),
        ],
        channels,
        size,
    )


def _autoencoder(down: Sequence[Layer], up: Sequence[Layer], channels: int, size: int) -> Brain:
    """The Brain of the layers down to a code and those up to the logits of pixels."""
    return Brain.sequential(
        System.sequential(*down, inputs="image", name="encoder"),
        System.sequential(*up, inputs="code", name="decoder"),
        Sigmoid(name="rebuilt"),
        inputs={"image": TensorSpec(("N", channels, size, size), "float32", "NCHW")},
        outputs="rebuilt",
    )


def _dense(name: str, units: int) -> tuple[Layer, Layer]:
    return Dense(name=name, units=units), ReLU(name=f"{name}_relu")
