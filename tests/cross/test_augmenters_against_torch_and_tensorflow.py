"""Augmenters of pictures against the functions of PyTorch and TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core.data import Augmenter, Draws
from akid_datasets.augmenters.affine import Affine
from akid_datasets.augmenters.grey import Grey
from akid_datasets.augmenters.hue import Hue
from akid_datasets.augmenters.resize import Resize
from akid_datasets.augmenters.whiten import Whiten

torch = pytest.importorskip("torch")
tf = pytest.importorskip("tensorflow")
functional = torch.nn.functional

PICTURES = np.random.default_rng(0).random((5, 3, 14, 19))


def draws(count: int = len(PICTURES)) -> Draws:
    return Draws(3, "augmenter", 1, np.arange(count))


def changed(augmenter: Augmenter, pictures: np.ndarray = PICTURES) -> np.ndarray:
    return augmenter.apply({"image": pictures}, draws(len(pictures)))["image"]


def by_tensorflow(oracle: Any, pictures: np.ndarray, *arguments: Any, **settings: Any) -> np.ndarray:
    """The result of a function of TensorFlow, whose channels lie last."""
    result: np.ndarray = oracle(pictures.transpose(0, 2, 3, 1), *arguments, **settings).numpy().transpose(0, 3, 1, 2)
    return result


@pytest.mark.parametrize("method", ["bilinear", "nearest"])
def test_affine_against_torch(method: Any) -> None:
    """`affine_grid` and `grid_sample` get the inverse of the map, in halves of the height and the width."""
    augmenter = Affine(degrees=70, translate=(0.3, 0.2), scale=(0.5, 1.8), shear=25, method=method)
    height, width = PICTURES.shape[-2:]
    angle, scale, shear, down, right = (2 * draws().uniform(stream) - 1 for stream in range(5))
    angle, shear = np.radians(70 * angle), np.radians(25 * shear)
    scale = 0.5 + 1.3 * (scale + 1) / 2
    thetas = []
    for row in range(len(PICTURES)):
        cos, sin = np.cos(angle[row]), np.sin(angle[row])
        turn = scale[row] * np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1 / scale[row]]])
        lean = np.array([[1, np.tan(shear[row]), 0], [0, 1, 0], [0, 0, 1]])
        move = np.array([[1, 0, 0.2 * right[row] * width], [0, 1, 0.3 * down[row] * height], [0, 0, 1]])
        halves = np.diag([width / 2, height / 2, 1])
        thetas.append((np.linalg.inv(halves) @ np.linalg.inv(move @ turn @ lean) @ halves)[:2])
    grid = functional.affine_grid(torch.tensor(np.array(thetas)), list(PICTURES.shape), align_corners=False)
    expected = functional.grid_sample(torch.tensor(PICTURES), grid, mode=method, align_corners=False).numpy()
    np.testing.assert_allclose(changed(augmenter), expected, atol=1e-9)


@pytest.mark.parametrize("size", [(7, 30), (28, 9), (5, 4), (31, 40)])
@pytest.mark.parametrize("antialias", [True, False])
def test_resize_bilinear(size: tuple[int, int], antialias: bool) -> None:
    made = changed(Resize(size=size, antialias=antialias))
    by_torch = functional.interpolate(torch.tensor(PICTURES), size, mode="bilinear", antialias=antialias).numpy()
    np.testing.assert_allclose(made, by_torch, atol=1e-9)
    expected = by_tensorflow(tf.image.resize, PICTURES.astype(np.float32), size, antialias=antialias)
    np.testing.assert_allclose(made, expected, atol=1e-5)


@pytest.mark.parametrize("size", [(7, 30), (28, 9), (5, 4), (31, 40)])
def test_resize_to_the_nearest(size: tuple[int, int]) -> None:
    made = changed(Resize(size=size, method="nearest"))
    expected = functional.interpolate(torch.tensor(PICTURES), size, mode="nearest-exact").numpy()
    np.testing.assert_array_equal(made, expected)
    np.testing.assert_array_equal(made, by_tensorflow(tf.image.resize, PICTURES, size, method="nearest"))


def test_hue() -> None:
    turns = draws().uniform() - 0.5
    for picture, turn, made in zip(PICTURES, turns, changed(Hue(turn=0.5)), strict=True):
        expected = by_tensorflow(tf.image.adjust_hue, picture[np.newaxis].astype(np.float32), turn)
        np.testing.assert_allclose(made[np.newaxis], expected, atol=1e-5)


def test_grey() -> None:
    expected = by_tensorflow(tf.image.rgb_to_grayscale, PICTURES)
    np.testing.assert_allclose(changed(Grey(chance=1, channels=1)), expected, atol=2e-4)  # there 0.2989 of red


@pytest.mark.parametrize("scale", [1.0, 255.0, 1e-4])
def test_whiten(scale: float) -> None:
    pictures = (PICTURES * scale).astype(np.float32)
    expected = by_tensorflow(tf.image.per_image_standardization, pictures)
    np.testing.assert_allclose(changed(Whiten(), pictures), expected, rtol=1e-4, atol=1e-5)
