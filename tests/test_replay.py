"""A loss that is not finite: the step and the block are found by taking the steps again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.errors import NonFiniteError
from akid_core.observers.base import Observer
from akid_core.plugin_api import hookimpl
from akid_core.schedules import Exponential, Plateau, Schedule
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer, Loss
from akid_core.specs.tensor import TensorSpec

EPOCH = 4
"""Steps in an epoch."""


@dataclass(frozen=True, kw_only=True)
class Overflow(Layer):
    """Infinite from a step on."""

    step: int

    def outputs(self, x: TensorSpec) -> TensorSpec:
        return x

    def forward(self, context: Context, x: Array) -> Array:
        late = context.ops.astype(context.step, x.dtype) >= float(self.step) - 0.5
        return x * context.ops.where(late, np.inf, context.ops.zeros_like(x) + 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Spans(Observer):
    """Remembers every moment's step and how a practice failed."""

    seen: list[Any]

    @hookimpl
    def akid_practice_error(self, context: Any) -> None:
        self.seen.append((context.step, type(context.error)))


def kid(*, overflow: int | None = None, rate: float | Schedule = 0.1, **settings: Any) -> akid.Kid:
    """Points of the plane, in 4 batches an epoch; the block `burst` overflows from step number `overflow` on."""
    random = np.random.default_rng(0)
    images = random.standard_normal((32, 2)).astype(np.float32)
    data = (images, (images[:, 0] > 0).astype(np.int64))
    burst = [] if overflow is None else [Overflow(name="burst", step=overflow)]
    brain = akid.Brain.sequential(
        L.Dense(units=4, name="hidden"), L.Tanh(), L.Dropout(rate=0.2), *burst, L.Dense(units=2, name="logits"),
        inputs="image", outputs="logits",
    )  # fmt: skip
    brain = brain.with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label")
    defaults = {
        "brain": brain,
        "sensors": akid.sensors(train=data, val=data, batch_size=8),
        "optimizer": akid.SGD(learning_rate=rate, momentum=0.9),
        "practice": akid.Practice(epochs=10),
        "backend": "numpy",
    }
    return akid.Kid(**{**defaults, **settings})


@pytest.mark.parametrize(("step", "since"), [(0, 0), (2, 0), (4, 4), (9, 8)])
@pytest.mark.parametrize("stored", [False, True])
def test_step_and_block_are_named(step: int, since: int, stored: bool, tmp_path: Any) -> None:
    with pytest.raises(NonFiniteError) as caught:
        kid(overflow=step).practice(run_dir=tmp_path if stored else None)
    assert str(caught.value).startswith(
        f"Step {step} is not finite: block 'burst' is the first whose output is infinite or not a number "
        f"(replayed from step {since}; learning rate 0.1)."
    )


@pytest.mark.parametrize("bundle", [1, 3])
def test_the_network_is_left_as_it_was_before_the_step(bundle: int) -> None:
    broken, whole = kid(overflow=6, execution=akid.Execution(bundle=bundle)), kid()
    with pytest.raises(NonFiniteError, match="Step 6 "):
        broken.practice()
    whole.practice(max_steps=6)
    assert broken.state.step == 6
    for path in ("hidden/weight", "logits/weight"):
        assert np.array_equal(broken.network[path], whole.network[path])


def test_a_kid_that_goes_on_is_replayed_from_where_it_was() -> None:
    later = kid(overflow=7)
    later.practice(max_steps=6)
    later.network["logits/bias"] = np.array([3.0, -3.0], np.float32)
    with pytest.raises(NonFiniteError, match=r"Step 7 is not finite: block 'burst' .*\(replayed from step 6;"):
        later.practice()
    # after one more step the bias is still near what was set, which a replay from the initial weights would not know
    assert later.network["logits/bias"][0] > 2


def test_a_schedule_that_watches_validation_is_replayed_as_it_was() -> None:
    # each validation but the first lowers the rate by half: 0.1 for the first 2 epochs, then 0.05, then 0.025
    plateau = Plateau(initial=0.1, factor=0.5, patience=1, metric="loss", mode="max")
    quiet = {"validate_every": "epoch", "checkpoint_every": "never"}
    settings = {"rate": plateau, "practice": akid.Practice(epochs=10, **quiet)}
    broken, whole = kid(overflow=14, **settings), kid(**settings)
    with pytest.raises(NonFiniteError, match=r"Step 14 .*replayed from step 0") as caught:
        broken.practice()
    whole.practice(max_steps=14)
    assert np.array_equal(broken.network["hidden/weight"], whole.network["hidden/weight"])
    rate = plateau.initial * whole.state.schedules_at(13)[0]["scale"]
    assert f"learning rate {rate:g}" in str(caught.value)


def test_states_of_a_schedule_are_kept_only_as_long_as_a_replay_can_need_them() -> None:
    long = kid(rate=Plateau(initial=1e-3, patience=1), practice=akid.Practice(epochs=30, validate_every=1))
    long.practice()
    assert len(long.state._schedules) <= EPOCH + 1


