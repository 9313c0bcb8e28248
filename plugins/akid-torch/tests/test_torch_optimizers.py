"""Kernels against the core's formulas, evaluated in NumPy float64 on the same recorded gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from akid_core.ops import Array, Ops
from akid_core.optimizers import SGD, Adagrad, Adam, AdamW, Lion, Optimizer, RMSprop
from akid_torch.fused import ForeachAdagrad, ForeachLion, ForeachRMSprop, FusedAdam, FusedSGD, updater
from akid_torch.ops import TorchOps
from akid_torch.updaters import Updater

SHAPES = {"conv/weight": (4, 3, 2, 2), "dense/weight": (5, 7), "dense/bias": (7,)}
STEPS = 50


class NumpyFormulas:
    """What the core's formulas take of the operations."""

    sqrt, maximum, where, zeros_like = map(staticmethod, (np.sqrt, np.maximum, np.where, np.zeros_like))


class Halving(SGD):
    """An optimizer that no kernel knows, although its parent is known."""

    def update(
        self, ops: Ops, value: Array, gradient: Array, slots: tuple[Array, ...], coefficients: Any
    ) -> tuple[Array, tuple[Array, ...]]:
        return value * 0.5 - gradient, slots


OPTIMIZERS: list[Optimizer] = [
    SGD(),
    SGD(momentum=0.9),
    SGD(momentum=0.8, nesterov=True, weight_decay=0.1),
    SGD(momentum=0.9, clip_norm=1.0),
    Adam(),
    Adam(beta1=0.8, beta2=0.9, epsilon=0.1, clip_norm=3.0),
    AdamW(),
    AdamW(weight_decay=0.3, decay=("dense/*",)),
    Adagrad(weight_decay=0.1),
    RMSprop(),
    RMSprop(alpha=0.8, epsilon=0.1, momentum=0.9, centered=True),
    Lion(weight_decay=0.3),
    Halving(momentum=0.9),
]


def recorded() -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
    random = np.random.default_rng(0)
    start = {path: random.normal(size=shape) for path, shape in SHAPES.items()}
    return start, [{path: random.normal(size=shape) for path, shape in SHAPES.items()} for _ in range(STEPS)]


def rate(step: int) -> float:
    """A learning rate that changes, by which formulas differ that agree at a constant one."""
    return 0.05 / (1 + step % 7)


def formula(optimizer: Optimizer) -> tuple[Mapping[str, np.ndarray], Mapping[str, list[np.ndarray]]]:
    """Values and slots after all steps, by the core's formula."""
    values, gradients = recorded()
    slots = {path: [np.zeros(shape) for _ in optimizer.slots] for path, shape in SHAPES.items()}
    for step, gradient in enumerate(gradients):
        norm = np.sqrt(sum(np.sum(array**2) for array in gradient.values()))
        scale = min(1.0, optimizer.clip_norm / norm) if optimizer.clip_norm else 1.0
        coefficients: Any = optimizer.coefficients(rate(step), step + 1)
        for path in SHAPES:
            value = values[path] * (1 - rate(step) * optimizer.weight_decay if optimizer.decays(path) else 1)
            found = optimizer.update(NumpyFormulas(), value, gradient[path] * scale, tuple(slots[path]), coefficients)  # type: ignore[arg-type]
            values[path], slots[path] = found[0], list(found[1])
    return values, slots


def difference(value: torch.Tensor, reference: np.ndarray) -> float:
    return float(np.linalg.norm(value.numpy() - reference) / np.linalg.norm(reference))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("fused", [True, False])
def test_fifty_steps(optimizer: Optimizer, fused: bool) -> None:
    start, gradients = recorded()
    params = [torch.from_numpy(value.copy()).requires_grad_() for value in start.values()]
    storage = [param.data_ptr() for param in params]
    moving = updater(optimizer, TorchOps(), list(SHAPES), params, fused=fused)
    for step, gradient in enumerate(gradients):
        moving.step([torch.from_numpy(gradient[path]) for path in SHAPES], rate(step), step + 1)
    values, slots = formula(optimizer)
    for index, path in enumerate(SHAPES):
        assert difference(params[index].detach(), values[path]) < 1e-10
        for name, slot in zip(optimizer.slots, slots[path], strict=True):
            if np.any(slot):
                assert difference(moving.slots[name][index], slot) < 1e-10
    assert [param.data_ptr() for param in params] == storage


def test_which_kernel_runs() -> None:
    kinds = [type(updater(optimizer, TorchOps(), [], [], fused=True)) for optimizer in OPTIMIZERS]
    assert kinds == [
        *[FusedSGD] * 4, *[FusedAdam] * 4, ForeachAdagrad, *[ForeachRMSprop] * 2, ForeachLion, Updater,
    ]  # fmt: skip
    assert type(updater(SGD(), TorchOps(), [], [], fused=False)) is Updater


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.9), Adam()], ids=repr)
def test_gradients_may_lie_otherwise_than_their_parameters(optimizer: Optimizer) -> None:
    """Fused kernels look at no strides: transposed, channels-last and expanded gradients must be laid out first."""
    plain = torch.arange(24.0, dtype=torch.float64).reshape(2, 3, 2, 2)
    last = plain.contiguous(memory_format=torch.channels_last)
    expanded = torch.ones((), dtype=torch.float64).expand(2, 3, 2, 2)
    for gradient in (plain, last, plain.mT.contiguous().mT, expanded):
        ends = []
        for form in (torch.contiguous_format, torch.channels_last):
            param = torch.zeros(2, 3, 2, 2, dtype=torch.float64).contiguous(memory_format=form)
            updater(optimizer, TorchOps(), ["weight"], [param], fused=True).step([gradient], 0.1, 1)
            ends.append(param.numpy())
        np.testing.assert_array_equal(ends[0], ends[1])
        expected = -0.1 * gradient if isinstance(optimizer, SGD) else -0.1 * gradient.sign()
        np.testing.assert_allclose(ends[0], expected.numpy(), rtol=1e-6)


def test_one_tensor_may_be_the_gradient_of_two_parameters() -> None:
    params = [torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)]
    gradient = torch.tensor([3.0, 4.0], dtype=torch.float64)
    clipping = SGD(clip_norm=np.sqrt(50.0) / 2)
    updater(clipping, TorchOps(), ["a/weight", "b/weight"], params, fused=True).step([gradient, gradient], 1.0, 1)
    for param in params:
        np.testing.assert_allclose(param.numpy(), [-1.5, -2.0])
    assert gradient.tolist() == [3.0, 4.0]


def test_a_gradient_of_zero_leaves_the_decay() -> None:
    param = torch.ones(2)
    updater(SGD(weight_decay=0.5), TorchOps(), ["a/weight"], [param], fused=True).step([None], 0.1, 1)
    np.testing.assert_allclose(param.numpy(), [0.95, 0.95], rtol=1e-6)
