"""Every hook of akid: what a plugin may declare, and what it may watch.

A hook is a plain function of the plugin's light module, marked with `akid_core.plugin_api.hookimpl`. *Declarations*
return small dataclasses that name their targets as text, so that nothing heavy is imported. *Life-cycle* hooks are
called while a run practises, in the order in which the run lists its plugins and observers, and only for those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from akid_core.plugin_api import (
    AugmenterInfo,
    BackendInfo,
    BrainInfo,
    CommandInfo,
    ComponentInfo,
    ExporterInfo,
    InitializerInfo,
    KidInfo,
    LauncherInfo,
    LayerBuilderInfo,
    LayerInfo,
    ObserverInfo,
    OptimizerInfo,
    RecipeInfo,
    SamplerInfo,
    ScheduleInfo,
    SourceInfo,
    StrategyInfo,
    hookspec,
)

if TYPE_CHECKING:
    from akid_core.observers.moment import Moment

# --- Declarations ---------------------------------------------------------------------------------------------------


@hookspec
def akid_backends() -> Iterable[BackendInfo]:
    """What executes a Brain: `backend: torch`.

    Example::

        from akid_core.plugin_api import BackendInfo, hookimpl

        @hookimpl
        def akid_backends():
            yield BackendInfo(name="abacus", target="akid_abacus.backend:AbacusBackend", priority=-1)
    """
    return ()


@hookspec
def akid_layers() -> Iterable[LayerInfo]:
    """Layers, losses and metrics, defined once for every backend.

    Example::

        from akid_core.plugin_api import LayerInfo, hookimpl

        @hookimpl
        def akid_layers():
            yield LayerInfo(name="swish", target="akid_swish.layers:Swish", summary="x * sigmoid(x)")
    """
    return ()


@hookspec
def akid_layer_builders() -> Iterable[LayerBuilderInfo]:
    """Native forms of layers, for the backend that they name; without one a layer runs by its portable definition.

    Example::

        from akid_core.plugin_api import LayerBuilderInfo, hookimpl

        @hookimpl
        def akid_layer_builders():
            yield LayerBuilderInfo(name="swish", backend="torch", target="akid_swish.native:build")
    """
    return ()


@hookspec
def akid_initializers() -> Iterable[InitializerInfo]:
    """How parameters start.

    Example::

        from akid_core.plugin_api import InitializerInfo, hookimpl

        @hookimpl
        def akid_initializers():
            yield InitializerInfo(name="identity", target="akid_recurrent.initializers:Identity")
    """
    return ()


@hookspec
def akid_sources() -> Iterable[SourceInfo]:
    """Collections of measurements: `sensors: {source: digits}`.

    Example::

        from akid_core.plugin_api import SourceInfo, hookimpl

        @hookimpl
        def akid_sources():
            yield SourceInfo(name="irises", target="akid_flowers.irises:Irises", summary="150 flowers, 4 lengths each")
    """
    return ()


@hookspec
def akid_samplers() -> Iterable[SamplerInfo]:
    """Orders in which rows are visited.

    Example::

        from akid_core.plugin_api import SamplerInfo, hookimpl

        @hookimpl
        def akid_samplers():
            yield SamplerInfo(name="hardest_first", target="akid_curriculum.samplers:HardestFirst")
    """
    return ()


@hookspec
def akid_augmenters() -> Iterable[AugmenterInfo]:
    """Random, reproducible changes of a batch.

    Example::

        from akid_core.plugin_api import AugmenterInfo, hookimpl

        @hookimpl
        def akid_augmenters():
            yield AugmenterInfo(name="mirror", target="akid_pictures.augmenters:Mirror")
    """
    return ()


@hookspec
def akid_brains() -> Iterable[BrainInfo]:
    """Ready networks by name.

    Example::

        from akid_core.plugin_api import BrainInfo, hookimpl

        @hookimpl
        def akid_brains():
            yield BrainInfo(name="neocognitron", target="akid_classics.brains:neocognitron", source="Fukushima, 1980")
    """
    return ()


@hookspec
def akid_kids() -> Iterable[KidInfo]:
    """Learners that practise in another way than `akid.Kid`: `kid: {twins: {share: 0.5}}`.

    Example::

        from akid_core.plugin_api import KidInfo, hookimpl

        @hookimpl
        def akid_kids():
            yield KidInfo(name="twins", target="akid_twins.kid:Twins")
    """
    return ()


@hookspec
def akid_optimizers() -> Iterable[OptimizerInfo]:
    """How parameters move.

    Example::

        from akid_core.plugin_api import OptimizerInfo, hookimpl

        @hookimpl
        def akid_optimizers():
            yield OptimizerInfo(name="signs", target="akid_signs.optimizer:Signs")
    """
    return ()


@hookspec
def akid_schedules() -> Iterable[ScheduleInfo]:
    """How the learning rate changes.

    Example::

        from akid_core.plugin_api import ScheduleInfo, hookimpl

        @hookimpl
        def akid_schedules():
            yield ScheduleInfo(name="polynomial", target="akid_rates.schedules:Polynomial")
    """
    return ()


@hookspec
def akid_strategies() -> Iterable[StrategyInfo]:
    """How a step runs on one or many processes. Provisional beyond `single`.

    Example::

        from akid_core.plugin_api import StrategyInfo, hookimpl

        @hookimpl
        def akid_strategies():
            yield StrategyInfo(name="gossip", backend="torch", target="akid_gossip.strategy:Gossip")
    """
    return ()


@hookspec
def akid_launchers() -> Iterable[LauncherInfo]:
    """Where a job runs. Provisional: it may change with its second user.

    Example::

        from akid_core.plugin_api import LauncherInfo, hookimpl

        @hookimpl
        def akid_launchers():
            yield LauncherInfo(name="queue", target="akid_queue.launcher:Queue")
    """
    return ()


@hookspec
def akid_observers() -> Iterable[ObserverInfo]:
    """What shows the inside of a run.

    Example::

        from akid_core.plugin_api import ObserverInfo, hookimpl

        @hookimpl
        def akid_observers():
            yield ObserverInfo(name="csv", target="akid_csv.observer:Csv", summary="one line for each log")
    """
    return ()


@hookspec
def akid_exporters() -> Iterable[ExporterInfo]:
    """Other formats of a live Brain. Provisional: it may change with its second user.

    Example::

        from akid_core.plugin_api import ExporterInfo, hookimpl

        @hookimpl
        def akid_exporters():
            yield ExporterInfo(name="npz", backend="numpy", target="akid_npz.exporter:export")
    """
    return ()


@hookspec
def akid_recipes() -> Iterable[RecipeInfo]:
    """Complete YAML files by name: `akid practice flowers`.

    Example::

        from akid_core.plugin_api import RecipeInfo, hookimpl

        @hookimpl
        def akid_recipes():
            yield RecipeInfo(name="flowers", target="akid_flowers:recipes/flowers.yaml")
    """
    return ()


@hookspec
def akid_commands() -> Iterable[CommandInfo]:
    """Sub-commands of `akid`; the module of a command is imported when that command is called.

    Example::

        from akid_core.plugin_api import CommandInfo, hookimpl

        @hookimpl
        def akid_commands():
            yield CommandInfo(name="k8s", target="akid_k8s.cli:main", summary="run jobs on Kubernetes")
    """
    return ()


# --- Life cycle -----------------------------------------------------------------------------------------------------


@hookspec
def akid_practice_begin(context: Moment) -> None:
    """Practice begins: the network is live and filled, step `context.step` comes next.

    Example::

        from akid_core.plugin_api import hookimpl

        @hookimpl
        def akid_practice_begin(context):
            print(f"from step {context.step}")
    """


@hookspec
def akid_span_end(context: Moment) -> None:
    """A span of steps ended; `context.values` has figures where this is a moment that logs.

    Example::

        from akid_core.plugin_api import hookimpl

        @hookimpl
        def akid_span_end(context):
            if context.values:
                print(f"step {context.step}: loss {context.values['train/loss']:.3f}")
    """


@hookspec
def akid_epoch_end(context: Moment) -> None:
    """Every row of the training split was used once more.

    Example::

        from akid_core.plugin_api import hookimpl

        @hookimpl
        def akid_epoch_end(context):
            print(f"epoch {context.epoch} ended")
    """


@hookspec
def akid_validate_end(context: Moment) -> None:
    """A validation ended; `context.values` has `val/…`.

    Example::

        from akid_core.plugin_api import hookimpl

        @hookimpl
        def akid_validate_end(context):
            print({name: value for name, value in context.values.items() if name.startswith("val/")})
    """


@hookspec
def akid_checkpoint_saved(context: Moment) -> None:
    """A checkpoint is committed at `context.checkpoint`.

    Example::

        from akid_core.plugin_api import hookimpl

        @hookimpl
        def akid_checkpoint_saved(context):
            print(f"saved {context.checkpoint}")
    """


@hookspec
def akid_practice_end(context: Moment) -> None:
    """Practice ended as planned, or by a signal after saving.

    Example::

        from akid_core.plugin_api import hookimpl

        @hookimpl
        def akid_practice_end(context):
            print(f"done after {context.step} steps")
    """


@hookspec
def akid_practice_error(context: Moment) -> None:
    """Practice ended by `context.error`, which is raised when every listener was called.

    Example::

        from akid_core.plugin_api import hookimpl

        @hookimpl
        def akid_practice_error(context):
            print(f"stopped at step {context.step}: {context.error}")
    """


# --- Tables, derived from the functions above -----------------------------------------------------------------------

HOOKS: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {name: function for name, function in globals().items() if name.startswith("akid_")}
)
"""Every hook by name."""

DECLARATIONS: MappingProxyType[str, type[ComponentInfo]] = MappingProxyType(
    {
        name: get_args(get_type_hints(function)["return"])[0]
        for name, function in HOOKS.items()
        if "context" not in function.__annotations__
    }
)
"""The declaring hooks, each with the dataclass that it returns."""

LIFE_CYCLE: tuple[str, ...] = tuple(name for name in HOOKS if name not in DECLARATIONS)
"""The hooks of a run, in the order of its life."""

CATEGORIES: MappingProxyType[str, type[ComponentInfo]] = MappingProxyType(
    {info.category: info for info in DECLARATIONS.values()}
)
"""The categories of components, each with its dataclass."""
