"""What a backend supplies: it makes a resolved `Graph` live, and trains it.

Going live is build (no storage) -> place -> fill; only a Strategy does it. Every array that crosses this border is
NumPy, in the canonical layout, under full paths; what happens inside (layout, fusion, device) is the backend's affair.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from akid_core.backends.layouts import Layout
from akid_core.backends.matching import Match, fitting, match
from akid_core.backends.meaning import meanings
from akid_core.backends.plan import Execution, Plan
from akid_core.data.batch import Batch, Span
from akid_core.errors import UnknownNameError, suggest
from akid_core.graph.globs import matching
from akid_core.graph.resolved import Graph, Value
from akid_core.ops import Ops
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.regime import Regime
from akid_core.plugins import Registry, default_manager
from akid_core.specs.layer import Layer

Arrays = dict[str, np.ndarray]
MetricStates = dict[str, dict[str, Any]]
"""For each loss and metric by path its parts; a loss has `sum` (weighted, of values) and `count` (sum of weights)."""


@dataclass(frozen=True, slots=True)
class SpanResult:
    """What k steps of training gave.

    `objective`: (k,) float64, the minimised value of each step. `measures`: the states of losses and metrics, merged
    over the span.
    """

    objective: np.ndarray
    measures: MetricStates


Watch = Callable[[str, tuple[np.ndarray, ...]], object]
"""Called with the path of a block and its inputs or outputs."""


@dataclass(frozen=True, slots=True, eq=False)
class Watcher:
    """Who sees what the calls at `paths` take and give."""

    paths: frozenset[str]
    before: Watch | None = None
    after: Watch | None = None


class Network(ABC):
    """A live Brain. Holds its parameters; one Brain may be live many times.

    `watchers`: those who see what calls take and give, see `watch`; nearly always none.
    """

    graph: Graph
    watchers: tuple[Watcher, ...] = ()

    def __getitem__(self, path: str) -> np.ndarray:
        """A copy of one parameter in canonical layout: `network["conv1/weight"]`."""
        return self.read([self._known(path)])[path]

    def __setitem__(self, path: str, value: np.ndarray) -> None:
        self.fill({self._known(path): value})

    def __contains__(self, path: object) -> bool:
        return path in self.graph.params

    def __iter__(self) -> Iterator[str]:
        """The paths of all parameters, as in `list(network)`."""
        return iter(self.graph.params)

    def __len__(self) -> int:
        return len(self.graph.params)

    def load(
        self,
        arrays: Mapping[str, np.ndarray],
        *,
        params: Iterable[str] = ("*",),
        names: Mapping[str, str] | None = None,
        layout: str | Layout = "akid",
    ) -> Match:
        """Take what fits of arrays by name, such as those of a file, and say what did; the settings are `match`'s.

        Nothing is changed where an array has another shape than its parameter, which is a `CheckpointError` that names
        each; what is not there is left as it is.
        """
        known = meanings(self.graph)
        found = match(self.read(), arrays, params=params, names=names, layout=layout, meanings=known)
        self.fill(fitting(found, "What was given").taken)
        return found

    def _known(self, path: str) -> str:
        if path not in self.graph.params:
            known = ", ".join(self.graph.params)
            raise UnknownNameError(f"There is no parameter {path!r}.{suggest(path, self.graph.params)} Known: {known}.")
        return path

    @abstractmethod
    def place(self, device: str) -> None:
        """Give the parameters storage on the device."""

    @abstractmethod
    def fill(self, values: Mapping[str, np.ndarray]) -> None:
        """Set parameters (weights and state) by full path, canonical layout, in place. Unknown paths are an error."""

    @abstractmethod
    def read(self, paths: Iterable[str] | None = None) -> Arrays:
        """Copies of parameters (all by default) by full path, canonical layout."""

    @abstractmethod
    def native(self, path: str) -> Any:
        """The live tensor itself (`nn.Parameter`, `tf.Variable`, array), in the backend's own layout."""

    @abstractmethod
    def values(
        self,
        fields: Mapping[str, np.ndarray],
        targets: Sequence[Value],
        *,
        training: bool = False,
        step: int = 0,
        given: Mapping[Value, np.ndarray] | None = None,
    ) -> list[np.ndarray]:
        """The targets for a batch of fields, canonical layout. Computes only what they need; changes nothing.

        With `training` layers behave as in training (dropout, batch statistics) at the given step; losses and metrics
        may be targets too (then `fields` must hold `Batch.WEIGHTS`). `given`: outputs of calls, canonical, that are
        taken as they are; what lies before them is not computed, and fields that only it needs may be missing.
        """

    @contextmanager
    def watch(self, path: str, *, before: Watch | None = None, after: Watch | None = None) -> Iterator[None]:
        """Inside, see what the blocks at `path`, a glob, take and give, whenever they run, in training too.

        `before` is called with the path and the inputs, `after` with the path and the outputs: NumPy, canonical.
        Compiled programs run uncompiled meanwhile. Raises `UnknownNameError` where no block matches.
        """
        watched = matching(self.graph, path)
        watcher = Watcher(frozenset(watched), before, after)
        self._watch((*self.watchers, watcher))
        try:
            yield
        finally:
            self._watch(tuple(each for each in self.watchers if each is not watcher))

    def _watch(self, watchers: tuple[Watcher, ...]) -> None:
        """Let these see from now on. A backend that builds programs beforehand makes them anew."""
        self.watchers = watchers

    @abstractmethod
    def measure(self, batch: Batch) -> MetricStates:
        """Losses and metrics of one batch, evaluating."""


