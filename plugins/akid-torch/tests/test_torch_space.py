"""Native layers over sequences and images: which kernels run, and what they make of awkward cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import nn

from akid_core import layers as L
from akid_core.backends.plan import Plan
from akid_core.specs.layer import Layer
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.referee import FLOAT32, FLOAT64, Trial, compare_forward, compare_gradients
from akid_torch.backend import TorchBackend
from akid_torch.layers.conv import GroupedConvTranspose2d
from akid_torch.portable import Portable

RANDOM = np.random.default_rng(3)
IMAGE, LINE = (4, 7, 6), (4, 9)
TIES = {shape: RANDOM.integers(-2, 1, (5, *shape)).astype(np.float32) for shape in (IMAGE, LINE)}

CASES: list[tuple[Layer, tuple[int, ...], list[type[nn.Module]]]] = [
    (L.Conv1d(channels=6, kernel=3, stride=2, padding=1, dilation=2, groups=2), LINE, [nn.Conv1d]),
    (L.Conv1d(channels=6, kernel=4, padding="same", bias=False), LINE, [nn.ConstantPad1d, nn.Conv1d]),
    (L.Conv2d(channels=8, kernel=3, padding="same", groups=4), IMAGE, [nn.Conv2d]),
    (L.ConvTranspose2d(channels=3, kernel=4, stride=2, padding="same"), IMAGE, [nn.ConvTranspose2d]),
    (L.ConvTranspose2d(channels=3, kernel=2, stride=3, padding="same"), IMAGE, [nn.ConvTranspose2d]),
    (L.ConvTranspose2d(channels=6, kernel=3, stride=2, groups=2), IMAGE, [GroupedConvTranspose2d]),
    (L.ConvTranspose2d(channels=4, kernel=3, groups=4, dilation=2, padding=(4, 1)), IMAGE, [GroupedConvTranspose2d]),
    (L.MaxPool1d(kernel=3, stride=2, padding=1), LINE, [nn.MaxPool1d]),
    (L.MaxPool1d(kernel=3, padding=(2, 0)), LINE, [nn.ConstantPad1d, nn.MaxPool1d]),
    (L.MaxPool2d(kernel=3, stride=1, padding=((2, 1), (0, 2))), IMAGE, [nn.ConstantPad2d, nn.MaxPool2d]),
    (L.AvgPool1d(kernel=3, stride=2, padding=1), LINE, [nn.AvgPool1d]),
    (L.AvgPool1d(kernel=4, stride=3, padding=(3, 1)), LINE, [nn.ConstantPad1d, nn.AvgPool1d]),
    (L.GlobalMaxPool1d(), LINE, [nn.AdaptiveMaxPool1d]),
    (L.GlobalMaxPool2d(), IMAGE, [nn.AdaptiveMaxPool2d]),
    (L.GlobalAvgPool1d(), LINE, []),
    (L.Upsample(factor=(3, 2)), IMAGE, [nn.Upsample]),
    (L.Upsample(factor=2, method="bilinear"), LINE, [nn.Upsample]),
    (L.Upsample(factor=(2, 3), method="bilinear"), IMAGE, [nn.Upsample]),
]  # fmt: skip


def specs(shape: tuple[int, ...]) -> tuple[TensorSpec, ...]:
    return (TensorSpec(("N", *shape), "float32", "NCL" if len(shape) == 2 else "NCHW"),)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_agrees_with_the_referee(case: Any) -> None:
    layer, shape, _ = case
    backend = TorchBackend()
    for inputs in (None, (TIES[shape],), (TIES[shape][:0],)):
        trial: dict[str, Any] = {"inputs": inputs, "batch": 5 if inputs is None else len(inputs[0])}
        for precision, forward, backward in ((FLOAT32, 1e-5, 1e-4), (FLOAT64, 1e-12, 1e-10)):
            errors = compare_forward(backend, layer, specs(shape), precision=precision, **trial)
            assert max(errors.values()) <= forward, errors
            errors = compare_gradients(backend, layer, specs(shape), precision=precision, **trial)
            assert max(errors.values()) <= backward, errors


def modules(layer: Layer, shape: tuple[int, ...]) -> list[nn.Module]:
    """The module that the backend makes of a layer, and all inside."""
    network = TorchBackend().network(Trial(layer=layer, in_specs=specs(shape)).plain(FLOAT32), Plan(backend="torch"), 0)
    (module,) = network.module.children()
    return list(module.modules())


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_runs_in_torchs_own_modules(case: Any) -> None:
    layer, shape, wanted = case
    found = modules(layer, shape)
    assert not isinstance(found[0], Portable)
    assert set(wanted) <= {type(module) for module in found}
    padded = any("Pad" in type(module).__name__ for module in found)
    assert padded == any("Pad" in kind.__name__ for kind in wanted)


def test_repeating_is_exact_for_every_factor() -> None:
    """torch's "nearest" is off by one for 41, 47 and others."""
    x = np.arange(60, dtype=np.float32).reshape(1, 1, 60)
    for factor in (4, 41, 47, 64):
        trial = Trial(layer=L.Upsample(factor=factor), in_specs=specs((1, 60)), batch=1, inputs=(x,))
        (out,) = trial.forward(TorchBackend(), FLOAT32)
        np.testing.assert_array_equal(out[0, 0], np.repeat(np.arange(60), factor))
    assert modules(L.Upsample(factor=4), (1, 60))[0].mode == "nearest"  # type: ignore[comparison-overlap]


def test_space_of_three_axes() -> None:
    spec = (TensorSpec(("N", 2, 3, 2, 4)),)
    for layer in (L.Upsample(factor=(1, 2, 3), method="bilinear"), L.Pad(widths=(1, (0, 2), 0)), L.LRN()):
        assert max(compare_gradients(TorchBackend(), layer, spec).values()) < 1e-5
