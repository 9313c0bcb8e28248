"""Components and settings from plain data and back: every type hint, every wrong value."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pytest

from akid_core.config import (
    Where,
    apply_overrides,
    check_types,
    decode,
    decode_settings,
    encode,
    encode_settings,
    load_yaml,
)
from akid_core.config.components import category_of, without
from akid_core.data.augmenter import Augmenter
from akid_core.data.source import Source
from akid_core.errors import ConfigurationError, PluginImportError, UnknownNameError
from akid_core.initializers import Constant, Initializer, Normal, Zeros
from akid_core.layers import Conv2d, Dense, ReLU
from akid_core.observers.base import Observer
from akid_core.optimizers import Adam
from akid_core.optimizers.base import Optimizer
from akid_core.plugin_api import LayerInfo, OptimizerInfo, hookimpl
from akid_core.plugins import PluginManager, Registry
from akid_core.schedules import Cosine
from akid_core.schedules.base import Schedule
from akid_core.specs import Layer, TensorSpec
from akid_core.specs.precision import Precision
from akid_core.training.config import Best, Practice

if TYPE_CHECKING:
    from collections import OrderedDict


@dataclass(frozen=True, kw_only=True)
class Inner:
    """A group of settings inside another."""

    depth: int = 1
    start: Initializer | None = None

    def __post_init__(self) -> None:
        if self.depth < 0:
            raise ValueError(f"depth must not be negative, got {self.depth}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One field for each sort of type hint."""

    CONSTANT: ClassVar[int] = 3

    flag: bool = False
    count: int = 0
    rate: float = 0.5
    text: str = ""
    mode: Literal["min", "max"] = "min"
    level: Literal[1, 2, "all"] = 1
    sizes: tuple[int, ...] = ()
    pair: tuple[int, float] = (1, 2.0)
    words: Sequence[str] = ()
    numbers: list[float] = field(default_factory=list)
    table: Mapping[str, int] = field(default_factory=dict)
    maybe: int | None = 7
    pad: str | int | tuple[int, int] = 0
    path: Path = Path()
    start: Initializer = field(default_factory=Zeros)
    starts: tuple[Initializer, ...] = ()
    rule: float | Schedule = 1.0
    inner: Inner = field(default_factory=Inner)
    inners: Mapping[str, Inner] = field(default_factory=dict)
    anything: Any = None
    made: int = field(init=False, default=0)


@dataclass(frozen=True, kw_only=True)
class Perhaps:
    """Settings that may be left out."""

    inner: Inner | None = field(default_factory=Inner)
    start: Initializer | None = field(default_factory=Zeros)


@dataclass(frozen=True, kw_only=True)
class Stranger(Layer):
    """A layer that no plugin registers."""

    widths: tuple[tuple[int, int], ...] = ()
    call: Any = None


