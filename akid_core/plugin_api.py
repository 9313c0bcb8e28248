"""All that a plugin's light module imports: the hook marker and one small dataclass per category.

Standard library and pluggy only. A declaration names its target as text (`"package.module:attribute"`), so that
declaring a component imports nothing; the target is imported when the component is first used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pluggy

PROJECT = "akid"
"""The entry-point group and the pluggy project name."""

hookimpl = pluggy.HookimplMarker(PROJECT)
hookspec = pluggy.HookspecMarker(PROJECT)


@dataclass(frozen=True, kw_only=True, slots=True)
class ComponentInfo:
    """One component of a plugin: what it is called, where it lies, which backend it is for.

    `name`: lower case with underscores, as written in YAML. `target`: `"module:attribute"`. `backend`: empty for
    any backend. `requires`: requirements of the target beyond those of the plugin, named where it does not import.
    """

    category: ClassVar[str] = ""
    name: str
    target: str
    backend: str = ""
    summary: str = ""
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BackendInfo(ComponentInfo):
    """What executes a Brain; the target is a `Backend` class.

    An omitted backend takes the highest `priority` among those whose `modules`, such as `("torch",)`, are installed.
    """

    category: ClassVar[str] = "backend"
    priority: int = 0
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerInfo(ComponentInfo):
    """A layer, loss or metric; the target is a `Layer` class."""

    category: ClassVar[str] = "layer"


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerBuilderInfo(ComponentInfo):
    """A native form of the layer `name` on `backend`; the target is `build(layer, in_specs, context) -> Built`."""

    category: ClassVar[str] = "layer_builder"


@dataclass(frozen=True, kw_only=True, slots=True)
class InitializerInfo(ComponentInfo):
    """How a parameter starts; the target is an `Initializer` class."""

    category: ClassVar[str] = "initializer"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceInfo(ComponentInfo):
    """A collection of measurements; the target is a `Source` class whose constructor takes `split`."""

    category: ClassVar[str] = "source"


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplerInfo(ComponentInfo):
    """An order of rows; the target is a `Sampler` class."""

    category: ClassVar[str] = "sampler"


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmenterInfo(ComponentInfo):
    """A random change of a batch; the target is an `Augmenter` class."""

    category: ClassVar[str] = "augmenter"


@dataclass(frozen=True, kw_only=True, slots=True)
class BrainInfo(ComponentInfo):
    """A ready network; the target is a function that returns a `Brain`. `source`: where the network is described."""

    category: ClassVar[str] = "brain"
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class KidInfo(ComponentInfo):
    """A learner; the target is a `Kid` class, with its `Settings` and `compose`."""

    category: ClassVar[str] = "kid"


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimizerInfo(ComponentInfo):
    """How parameters move; the target is an `Optimizer` class."""

    category: ClassVar[str] = "optimizer"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleInfo(ComponentInfo):
    """How the learning rate changes; the target is a `Schedule` class."""

    category: ClassVar[str] = "schedule"


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyInfo(ComponentInfo):
    """How a step runs on one or many processes; the target is a `Strategy` class."""

    category: ClassVar[str] = "strategy"


@dataclass(frozen=True, kw_only=True, slots=True)
class LauncherInfo(ComponentInfo):
    """Where a job runs; the target is a launcher class. Provisional."""

    category: ClassVar[str] = "launcher"


@dataclass(frozen=True, kw_only=True, slots=True)
class ObserverInfo(ComponentInfo):
    """What shows the inside of a run; the target is an `Observer` class."""

    category: ClassVar[str] = "observer"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExporterInfo(ComponentInfo):
    """Writes a live Brain in another format; the target is `export(network, path)`. Provisional."""

    category: ClassVar[str] = "exporter"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeInfo(ComponentInfo):
    """A complete YAML by name; the target is `"package:path/inside/package.yaml"`."""

    category: ClassVar[str] = "recipe"


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandInfo(ComponentInfo):
    """A sub-command of `akid`; the target is `main(arguments: list[str]) -> int`. `summary` is its line of help."""

    category: ClassVar[str] = "command"
