"""The parts of a Kid: what its settings become, each made when it is first used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

from akid_core.backends.contract import Backend, Network
from akid_core.backends.plan import Plan
from akid_core.data.learnt import Learnt
from akid_core.data.sensor import Sensor
from akid_core.data.source import SPLITS, Split
from akid_core.errors import ConfigurationError, UsageError, suggest
from akid_core.graph.expand import Stream
from akid_core.graph.resolved import Graph
from akid_core.initializers.fill import initial_values
from akid_core.optimizers.average import Averages
from akid_core.optimizers.regime import Regime
from akid_core.plugins import PluginManager, default_manager
from akid_core.plugins.registry import Registry
from akid_core.schedules.base import Horizon
from akid_core.strategies.base import Strategy
from akid_core.training.backend import choose_backend
from akid_core.training.config import KidConfig
from akid_core.training.named import begin_from
from akid_core.training.rates import first_states, loss_weights
from akid_core.training.report import tell
from akid_core.training.state import RunState


class Parts:
    """Sensors, graph, backend, plan, and the strategy with the live network, for the settings `config`."""

    def __init__(self, config: KidConfig) -> None:
        self.config = config
        self._sensors: dict[Split, Sensor | None] = {}
        self.learnt = Learnt()
        self._plan: Plan | None = None
        self._resumed = False
        self._trains = True

    @cached_property
    def manager(self) -> PluginManager:
        """The plugin manager: the default one, or one of its own where this Kid lists plugins."""
        return PluginManager(plugins=self.config.plugins) if self.config.plugins else default_manager()

    @cached_property
    def registry(self) -> Registry:
        """The components to choose from, conflicts settled as `providers` says."""
        return self.manager.registry.pin(self.config.providers)

    def sensor(self, split: Split) -> Sensor | None:
        """The Sensor of a split; None where the source has no such split."""
        if split not in SPLITS:
            raise UsageError(f"There is no split {split!r}.{suggest(split, SPLITS)} Splits: {', '.join(SPLITS)}.")
        if split not in self._sensors:
            self._sensors[split] = self.config.sensors.sensor(split, self.config.seed, self.registry, self.learnt)
        return self._sensors[split]

    @property
    def train_sensor(self) -> Sensor:
        sensor = self.sensor("train")
        if sensor is None:
            raise ConfigurationError("There is nothing to practise on: the source has no train split.")
        return sensor

    @cached_property
    def graph(self) -> Graph:
        """The Brain, checked against what the sensors deliver."""
        sensor = self.train_sensor
        stream = Stream(sensor.batch_size, sensor.steps_per_epoch)
        return replace(self.config.brain.resolve(sensor.spec, stream=stream), frozen=self.config.practice.freeze)

    @cached_property
    def regime(self) -> Regime:
        """Who moves which parameters, for which losses."""
        regime = Regime.of(self.config.optimizer)
        return replace(regime, weights=self.config.practice.loss_weights)

    @cached_property
    def backend_name(self) -> str:
        if self.config.backend:
            return self.config.backend
        chosen = choose_backend(self.registry)
        tell(f"no backend is named, so {chosen} is taken, the installed one of highest priority.")
        return chosen

    @cached_property
    def backend(self) -> Backend:
        backend: Backend = self.registry.get("backend", self.backend_name)(self.registry)
        return backend

    @property
    def plan(self) -> Plan:
        """How the run executes: settled by the backend's rules, or taken over from the run that is resumed."""
        if self._plan is None:
            self._plan = self.backend.plan(self.config.execution, self.graph)
        return self._plan

    @cached_property
    def strategy(self) -> Strategy:
        """The strategy with the live network, at its initial values or those that it starts from."""
        strategy: Strategy = self.registry.get("strategy", self.plan.strategy, self.backend_name)()
        regime = self.regime if self.trains else None
        strategy.build(self.backend, self.graph, regime, self.plan, self.config.seed)
        strategy.fill(initial_values(self.graph, self.config.seed), {})
        if not self._resumed:
            taken = []
            for start in self.config.practice.starts:
                found = begin_from(start, strategy.network)
                strategy.fill(found.taken, {})
                taken.append(f"practice.start: {start.path}: {found.report}.")
            self.state.started = " ".join(taken)
        return strategy

    @property
    def trains(self) -> bool:
        """Whether the live network has a train program; without losses, or for evaluation only, it has none."""
        return self._trains and bool(self.graph.losses)

    def only_evaluate(self) -> None:
        """From here on this Kid evaluates, and does not practise: so it runs on backends that cannot train."""
        self._trains = False

    @property
    def network(self) -> Network:
        """The live network: `kid.network["conv1/weight"]` reads and sets a parameter in canonical layout."""
        return self.strategy.network

    @cached_property
    def state(self) -> RunState:
        """How far this Kid has come."""
        horizon = self.config.practice.total(self.train_sensor.steps_per_epoch)
        return RunState(self.graph, horizon, first_states(self.regime))

    def averages(self, paths: Iterable[str]) -> Averages:
        """Those of the parameters at `paths` whose running mean is kept, by now."""
        return self.regime.averages(paths, self.state.step)

    def loss_factors(self) -> dict[str, float]:
        """What the weights of losses are multiplied by in the newest step."""
        step = max(self.state.step - 1, 0)
        horizon = Horizon(self.state.horizon, self.train_sensor.steps_per_epoch)
        return {
            name: float(numbers[0])
            for name, numbers in loss_weights(self.regime, range(step, step + 1), horizon).items()
        }
