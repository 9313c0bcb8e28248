"""Kid: the learner."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from akid_core.backends.contract import Watch
from akid_core.backends.plan import Execution
from akid_core.checkpoints import Checkpoint
from akid_core.data.arrays import ArrayData
from akid_core.data.batch import Batch
from akid_core.data.sensors import Sensors
from akid_core.data.sensors import sensors as make_sensors
from akid_core.data.source import Split
from akid_core.errors import ConfigurationError, UsageError
from akid_core.graph.brain import Brain
from akid_core.observers.base import Observer
from akid_core.optimizers import Adam
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.phase import Phase
from akid_core.plugins import PluginManager
from akid_core.specs.names import snake_case
from akid_core.training import looking
from akid_core.training.check import check
from akid_core.training.config import KidConfig, Practice
from akid_core.training.description import read_description, write_settings
from akid_core.training.directory import RunDirectory
from akid_core.training.evaluate import averaged, evaluate
from akid_core.training.export import export
from akid_core.training.finder import LearningRates, find_learning_rate
from akid_core.training.learner import Learner, NoSettings, settings_of
from akid_core.training.loop import practise
from akid_core.training.parts import Parts
from akid_core.training.predict import predict
from akid_core.training.report import warn
from akid_core.training.result import Interrupted, PracticeResult, Values
from akid_core.training.run import Run
from akid_core.training.signals import SignalWatch
from akid_core.training.stepper import Stepper
from akid_core.training.takeover import settle, take_over


class Kid(Parts):
    """Sensors, a Brain, an Optimizer, a backend and a Strategy; it practises.

    `sensors` or, for arrays, `train=(x, y)`. `backend` None takes the installed one of highest priority. `settings`: an
    object of the class's `Settings`, by default one where nothing is said. Nothing is built before it is needed;
    `kid.described` holds what was said, `kid.config` what is practised, `kid.network` the live parameters, and
    `kid.notes` what was said when it last began to practise.

    A Kid that learns in another way is a subclass with `Settings`, a frozen keyword-only dataclass, and `compose`.
    """

    Settings: ClassVar[type] = NoSettings

    def __init__(
        self,
        *,
        brain: Brain,
        sensors: Sensors | None = None,
        optimizer: Optimizer | Sequence[Phase] | None = None,
        practice: Practice | None = None,
        backend: str | None = None,
        seed: int = 0,
        observers: Iterable[Observer] = (),
        execution: Execution | None = None,
        plugins: Iterable[Any] = (),
        providers: Mapping[str, str] | None = None,
        settings: Any = None,
        train: Any = None,
    ) -> None:
        if (sensors is None) == (train is None):
            raise ConfigurationError("Say what to learn from: either sensors=akid.sensors(...) or train=(x, y).")
        self.settings: Any = settings_of(type(self), settings)
        self.described = KidConfig(
            brain=brain,
            sensors=sensors if sensors is not None else make_sensors(train=train),
            optimizer=tuple(optimizer) if isinstance(optimizer, Sequence) else optimizer or Adam(),
            practice=practice or Practice(epochs=1),
            backend=backend,
            seed=seed,
            observers=tuple(observers),
            execution=execution or Execution(),
            plugins=tuple(plugins),
            providers=dict(providers or {}),
            kid=Learner() if type(self) is Kid else Learner(kid=type(self), settings=self.settings),
        )
        super().__init__(self.compose(self.described))
        self.observers: tuple[Observer, ...] = self.config.observers
        self.notes: tuple[str, ...] = ()

    @classmethod
    def component(cls) -> str:
        """The name of this class in YAML and in the registry."""
        return snake_case(cls.__name__)

    def compose(self, config: KidConfig) -> KidConfig:
        """The ordinary settings that are practised, from what was said; a function of it and `self.settings` alone.

        A subclass gives `config` with what it adds: blocks and losses in the Brain, augmenters in the sensors, phases
        as the optimizer, parameters that are frozen or begin as they were elsewhere. `kid.settings`, where it gives
        another object, is what is written with the run instead of what was said. Raises `ConfigurationError` for what
        it cannot learn from.
        """
        return config

    @classmethod
    def from_config(cls, config: KidConfig, manager: PluginManager | None = None) -> Kid:
        """A Kid of these settings, of the class that they name; `manager` is the plugin manager that read them."""
        said = {field.name: getattr(config, field.name) for field in fields(config) if field.name != "kid"}
        chosen = config.kid.kid or cls
        kid: Kid = chosen(**said, settings=config.kid.settings)
        if manager is not None:
            vars(kid)["manager"] = manager
        return kid

    @classmethod
    def from_yaml(
        cls,
        path: str | os.PathLike[str],
        overrides: Iterable[str] = (),
        *,
        variables: Mapping[str, Any] | None = None,
    ) -> Kid:
        """The Kid that a YAML file describes, or a template with these variables.

        `overrides` are texts like `optimizer.learning_rate=0.1`.
        """
        return cls.from_config(*read_description(str(Path(path).resolve()), overrides, variables=variables))

    def __repr__(self) -> str:
        brain, backend = self.config.brain, self.config.backend or "the installed backend of highest priority"
        return f"<Kid with a brain of {len(brain.blocks)} blocks, {', '.join(self.regime.names)}, on {backend}>"

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

        `run_dir`: keep configuration and checkpoints there. `resume`: continue from its newest good checkpoint,
        on the run's backend where none is named.
        `max_epochs`, `max_steps`: other limits than the configuration's, in all; schedules keep the planned horizon.
        Raises `Interrupted` (a `SystemExit`) after a signal, when all is saved.
        """
        begun = time.perf_counter()
        if resume and run_dir is None:
            raise UsageError("To resume, say from where: practice(run_dir=…, resume=True).")
        if resume and run_dir is not None:
            self._stay(RunDirectory(run_dir))
        check(self)
        limit = self.config.practice.limit(self.train_sensor.steps_per_epoch, max_epochs, max_steps)
        relay = self.manager.run_hooks([*self.config.plugins, *self.observers])
        with SignalWatch() as signals:
            if run_dir is None:
                result = practise(Run(self, limit, relay, begun), signals)
            else:
                config, directory = self.to_config(), RunDirectory(run_dir)
                if not directory.exists():
                    _ = self.strategy  # what cannot be built is said before a directory is made
                with directory:
                    checkpoint = directory.begin(config, resume, warn)
                    if checkpoint is None:
                        self.learnt.belong_to(directory.learnt, begun=False)
                    run = Run(self, limit, relay, begun, directory, checkpoint)
                    directory.write_config(config)
                    result = practise(run, signals)
        if result.status in ("interrupted", "preempted"):
            raise Interrupted(result)
        return result

    def load(self, checkpoint: Checkpoint) -> None:
        """Take over parameters, optimizer state and counts of a checkpoint, and its plan where none is settled yet.

        Without a train program, as for prediction, the parameters alone. Raises `RunDirectoryError` if it holds another
        Brain, `CheckpointError` if its parameters are not those of this one.
        """
        self._resumed = True
        self._plan = settle(self._plan, checkpoint, self)
        take_over(checkpoint, self)

    def _stay(self, directory: RunDirectory) -> None:
        """A run that is resumed keeps what its augmenters learnt, and its backend where none is named."""
        if not directory.used():
            return
        self.learnt.belong_to(directory.learnt, begun=True)
        if self.config.backend is None and "backend_name" not in vars(self):
            self.config = replace(self.config, backend=directory.config().get("backend"))

    def averaged(self) -> AbstractContextManager[None]:
        """Inside, the network holds the parameters that validation, testing and prediction use.

        These are the running means where the optimizer keeps them (`average`), else the parameters themselves.
        """
        kept = self.averages(self.network.read()) if self.trains and self.regime.averaging else None
        return averaged(self.strategy, kept) if kept else nullcontext()

    def validate(self, split: Split = "val") -> Values:
        """Losses and metrics over a split: `train`, `val` or `test`; empty where there is no such split."""
        with self.averaged():
            return evaluate(self.strategy, self.graph, self.sensor(split))

    def prepare(self, rows: ArrayData) -> Mapping[str, np.ndarray]:
        """Rows as the source gives them, made ready for `predict` by what the sensors do to rows for evaluation.

        `rows`: (n, …), the field called like the Brain's first input, or arrays by field name.
        """
        first = self.config.brain.input_names[0]
        prepared = self.described.sensors.prepare(rows, self.registry, (first,), self.learnt)
        return {name: values for name, values in prepared.items() if name in self.graph.inputs}

    def predict(self, inputs: np.ndarray | Mapping[str, np.ndarray], batch_size: int = 256) -> Any:
        """The outputs for rows: an array, or a mapping by name where the Brain has several outputs.

        `inputs`: (n, …), or a mapping by the names of the Brain's inputs. No labels are needed.
        """
        with self.averaged():
            return predict(self.network, self.graph, inputs, batch_size)

    # -- what is inside

    def activations(
        self, batch: Batch | Mapping[str, np.ndarray], *globs: str, training: bool = False
    ) -> dict[str, np.ndarray]:
        """What blocks give for a batch, by name, each (rows, …): `kid.activations(batch, "conv1", "stage2/*")`.

        `globs`: of block paths, also of Systems; `split:1` is a second output. A block inside an `Unroll` gives (rows,
        steps, …). Only what is asked for is computed, with the parameters that predict; with `training` as training
        would see it. Raises `UnknownNameError` for a glob that matches nothing.
        """
        with nullcontext() if training else self.averaged():
            return looking.activations(self, batch, globs, training=training)

    def gradients(self, batch: Batch | Mapping[str, np.ndarray], *globs: str) -> dict[str, np.ndarray]:
        """The gradient of the objective by parameters, and by what blocks give, by name.

        `globs`: of paths of parameters and of blocks; none: all parameters. The losses have the weights that the Brain
        says.
        """
        return looking.gradients(self, batch, globs)

    def statistics(self, batch: Batch | Mapping[str, np.ndarray], *globs: str) -> dict[str, looking.Statistics]:
        """Mean, deviation, range and share of zeros of what blocks give for a batch, by name."""
        found = self.activations(batch, *globs)
        return {name: looking.Statistics.of(values) for name, values in found.items()}

    def propagate(self, given: Mapping[str, np.ndarray], *targets: str) -> dict[str, np.ndarray]:
        """Run from any block to any block: `kid.propagate({"conv2": values}, "logits")`.

        `given`: inputs, fields, or what blocks give, by name, each (rows, …); nothing before them is computed.
        `targets`: globs of block paths. Raises `DataError` where something more is needed.
        """
        with self.averaged():
            return looking.propagate(self, given, targets)

    def watch(
        self, path: str, *, before: Watch | None = None, after: Watch | None = None
    ) -> AbstractContextManager[None]:
        """Inside, see what blocks take and give whenever they run, in training too; see `Network.watch`."""
        return self.network.watch(path, before=before, after=after)

    def stepper(self) -> Stepper:
        """What predicts step by step, and carries the state of feedback from each call to the next."""
        return Stepper(self)

    def find_learning_rate(self, *, lowest: float = 1e-7, highest: float = 1.0, steps: int = 100) -> LearningRates:
        """Train for some steps at rates from `lowest` to `highest`, and see where the loss falls fastest.

        The Kid is then as it was before. See `LearningRates` for what the suggestion rests on.
        """
        check(self)
        return find_learning_rate(self, lowest, highest, steps)

    def export(self, path: str | os.PathLike[str], *, to: str) -> None:
        """Write what `predict` computes, for any number of rows, in a format that this Kid's backend exports to.

        `to`: `onnx` and `torch_export` under torch, `saved_model` under tensorflow, or what a plugin adds.
        """
        with self.averaged():
            export(self.network, self.backend_name, to, path, self.registry)

    # -- as data

    def to_config(self) -> dict[str, Any]:
        """What was said as YAML has it, complete, with the backend that was chosen."""
        said = replace(self.described, kid=self.config.kid)
        return write_settings(said, self.backend_name, self.registry)

    def brain_config(self) -> Any:
        """The Brain that practises as YAML has it."""
        return self.config.brain.to_config(self.registry)