@dataclass(frozen=True, kw_only=True)
class Hidden(Layer):
    """A layer whose type hints cannot be read."""

    order: OrderedDict[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Signs(Optimizer):
    """An optimizer of a plugin that is given to the manager."""


@hookimpl
def akid_optimizers() -> Iterator[OptimizerInfo]:
    yield OptimizerInfo(name="signs", target=f"{__name__}:Signs")


@hookimpl
def akid_layers() -> Iterator[LayerInfo]:
    yield LayerInfo(name="broken", target="no_such_package.layers:Broken")


@pytest.fixture
def registry(akid_manager: PluginManager) -> Registry:
    akid_manager.add(sys.modules[__name__])
    return akid_manager.registry


def read(registry: Registry, **data: Any) -> Settings:
    settings: Settings = decode_settings(Settings, data, registry)
    return settings


@pytest.mark.parametrize(
    ("name", "data", "value"),
    [
        ("flag", True, True),
        ("count", -3, -3),
        ("rate", 2, 2.0),
        ("rate", 1e-3, 0.001),
        ("text", "1", "1"),
        ("mode", "max", "max"),
        ("level", "all", "all"),
        ("sizes", [1, 2, 3], (1, 2, 3)),
        ("pair", [1, 2], (1, 2.0)),
        ("words", ["a", "b"], ("a", "b")),
        ("numbers", [1, 2.5], [1.0, 2.5]),
        ("table", {"a": 1}, {"a": 1}),
        ("maybe", None, None),
        ("maybe", 3, 3),
        ("pad", "same", "same"),
        ("pad", 2, 2),
        ("pad", [1, 2], (1, 2)),
        ("path", "data/x.npz", Path("data/x.npz")),
        ("start", "zeros", Zeros()),
        ("start", {"constant": {"value": 2}}, Constant(value=2.0)),
        ("start", {"zeros": None}, Zeros()),
        ("start", Normal(stddev=2.0), Normal(stddev=2.0)),
        ("starts", ["zeros", {"normal": {"stddev": 1}}], (Zeros(), Normal(stddev=1.0))),
        ("rule", 0.25, 0.25),
        ("rule", {"cosine": {"initial": 1}}, Cosine(initial=1.0)),
        ("rule", {"cosine": {"initial": 1, "warmup": 5}}, Cosine(initial=1.0, warmup=5)),
        ("inner", {"depth": 2, "start": "zeros"}, Inner(depth=2, start=Zeros())),
        ("inner", None, Inner()),
        ("inners", {"a": {"depth": 2}, "b": {}}, {"a": Inner(depth=2), "b": Inner()}),
        ("anything", {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
    ],
)
def test_values(registry: Registry, name: str, data: Any, value: Any) -> None:
    settings = read(registry, **{name: data})
    found = getattr(settings, name)
    assert found == value
    assert type(found) is type(value)
    assert read(registry, **encode_settings(settings, registry)) == settings


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("flag", 1, "flag: expected true or false, got 1."),
        ("flag", "yes", "flag: expected true or false, got 'yes'."),
        ("count", True, "count: expected an integer, got True."),
        ("count", 1.0, "count: expected an integer, got 1.0."),
        ("count", "1", "count: expected an integer, got '1'."),
        ("count", None, "count: expected an integer, got nothing."),
        ("rate", False, "rate: expected a number, got False."),
        ("rate", "0.1", "rate: expected a number, got '0.1'."),
        ("text", 1, "text: expected text, got 1."),
        ("mode", "mx", "mode: expected one of 'min', 'max', got 'mx'. Did you mean 'max'?"),
        ("level", True, "level: expected one of 1, 2, 'all', got True."),
        ("sizes", 1, "sizes: expected a list (each an integer), got 1."),
        ("sizes", "12", "sizes: expected a list (each an integer), got '12'."),
        ("sizes", [1, "a"], "sizes[1]: expected an integer, got 'a'."),
        ("pair", [1], "pair: expected a list of 2 (an integer, a number), got [1]."),
        ("table", [1], "table: expected a mapping, got [1]."),
        ("table", {"a": "b"}, "table.a: expected an integer, got 'b'."),
        ("maybe", "x", "maybe: expected an integer or null, got 'x'."),
        ("pad", 1.5, "pad: expected text or an integer or a list of 2 (an integer, an integer), got 1.5."),
        ("start", 3, "start: expected an initializer"),
        ("start", "zero", "start: There is no initializer 'zero'. Did you mean 'zeros'?"),
        (
            "start",
            {"constant": {"valu": 1}},
            "start.constant.valu: unknown key 'valu'. Did you mean 'value'? Valid: value.",
        ),
        ("start", "constant", "start.constant: needs 'value'. Valid: value."),
        (
            "start",
            {"a": 1, "b": 2},
            "start: expected an initializer, as name or {name: {setting: value}}, got a mapping with the",
        ),
        ("start", {"zeros": 3}, "start.zeros: expected settings (key: value), got 3."),
        ("starts", ["zeros", "ones", "onez"], "starts[2]: There is no initializer 'onez'. Did you mean 'ones'?"),
        ("rule", True, "rule: expected a number or a schedule, got True."),
        ("rule", "cosin", "rule: There is no schedule 'cosin'. Did you mean 'cosine'?"),
        ("rule", {"cosine": {"warmp": 1}}, "rule.cosine.warmp: unknown key 'warmp'. Did you mean 'warmup'?"),
        ("rule", {"cosine": {"initial": 1, "warmup": 0.5}}, "rule.cosine.warmup: expected an integer, got 0.5."),
        ("inner", 3, "inner: expected settings (key: value), got 3."),
        ("inner", {"depth": -1}, "inner: depth must not be negative, got -1"),
        ("inner", {"start": {"normal": {"stddev": "x"}}}, "inner.start.normal.stddev: expected a number, got 'x'."),
        ("inners", {"a": {"dpth": 1}}, "inners.a.dpth: unknown key 'dpth'. Did you mean 'depth'?"),
        ("made", 1, "made: unknown key 'made'. Did you mean 'mode'? Valid: flag, count,"),
        ("CONSTANT", 1, "CONSTANT: unknown key 'CONSTANT'."),
        ("sizes", list(range(100)), ""),
    ],
)
def test_wrong_values(registry: Registry, name: str, data: Any, message: str) -> None:
    if not message:
        assert read(registry, **{name: data}).sizes == tuple(range(100))
        return
    with pytest.raises(ConfigurationError) as caught:
        read(registry, **{name: data})
    assert str(caught.value).startswith(message)


def test_positions_reach_the_innermost_key(registry: Registry) -> None:
    data = load_yaml("inner:\n  start:\n    normal: {mean: 0,\n      stddev: x}\n")
    message = "text, line 4, practice.inner.start.normal.stddev: expected a number, got 'x'."
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        decode_settings(Settings, data, registry, "practice")


def test_what_is_missing_at_the_top_is_missing_in_the_file() -> None:
    manager = PluginManager(discover=False)
    data = apply_overrides(load_yaml("value: 1\n"), ["other=2"], manager.registry)
    for given, place in ((data, "text"), ({}, "the description")):
        with pytest.raises(ConfigurationError, match=f"^{place}: needs 'units'"):
            decode_settings(Dense, without(given, ("value", "other")), manager.registry)


def test_only_what_differs_is_written(registry: Registry) -> None:
    assert encode_settings(Settings(), registry) == {}
    assert encode_settings(Settings(maybe=None, start=Zeros(), rule=1, inner=Inner()), registry) == {"maybe": None}
    assert encode(ReLU(), registry) == "relu"
    assert encode(Conv2d(channels=3, kernel=(5, 5), name="c", weight_init=Constant(value=1)), registry) == {
        "conv2d": {"name": "c", "channels": 3, "kernel": [5, 5], "weight_init": {"constant": {"value": 1}}}
    }
    assert encode(Adam(learning_rate=Cosine(initial=0.1)), registry) == {
        "adam": {"learning_rate": {"cosine": {"initial": 0.1}}}
    }


def test_true_is_not_one(registry: Registry) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Either:
        value: bool | int = 1

    assert encode_settings(Either(value=True), registry) == {"value": True}
    assert decode_settings(Either, {"value": True}, registry).value is True


def test_null_is_nothing_where_nothing_is_allowed(registry: Registry) -> None:
    nothing = Perhaps(inner=None, start=None)
    assert encode_settings(nothing, registry) == {"inner": None, "start": None}
    assert decode_settings(Perhaps, {"inner": None, "start": None}, registry) == nothing
    assert decode_settings(Perhaps, {"inner": {}, "start": "zeros"}, registry) == Perhaps()


def test_numbers_of_numpy_are_numbers(registry: Registry) -> None:
    written = encode_settings(Settings(count=np.int64(3), rate=np.float32(0.25), flag=np.bool_(True)), registry)  # type: ignore[arg-type]
    assert written == {"flag": True, "count": 3, "rate": 0.25}
    assert [type(value) for value in written.values()] == [bool, int, float]


def test_registered_by_a_plugin(registry: Registry) -> None:
    assert encode(Signs(weight_decay=0.5), registry) == {"signs": {"weight_decay": 0.5}}
    assert decode("optimizer", {"signs": {"weight_decay": 0.5}}, registry) == Signs(weight_decay=0.5)


def test_not_registered(registry: Registry) -> None:
    name = f"{__name__}:Stranger"
    stranger = Stranger(widths=((1, 2), (3, 4)))
    assert encode(stranger, registry) == {name: {"widths": [[1, 2], [3, 4]]}}
    assert decode("layer", {name: {"widths": [[1, 2], [3, 4]]}}, registry) == stranger
    assert decode("layer", name, registry) == Stranger()


def test_a_class_of_the_same_name_is_not_the_registered_one(registry: Registry) -> None:
    namespace: dict[str, Any] = {"__name__": "elsewhere", "Layer": Layer, "dataclass": dataclass}
    exec("@dataclass(frozen=True, kw_only=True)\nclass ReLU(Layer): pass", namespace)
    assert encode(namespace["ReLU"](), registry) == "elsewhere:ReLU"


def test_objects_are_taken_as_they_are(registry: Registry) -> None:
    layer = Dense(units=3)
    assert decode("layer", layer, registry) is layer


def test_of_the_wrong_category(registry: Registry) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"x: {__name__}:Stranger is not an optimizer.")):
        decode("optimizer", f"{__name__}:Stranger", registry, "x")
    with pytest.raises(UnknownNameError, match="x: There is no optimizer 'relu'"):
        decode("optimizer", "relu", registry, "x")


