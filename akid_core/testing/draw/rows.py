"""Layers on any shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from akid_core import layers as L
from akid_core.specs.layer import Layer
from akid_core.testing.draw.chance import Chance, trial
from akid_core.testing.referee import Trial

AXES = {1: "NC", 3: "NCHW"}


def dense(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    shape = (*chance.sizes(1, 4, chance.size(0, 2)), chance.size(1, 9))
    layer = L.Dense(units=chance.size(1, 8), bias=chance.one_of(True, False))
    return trial(layer, chance.values(chance.rows(), *shape))


def norm(random: np.random.Generator, number: int) -> Trial:
    """With enough values in each sum that rounding is not all there is."""
    chance = Chance(random, number)
    cls: Any = chance.turn(L.BatchNorm, L.LayerNorm, L.GroupNorm, L.RMSNorm, L.L2Normalize)
    scale, shift = (chance.one_of(True, True, False) for _ in range(2))
    epsilon = chance.one_of(1e-5, 1e-3, 1e-6)
    shape = _shape(chance, low=4)
    axis: Any = chance.one_of(-1, 1, tuple(range(1, len(shape) + 1)))
    layer: Layer
    if cls is L.BatchNorm:
        layer = L.BatchNorm(scale=scale, shift=shift, epsilon=epsilon, decay=chance.number_from(0.5, 0.99))
        return _on(layer, chance.normal(8, *shape) + chance.number_from(-1, 1))
    if cls is L.GroupNorm:
        groups = chance.size(1, 3)
        layer = L.GroupNorm(groups=groups, scale=scale, shift=shift, epsilon=epsilon)
        return _on(layer, chance.normal(chance.rows(), 4 * groups, *shape[1:]))
    if cls is L.LayerNorm:
        layer = L.LayerNorm(axis=axis, scale=scale, shift=shift, epsilon=epsilon)
    elif cls is L.RMSNorm:
        layer = L.RMSNorm(axis=axis, scale=scale, epsilon=epsilon)
    else:
        layer = L.L2Normalize(axis=axis)
    return _on(layer, chance.normal(chance.rows(), *shape))


def activation(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    shape = _shape(chance, low=1)
    axis = chance.size(1, len(shape))
    layers: tuple[Layer, ...] = (
        L.ReLU(),
        L.ReLU6(),
        L.LeakyReLU(negative_slope=chance.number_from(-0.1, 0.5)),
        L.PReLU(shared=chance.one_of(True, False)),
        L.GELU(approximate="none"),
        L.GELU(approximate="tanh"),
        L.SiLU(),
        L.Sigmoid(),
        L.Tanh(),
        L.Softmax(axis=axis),
        L.Maxout(group_size=chance.one_of(*_divisors(shape[axis - 1])), axis=axis),
        L.MeanOut(group_size=chance.one_of(*_divisors(shape[axis - 1])), axis=axis),
    )
    return _on(chance.turn(*layers), chance.values(chance.rows(), *shape))


def dropout(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    rate = chance.number_from(0, 0.9)
    layer = chance.turn(L.Dropout(rate=rate), L.SpatialDropout(rate=rate))
    shape = _shape(chance, low=1) if chance.number % 2 == 0 else chance.sizes(1, 6, chance.one_of(2, 3))
    return _on(layer, chance.normal(chance.rows(), *shape))


def shape(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    sizes = chance.sizes(1, 6, chance.one_of(2, 3))
    axis, size = 1, sizes[0]
    start = chance.size(0, size - 1)
    order = tuple(int(place) + 1 for place in random.permutation(len(sizes)))
    cuts = chance.one_of(*_divisors(size))
    layers: tuple[Layer, ...] = (
        L.Flatten(),
        L.Reshape(shape=(chance.one_of(*_divisors(math.prod(sizes))), -1)),
        L.Transpose(axes=order),
        L.Split(parts=cuts, axis=axis),
        L.Fill(value=chance.number_from(-2, 2)),
        L.Unstack(axis=chance.size(1, len(sizes))),
        L.Slice(axis=axis, start=start, stop=chance.one_of(None, size), step=chance.size(1, 2)),
    )
    return _on(chance.turn(*layers), chance.normal(chance.rows(), *sizes))


def merge(random: np.random.Generator, number: int) -> Trial:
    chance = Chance(random, number)
    sizes, rows, count = _shape(chance, low=1), chance.rows(), chance.size(2, 4)
    kind = chance.turn("add", "multiply", "stack", "concat")
    if kind != "concat":
        layer: Layer = {"add": L.Add(), "multiply": L.Multiply()}.get(kind) or L.Stack(axis=chance.size(1, len(sizes)))
        return _on(layer, *(chance.values(rows, *sizes) for _ in range(count)))
    axis = chance.size(1, len(sizes))
    shapes = [(*sizes[: axis - 1], chance.size(1, 4), *sizes[axis:]) for _ in range(count)]
    return _on(L.Concat(axis=axis), *(chance.values(rows, *each) for each in shapes))


def _on(layer: Layer, *inputs: np.ndarray) -> Trial:
    return trial(layer, *inputs, axes=AXES.get(inputs[0].ndim - 1, ""))


def _shape(chance: Chance, low: int) -> tuple[int, ...]:
    """Of a row: features, a sequence or an image."""
    return (chance.size(low, 9), *chance.sizes(low, 6, chance.one_of(0, 1, 2)))


def _divisors(size: int) -> list[int]:
    return [number for number in range(1, size + 1) if size % number == 0]