def test_an_update_that_spoils_a_parameter_is_named() -> None:
    with pytest.raises(NonFiniteError, match=r"whose parameter '\w+/\w+' the update of step \d+ spoilt"):
        kid(rate=Exponential(initial=1e300, factor=0.999)).practice()


def test_a_spoilt_parameter_is_never_saved(tmp_path: Any) -> None:
    # the step itself is finite: what it makes of the parameters is found when they are to be saved
    spoiling = kid(rate=1e300, practice=akid.Practice(steps=1))
    with pytest.raises(NonFiniteError, match=r"Step 1 is not finite: .* the update of step 0 spoilt"):
        spoiling.practice(run_dir=tmp_path)
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_damaged_checkpoint_does_not_hide_the_failure(tmp_path: Any) -> None:
    broken = kid(overflow=6)

    @dataclass(frozen=True, kw_only=True)
    class Saboteur(Observer):
        @hookimpl
        def akid_checkpoint_saved(self, context: Any) -> None:
            (context.checkpoint / "params.safetensors").write_bytes(b"")

    broken.observers = (Saboteur(),)
    with pytest.raises(
        NonFiniteError, match="Step 6 is not finite; which block is to blame remains open. Checkpoint .*corrupt"
    ):
        broken.practice(run_dir=tmp_path)


def test_observers_hear_of_it() -> None:
    seen: list[Any] = []
    broken = kid(overflow=6)
    broken.observers = (Spans(seen=seen),)
    with pytest.raises(NonFiniteError):
        broken.practice()
    assert seen == [(6, NonFiniteError)]


def test_losses_that_overflow_in_their_sum() -> None:
    brain = akid.Brain.sequential(L.Dense(units=1, name="line"), inputs="image")
    for name in ("one", "other"):
        brain = brain.with_loss(L.MeanSquaredError(name=name, weight=1e308), "line", "label")
    far = (np.ones((4, 1), np.float32), np.full((4, 1), 1e4, np.float32))
    with pytest.raises(NonFiniteError, match="every block's output is finite, so the sum of the losses overflowed"):
        kid(brain=brain, sensors=akid.sensors(train=far, batch_size=4)).practice()


def test_a_label_of_a_sequence_that_names_no_class_is_found_behind_those_that_do_not_count() -> None:
    random = np.random.default_rng(0)
    x, label = random.standard_normal((6, 3, 2)).astype(np.float32), np.zeros((6, 3), np.int64)
    mask, weights = np.ones((6, 3), bool), np.ones(6, np.float32)
    label[:, 2] = -1  # ignored
    label[1, 0], mask[1, 0] = 7, False
    label[2, 0], weights[2] = 8, 0
    label[4, 1] = 9
    brain = akid.Brain.sequential(L.Dense(units=2, name="logits"), inputs="x")
    brain = brain.with_loss(L.SoftmaxCrossEntropy(name="loss", ignore_index=-1), "logits", "label", "mask")
    made = akid.Kid(
        brain=brain,
        sensors=akid.sensors(train=(x, label, mask, weights), fields=("x", "label", "mask"), batch_size=6),
        backend="numpy",
    )
    with pytest.raises(NonFiniteError, match="'label' in row 4 of the source is 9, and the scores have 2"):
        made.practice()


SIGNED = np.array([[0.5], [1.0], [0.0], [2.0]], np.float32)


@pytest.mark.parametrize(
    ("loss", "labels", "shown"),
    [
        (L.BinaryCrossEntropy(name="loss"), SIGNED, r"\[2\.\]"),
        (L.Hinge(name="loss"), SIGNED * (SIGNED > 1), r"\[2\.\]"),
        (L.KLDivergence(name="loss"), np.where(SIGNED > 1, -1, 1).astype(np.float32), r"\[-1\.\]"),
    ],
)
def test_a_label_that_a_loss_does_not_take_is_shown(loss: Loss, labels: np.ndarray, shown: str) -> None:
    brain = akid.Brain.sequential(L.Dense(units=1, name="line"), inputs="image").with_loss(loss, "line", "label")
    data = (np.ones((4, 1), np.float32), labels)
    with pytest.raises(NonFiniteError, match=rf"block 'loss' is .*'label' in row 3 of the source is {shown} \("):
        kid(brain=brain, sensors=akid.sensors(train=data, batch_size=4)).practice()


def test_an_index_that_a_table_does_not_have_is_shown() -> None:
    indices = np.array([[0, 1], [1, 2], [0, 5]])
    blocks = (L.Embedding(entries=3, units=2, name="table"), L.Flatten(), L.Dense(units=2, name="logits"))
    brain = akid.Brain.sequential(*blocks, inputs="word").with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    sensors = akid.sensors(train=(indices, np.zeros(3, np.int64)), fields=("word", "label"), batch_size=3)
    with pytest.raises(NonFiniteError, match="block 'table' is .*, where 'word' in row 2 of the source is 5 "):
        kid(brain=brain, sensors=sensors).practice()