@pytest.mark.parametrize("path", ["json:dumps", "json.decoder:scanner", "json:JSONDecoder"])
def test_an_import_path_to_something_else(path: str, registry: Registry) -> None:
    with pytest.raises(ConfigurationError, match=f"x: {path} is not a layer"):
        decode("layer", path, registry, "x")


def test_an_import_path_that_leads_nowhere_says_how_files_are_found(registry: Registry) -> None:
    with pytest.raises(UnknownNameError, match=r"'no_such:Layer' does not import: .* plugins: \[./file.py\]"):
        decode("layer", "no_such:Layer", registry)
    with pytest.raises(UnknownNameError, match="defined in the program that wrote this"):
        decode("layer", "__main__:Layer", registry)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Dense(units=3.0), "x.units: expected an integer, got 3.0"),  # type: ignore[arg-type]
        (Dense(units=3, weight_init="zeros"), "x.weight_init: expected an initializer, got 'zeros'"),  # type: ignore[arg-type]
        (Best(mode="maxx"), "x.mode: expected one of 'min', 'max', got 'maxx'"),  # type: ignore[arg-type]
        (Practice(epochs=1, best=Best(metric=3)), "x.best.metric: expected text, got 3"),  # type: ignore[arg-type]
    ],
)
def test_types_of_what_was_made_in_python(settings: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        check_types(settings, "x")
    check_types(Dense(units=np.int64(3)))


def test_errors_of_plugins_gain_their_place(registry: Registry) -> None:
    with pytest.raises(PluginImportError, match=r"^brain.blocks\[0\]: .*no_such_package"):
        decode("layer", "broken", registry, Where("brain.blocks[0]"))


def test_what_cannot_be_written(registry: Registry) -> None:
    message = "x.stranger.call: a numpy.ndarray cannot be written in YAML."
    with pytest.raises(ConfigurationError, match=re.escape(message.replace("stranger", f"{__name__}:Stranger"))):
        encode(Stranger(call=np.zeros(2)), registry, "x")
    with pytest.raises(ConfigurationError, match=r"\.call: a builtins.function cannot be written"):
        encode(Stranger(call=lambda: 0), registry)


def test_type_hints_that_cannot_be_read(registry: Registry) -> None:
    with pytest.raises(
        ConfigurationError, match=r"type hints of .*:Hidden cannot be read: name 'OrderedDict' is not defined"
    ):
        decode("layer", {f"{__name__}:Hidden": {"order": None}}, registry)


@pytest.mark.parametrize(
    ("cls", "category"),
    [
        (Conv2d, "layer"),
        (Layer, "layer"),
        (Zeros, "initializer"),
        (Cosine, "schedule"),
        (Adam, "optimizer"),
        (Source, "source"),
        (Augmenter, "augmenter"),
        (Observer, "observer"),
        (TensorSpec, None),
        (Precision, None),
        (int, None),
    ],
)
def test_categories(cls: type, category: str | None) -> None:
    assert category_of(cls) == category


def test_a_layer_called_like_a_category_is_a_layer() -> None:
    namespace: dict[str, Any] = {"Layer": Layer}
    exec("class Source(Layer): pass", namespace)
    assert category_of(namespace["Source"]) == "layer"