class StepProgram(Protocol):
    """One step of training, as a function of the user's own sees it: `execution: {step: {torch: "mine:step"}}`.

    The function `step(program)` replaces a backend's train program in its own framework, and returns the objective, a
    scalar tensor; data, losses, metrics, checkpoints and hooks stay as they are. What the backend does by itself is::

        def step(program):  # PyTorch
            objective = program.objective()
            program.update(torch.autograd.grad(objective, list(program.parameters.values())))
            return objective

    `fields`: the batch by name, `Batch.WEIGHTS` with it. `parameters`: the live tensors that are trained, by path.
    `number`: of the step. `learning_rate`: of the step.
    """

    fields: Mapping[str, Any]
    parameters: Mapping[str, Any]
    number: Any
    learning_rate: Any

    def objective(self) -> Any:
        """One forward pass of the declared graph: what is minimised. Losses and metrics are noted; once a step."""

    def update(self, gradients: Sequence[Any]) -> None:
        """Clip, regularise and move: a gradient for each of `parameters` in their order, None where it is zero."""


class Trainer(ABC):
    """The train program of one network under one regime.

    Trained are the parameters that the graph trains and does not freeze; state that the graph freezes keeps its values.
    With `plan.micro_batches` n each batch is computed in n parts of nearly equal size (no more than there are rows),
    one after the other: the gradient is that of the objective over the whole batch, weights and all; masks follow the
    rows' own numbers, and state takes one update for each part. What a layer computes over its batch, as BatchNorm
    does, it computes over each part.
    """

    @abstractmethod
    def run(
        self, span: Span, learning_rates: np.ndarray, loss_weights: Mapping[str, np.ndarray] | None = None
    ) -> SpanResult:
        """Train `span.steps` steps.

        `learning_rates`: (k, phases) float64, or (k,) where there is one phase. `loss_weights`: for each loss in the
        regime's `weights` what its own weight is multiplied by, (k,) float64. In step number n a phase that acts makes
        its update number `phase.count(n)`. Losses and metrics are those of the first forward pass of each step, before
        anything has moved; a step in which no phase acts takes one such pass, and state moves in the first pass alone.
        """

    @abstractmethod
    def gradients(self, batch: Batch, step: int, values: Sequence[Value] = ()) -> Arrays:
        """The gradient of the objective by parameter path, canonical layout, before clipping. Changes nothing.

        `values`: outputs of calls, by which the objective is differentiated too; under `str(value)`. The objective is
        the sum of all losses, each times its own weight. Raises `UnknownNameError` for a value that no loss needs.
        """

    @abstractmethod
    def read_slots(self) -> Arrays:
        """The optimizer's state, canonical layout, by `"<slot>:<parameter path>"`."""

    @abstractmethod
    def fill_slots(self, values: Mapping[str, np.ndarray]) -> None:
        """Set the optimizer's state in place; a slot that is not named starts at zero."""


class Backend(ABC):
    """What executes. An instance holds no state of a run.

    `registry`: where it finds native builders of layers; by default that of all installed plugins. `takes_builders`:
    whether it uses any, beside the portable definitions.
    """

    name: ClassVar[str]
    takes_builders: ClassVar[bool] = True
    ops: Ops

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry

    @property
    def registry(self) -> Registry:
        return self._registry if self._registry is not None else default_manager().registry

    def builder(self, layer: Layer) -> Callable[..., Any] | None:
        """The native builder for exactly the class of `layer`; None where it runs by its portable definition.

        A stranger's class of the same name, or a subclass, has its own definition.
        """
        name = layer.component()
        known = self.takes_builders and self.registry.has("layer_builder", name, self.name)
        if not known or not self.registry.provides("layer", name, type(layer), self.name):
            return None
        build: Callable[..., Any] = self.registry.get("layer_builder", name, self.name)
        return build

    @abstractmethod
    def plan(self, execution: Execution, graph: Graph) -> Plan:
        """Settle by fixed rules what the execution leaves open. Raises `ConfigurationError` for what it cannot do."""

    @abstractmethod
    def network(self, graph: Graph, plan: Plan, seed: int) -> Network:
        """Build a network without storage; `seed` is what dropout starts from."""

    @abstractmethod
    def trainer(self, network: Network, optimizer: Optimizer | Regime, plan: Plan) -> Trainer:
        """Build the train program for a placed network; slots start at zero. One optimizer is `Regime.of` it."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Names and versions of what decides the arithmetic."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a native module keeps one parameter: an attribute path, and the axes as they lie there.

    `Place("conv.weight", "HWIO")` for a canonical `OIHW`: the backend permutes on fill and read. Empty `axes`: as is.
    """

    path: str
    axes: str = ""


@dataclass(frozen=True, slots=True)
class Built:
    """What a native layer builder returns: the module, and where each parameter of the layer lies in it."""

    module: Any
    places: Mapping[str, Place]
