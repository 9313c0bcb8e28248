"""Kid: the learner."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from akid_core.backends.contract import Arrays, Backend, Network
from akid_core.backends.plan import Execution, Plan
from akid_core.checkpoints import Checkpoint
from akid_core.data.sensor import Sensor
from akid_core.data.sensors import Sensors
from akid_core.data.sensors import sensors as make_sensors
from akid_core.data.source import Split
from akid_core.errors import ConfigurationError, RunDirectoryError
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Graph
from akid_core.initializers.fill import initial_values
from akid_core.observers.base import Observer
from akid_core.optimizers import Adam
from akid_core.optimizers.base import Optimizer
from akid_core.plugins import PluginManager, default_manager
from akid_core.plugins.registry import Registry
from akid_core.schedules.base import Schedule
from akid_core.strategies.base import Strategy
from akid_core.training.backend import choose_backend
from akid_core.training.config import KidConfig, Practice
from akid_core.training.description import read_description, write_settings
from akid_core.training.directory import RunDirectory, plain
from akid_core.training.evaluate import evaluate
from akid_core.training.loop import practise
from akid_core.training.predict import predict
from akid_core.training.result import Interrupted, PracticeResult, Values
from akid_core.training.run import Run
from akid_core.training.state import RunState


class Kid:
    """Sensors, a Brain, an Optimizer, a backend and a Strategy; it practises.

    `sensors` or, for arrays, `train=(x, y)`. `backend` None takes the installed one of highest priority. Nothing is
    built before it is needed; `kid.config` holds the settings, `kid.network` the live parameters.
    """

    def __init__(
        self,
        *,
        brain: Brain,
        sensors: Sensors | None = None,
        optimizer: Optimizer | None = None,
        practice: Practice | None = None,
        backend: str | None = None,
        seed: int = 0,
        observers: Iterable[Observer] = (),
        execution: Execution | None = None,
        plugins: Iterable[Any] = (),
        providers: Mapping[str, str] | None = None,
        train: Any = None,
    ) -> None:
        if (sensors is None) == (train is None):
            raise ConfigurationError("Say what to learn from: either sensors=akid.sensors(...) or train=(x, y).")
        self.config = KidConfig(
            brain=brain,
            sensors=sensors if sensors is not None else make_sensors(train=train),
            optimizer=optimizer or Adam(),
            practice=practice or Practice(epochs=1),
            backend=backend,
            seed=seed,
            observers=tuple(observers),
            execution=execution or Execution(),
            plugins=tuple(plugins),
            providers=dict(providers or {}),
        )
        self.observers: tuple[Observer, ...] = self.config.observers
        self._sensors: dict[Split, Sensor | None] = {}
        self._saved_plan: Mapping[str, Any] | None = None

    @classmethod
    def from_config(cls, config: KidConfig, manager: PluginManager | None = None) -> Kid:
        """A Kid of these settings; `manager` is the plugin manager that read them."""
        kid = cls(**{name: getattr(config, name) for name in config.__dataclass_fields__})
        if manager is not None:
            kid.__dict__["manager"] = manager
        return kid

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str], overrides: Iterable[str] = ()) -> Kid:
        """The Kid that a YAML file describes; `overrides` are texts like `optimizer.learning_rate=0.1`."""
        return cls.from_config(*read_description(str(Path(path).resolve()), overrides))

    # -- parts, each made when first used

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
        if split not in self._sensors:
            self._sensors[split] = self.config.sensors.sensor(split, self.config.seed, self.registry)
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
        return self.config.brain.resolve(self.train_sensor.spec)

    @cached_property
    def backend_name(self) -> str:
        return self.config.backend or choose_backend(self.registry)

    @cached_property
    def backend(self) -> Backend:
        backend: Backend = self.registry.get("backend", self.backend_name)(self.registry)
        return backend

    @cached_property
    def plan(self) -> Plan:
        """How the run executes: settled by the backend's rules, or taken over from the run that is resumed."""
        saved = self._saved_plan
        if saved is not None and saved["backend"] == self.backend_name and saved["device"] == self.config.execution.device:
            return Plan(**saved)
        return self.backend.plan(self.config.execution, self.graph)

    @cached_property
    def strategy(self) -> Strategy:
        """The strategy with the live network, at its initial values."""
        kind = self.registry.get("strategy", self.plan.strategy, self.backend_name)
        strategy: Strategy = kind()
        strategy.build(self.backend, self.graph, self.config.optimizer, self.plan, self.config.seed)
        strategy.fill(self.initial_params(), {})
        return strategy

    @property
    def network(self) -> Network:
        """The live network: `kid.network["conv1/weight"]` reads and sets a parameter in canonical layout."""
        return self.strategy.network

    @cached_property
    def state(self) -> RunState:
        """How far this Kid has come."""
        rate = self.config.optimizer.learning_rate
        horizon = self.config.practice.total(self.train_sensor.steps_per_epoch)
        return RunState(self.graph, horizon, rate.start() if isinstance(rate, Schedule) else {})

    def initial_params(self) -> Arrays:
        """The parameters before the first step: a function of the seed and their paths."""
        return initial_values(self.graph, self.config.seed)

    def snapshot(self) -> tuple[int, Arrays, Arrays]:
        """Step, parameters and optimizer state as they are now."""
        return (self.state.step, *self.strategy.gather())

    # -- what a Kid does

    def practice(
        self,
        *,
        run_dir: str | os.PathLike[str] | None = None,
        resume: bool = False,
        max_epochs: int | None = None,
        max_steps: int | None = None,
    ) -> PracticeResult:
        """Practise from where the Kid is until the limit, and give the figures of each split.

        `run_dir`: keep configuration and checkpoints there. `resume`: continue from its newest good checkpoint.
        `max_epochs`, `max_steps`: other limits than the configuration's, in all; schedules keep the planned horizon.
        Raises `Interrupted` (a `SystemExit`) after a signal, when all is saved.
        """
        begun = time.perf_counter()
        if resume and run_dir is None:
            raise ConfigurationError("To resume, say from where: run_dir.")
        if self.config.practice.best is not None and self.sensor("val") is None:
            raise ConfigurationError("practice.best tracks validation, but the source has no val split.")
        directory = RunDirectory(run_dir) if run_dir is not None else None
        relay = self.manager.run_hooks([*self.config.plugins, *self.observers])
        try:
            checkpoint = None
            if directory is not None:
                directory.begin(self.to_config(), resume)
                checkpoint = directory.newest(warnings.warn) if resume else None
            if checkpoint is not None:
                self._check_brain(checkpoint)
                self._saved_plan = checkpoint.state["plan"]
            run = Run(self, self._limit(max_epochs, max_steps), directory, relay)
            return self._practise(run, checkpoint, begun)
        finally:
            if directory is not None:
                directory.release()

    def _practise(self, run: Run, checkpoint: Checkpoint | None, begun: float) -> PracticeResult:
        try:
            if checkpoint is not None:
                run.restore(checkpoint)
            status = practise(run)
            run.save()
            test = run.finish(status)
            result = PracticeResult(
                status=status,
                step=self.state.step,
                epoch=run.epoch,
                train=self.state.train,
                val=self.state.val,
                test=test,
                checkpoint=run.newest,
                seconds=time.perf_counter() - begun,
            )
            run.emit("practice_end", {f"test/{name}": value for name, value in test.items()})
        except BaseException as error:
            run.emit("practice_error", error=error)
            raise
        if status in ("interrupted", "preempted"):
            raise Interrupted(result)
        return result

    def _limit(self, max_epochs: int | None, max_steps: int | None) -> int:
        epoch_steps = self.train_sensor.steps_per_epoch
        limits = [max_steps, max_epochs * epoch_steps if max_epochs is not None else None]
        asked = [limit for limit in limits if limit is not None]
        return min(asked) if asked else self.config.practice.total(epoch_steps)

    def _check_brain(self, checkpoint: Checkpoint) -> None:
        if plain(checkpoint.state["brain"]) != plain(self.brain_config()):
            raise RunDirectoryError(
                f"{checkpoint.path} holds another brain than this configuration. Restore the brain, or choose another "
                "--run-dir."
            )

    def load(self, checkpoint: Checkpoint) -> None:
        """Take over parameters, optimizer state and counts of a checkpoint."""
        self.strategy.load(lambda: (checkpoint.params(), checkpoint.slots()))
        self.state.restore(checkpoint.state["run"])

    def validate(self, split: Split = "val") -> Values:
        """Losses and metrics over a split: `train`, `val` or `test`; empty where there is no such split."""
        return evaluate(self.strategy, self.graph, self.sensor(split))

    def predict(self, inputs: np.ndarray | Mapping[str, np.ndarray], batch_size: int = 256) -> Any:
        """The outputs for rows: an array, or a mapping by name where the Brain has several outputs.

        `inputs`: (n, …), or a mapping by the names of the Brain's inputs. No labels are needed.
        """
        return predict(self.network, self.graph, inputs, batch_size)

    # -- as data

    def to_config(self) -> dict[str, Any]:
        """The complete configuration as YAML has it, with the backend that was chosen."""
        return write_settings(self.config, self.backend_name, self.registry)

    def brain_config(self) -> Any:
        """The Brain as YAML has it."""
        return self.config.brain.to_config(self.registry)
