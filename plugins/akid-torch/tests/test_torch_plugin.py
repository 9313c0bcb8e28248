"""What the distribution declares, without importing torch; and builders of others."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from akid_core.backends.contract import Built, Place
from akid_core.backends.plan import Execution
from akid_core.errors import PluginError
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Value
from akid_core.initializers import Ones
from akid_core.plugin_api import LayerBuilderInfo, LayerInfo, hookimpl
from akid_core.plugins import PluginManager, default_manager
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.hygiene import FRAMEWORKS, modules_after_import
from akid_torch import plugin
from akid_torch.backend import TorchBackend
from akid_torch.portable import Portable


def test_the_light_module_imports_no_framework() -> None:
    loaded = modules_after_import("akid_torch.plugin")
    assert not loaded & {*FRAMEWORKS, "numpy"}


def test_everything_declared_is_there() -> None:
    registry = default_manager().registry
    (info,) = plugin.akid_backends()
    assert (info.priority, info.modules) == (20, ("torch",))
    assert registry.get("backend", "torch") is TorchBackend
    for builder in plugin.akid_layer_builders():
        assert builder.backend == "torch"
        assert callable(registry.get("layer_builder", builder.name, "torch"))


@dataclass(frozen=True, kw_only=True)
class Scale(Layer):
    """A stranger's layer; the native form triples, so that one can tell which one runs."""

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def params(self, x: TensorSpec) -> tuple[ParamSpec, ...]:
        # "type" is an attribute of every nn.Module, and a parameter may be called so all the same.
        return (ParamSpec(name="type", shape=x.row, axes="XY", init=Ones()),)

    def forward(self, context: Context, x: Array) -> Array:
        return x * context.params["type"]


class NativeScale(nn.Module):
    def __init__(self, shape: tuple[int, int], stray: bool) -> None:
        super().__init__()
        self.inner = nn.ParameterList([torch.empty(shape[1], shape[0])])
        if stray:
            self.register_buffer("stray", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return 3 * x * self.inner[0].T


def build(layer: Scale, in_specs: tuple[TensorSpec, ...], context: Any, stray: bool = False) -> Built:
    height, width = in_specs[0].row
    return Built(NativeScale((height, width), stray), {"type": Place("inner.0", "YX")})


def build_stray(layer: Scale, in_specs: tuple[TensorSpec, ...], context: Any) -> Built:
    return build(layer, in_specs, context, stray=True)


def strangers(monkeypatch: pytest.MonkeyPatch, target: str | None) -> TorchBackend:
    """A backend that knows a stranger's plugin, with or without a builder."""
    module = ModuleType("stranger_of_akid_torch")
    module.__dict__.update(Scale=Scale, build=build, build_stray=build_stray)

    @hookimpl
    def akid_layers() -> list[LayerInfo]:
        return [LayerInfo(name="scale", target=f"{module.__name__}:Scale")]

    @hookimpl
    def akid_layer_builders() -> list[LayerBuilderInfo]:
        return [LayerBuilderInfo(name="scale", backend="torch", target=f"{module.__name__}:{target}")] if target else []

    module.__dict__.update(akid_layers=akid_layers, akid_layer_builders=akid_layer_builders)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return TorchBackend(PluginManager(plugins=[module]).registry)


X = TensorSpec(("N", 2, 3))
GRAPH = Brain.sequential(Scale(name="scale"), inputs={"x": X}).resolve({})
FACTORS = np.arange(6, dtype=np.float32).reshape(2, 3)


def scaled(backend: TorchBackend) -> tuple[Any, np.ndarray]:
    network = backend.network(GRAPH, backend.plan(Execution(), GRAPH), 0)
    network.place("cpu")
    network.fill({"scale/type": FACTORS})
    np.testing.assert_array_equal(network["scale/type"], FACTORS)
    return network, network.values({"x": np.ones((1, 2, 3), np.float32)}, [Value("scale")])[0]


def test_a_strangers_layer_runs_portably(monkeypatch: pytest.MonkeyPatch) -> None:
    network, values = scaled(strangers(monkeypatch, None))
    assert type(network.module.scale) is Portable
    np.testing.assert_array_equal(values, FACTORS[None])


def test_a_strangers_builder_is_used_in_its_own_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    network, values = scaled(strangers(monkeypatch, "build"))
    np.testing.assert_array_equal(values, 3 * FACTORS[None])
    assert network.native("scale/type").shape == (3, 2)


def test_a_builder_names_every_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PluginError, match=r"'scale' holds the tensor 'scale\.stray'"):
        scaled(strangers(monkeypatch, "build_stray"))


def test_another_class_of_the_same_name_is_not_taken_for_the_known_one() -> None:
    """Builders belong to the registered class: a user's own `Dense` runs by its own definition."""

    @dataclass(frozen=True, kw_only=True)
    class Dense(Scale):
        pass

    graph = Brain.sequential(Dense(name="own"), inputs={"x": X}).resolve({})
    backend = TorchBackend()
    network = backend.network(graph, backend.plan(Execution(), graph), 0)
    assert type(network.module.own) is Portable
