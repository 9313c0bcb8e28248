"""Backends that are broken on purpose, each with the test that must find it; `tests/test_kit.py` runs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from akid_core.backends.contract import Backend
from akid_core.bundled.numpy.backend import NumpyBackend
from akid_core.bundled.numpy.network import NumpyNetwork
from akid_core.bundled.numpy.trainer import NumpyTrainer
from akid_core.optimizers.regime import Regime
from akid_core.testing.backends import BackendSuite


class Few(BackendSuite):
    """The suite on a few layers; `network` and `trainer` are what NumPy's backend takes instead of its own.

    `finds`: the test that must fail.
    """

    layers = ("max_pool2d", "dropout", "batch_norm", "dense", "softmax_cross_entropy")
    network_class: type[NumpyNetwork] = NumpyNetwork
    trainer_class: type[NumpyTrainer] = NumpyTrainer

    @pytest.fixture
    def backend(self) -> Backend:
        networks, trainers = self.network_class, self.trainer_class

        class Broken(NumpyBackend):
            def network(self, graph: Any, plan: Any, seed: int) -> Any:
                return networks(graph, seed)

            def trainer(self, network: Any, optimizer: Any, plan: Any) -> Any:
                return trainers(network, Regime.of(optimizer), plan.micro_batches)

        return Broken()


class TestNumpy(Few):
    finds = ""


class Turned(NumpyNetwork):
    """Reads vectors from their end."""

    def read(self, paths: Any = None) -> Any:
        found = super().read(paths)
        return {path: np.flip(value) if value.ndim == 1 else value for path, value in found.items()}


class TestTurned(Few):
    network_class, finds = Turned, "test_parameters_are_read_as_they_were_filled"


class Lent(NumpyNetwork):
    """What is read is the parameter itself."""

    def read(self, paths: Any = None) -> Any:
        return {path: self.native(path) for path in (self.graph.params if paths is None else paths)}


class TestLent(Few):
    network_class, finds = Lent, "test_what_is_read_is_a_copy"


class Rounded(NumpyNetwork):
    """Keeps parameters in half the digits."""

    def fill(self, values: Any) -> None:
        super().fill({path: np.asarray(value).astype(np.float16) for path, value in values.items()})


class TestRounded(Few):
    network_class, finds = Rounded, "test_values_of"


class Stuck(NumpyNetwork):
    """Draws the same mask at every step."""

    def values(self, fields: Any, targets: Any, *, step: int = 0, **settings: Any) -> Any:
        return super().values(fields, targets, step=0, **settings)


class TestStuck(Few):
    network_class, finds = Stuck, "test_masks_have_the_bits_of_the_referee"


class Untrained(NumpyNetwork):
    """Never behaves as in training."""

    def values(self, fields: Any, targets: Any, *, training: bool = False, **settings: Any) -> Any:
        return super().values(fields, targets, training=False, **settings)


class TestUntrained(Few):
    network_class, finds = Untrained, "test_training_is_not_evaluation"


class Shared(NumpyNetwork):
    """All networks live in the same arrays."""

    arrays: ClassVar[dict[tuple[str, tuple[int, ...]], np.ndarray]] = {}

    def place(self, device: str) -> None:
        super().place(device)
        for path, array in self._arrays.items():
            self._arrays[path] = self.arrays.setdefault((path, array.shape), array)


class TestShared(Few):
    network_class, finds = Shared, "test_two_networks_live_side_by_side"


class Hungry(NumpyNetwork):
    """Fails at a batch without rows."""

    def values(self, fields: Any, targets: Any, **settings: Any) -> Any:
        if not len(next(iter(fields.values()))):
            raise ValueError("nothing to compute")
        return super().values(fields, targets, **settings)


class TestHungry(Few):
    network_class, finds = Hungry, "test_no_rows_of"


class Wide(NumpyNetwork):
    """Gives everything in float64."""

    def values(self, fields: Any, targets: Any, **settings: Any) -> Any:
        return [value.astype(np.float64) for value in super().values(fields, targets, **settings)]


class TestWide(Few):
    network_class, finds = Wide, "test_operation"


class Summed(NumpyTrainer):
    """Gives gradients of the sum, not of the mean."""

    def gradients(self, batch: Any, step: int, values: Any = ()) -> Any:
        return {path: value * len(batch) for path, value in super().gradients(batch, step, values).items()}


class TestSummed(Few):
    trainer_class, finds = Summed, "test_gradients_of"


class Repeating(NumpyTrainer):
    """Takes the first batch of a span for all of them."""

    def run(self, span: Any, learning_rates: Any, loss_weights: Any = None) -> Any:
        first = {name: np.repeat(value[:1], span.steps, axis=0) for name, value in span.fields.items()}
        return super().run(replace(span, fields=first), learning_rates, loss_weights)


class TestRepeating(Few):
    trainer_class, finds = Repeating, "test_a_span_is_its_steps"


class Sticky(NumpyTrainer):
    """A slot that is not named keeps its value."""

    def fill_slots(self, values: Any) -> None:
        super().fill_slots({**self.read_slots(), **values})


class TestSticky(Few):
    trainer_class, finds = Sticky, "test_slots_start_at_zero_and_come_back"


class Steady(NumpyTrainer):
    """Trains at the first learning rate throughout."""

    def run(self, span: Any, learning_rates: Any, loss_weights: Any = None) -> Any:
        return super().run(span, np.full_like(learning_rates, learning_rates[0]), loss_weights)


class TestSteady(Few):
    trainer_class, finds = Steady, "test_optimizer"


class Hasty(NumpyTrainer):
    """Takes one pass for all phases of a step."""

    def __init__(self, network: Any, regime: Regime, micro_batches: int = 1) -> None:
        phases = tuple(replace(phase, fresh=False) for phase in regime.phases)
        super().__init__(network, replace(regime, phases=phases), micro_batches)


class TestHasty(Few):
    trainer_class, finds = Hasty, "test_phases"


class Constant(NumpyTrainer):
    """Leaves the weights of losses as they are."""

    def run(self, span: Any, learning_rates: Any, loss_weights: Any = None) -> Any:
        return super().run(span, learning_rates)


class TestConstant(Few):
    trainer_class, finds = Constant, "test_losses_count_by_their_weights_over_time"


class Branching(NumpyTrainer):
    """Gives a block that gives what it takes the gradient of that."""

    def gradients(self, batch: Any, step: int, values: Any = ()) -> Any:
        found = super().gradients(batch, step, values)
        return found | {"kept": found["x"]} if "kept" in found else found


class TestBranching(Few):
    trainer_class, finds = Branching, "test_a_gradient_by_a_value_is_that_of_all_that_take_it"


class Wilful(NumpyNetwork):
    """Computes what is given."""

    def values(self, fields: Any, targets: Any, *, given: Any = None, **settings: Any) -> Any:
        return super().values({**fields, "image": np.zeros((6, 2, 6, 6), np.float32)}, targets, **settings)


class TestWilful(Few):
    network_class, finds = Wilful, "test_values_are_taken_as_they_are_given"


class Staring(NumpyNetwork):
    """Shows for good."""

    def _watch(self, watchers: Any) -> None:
        super()._watch((*self.watchers, *(each for each in watchers if each not in self.watchers)))


class TestStaring(Few):
    network_class, finds = Staring, "test_who_watches_sees_what_blocks_take_and_give"


class Fickle(NumpyBackend):
    """Plans otherwise every time."""

    asked = 0

    def plan(self, execution: Any, graph: Any) -> Any:
        self.asked += 1
        return replace(super().plan(execution, graph), bundle=execution.bundle or self.asked)


class TestFickle(Few):
    finds = "test_a_plan_is_settled_by_fixed_rules"

    @pytest.fixture
    def backend(self) -> Backend:
        return Fickle()
