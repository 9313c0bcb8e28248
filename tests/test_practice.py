"""Practice on the NumPy backend: learning, limits, validation, early stopping, signals, what cannot be learnt."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.data.sampler import Sequential
from akid_core.data.source import Source
from akid_core.errors import (
    AkidWarning,
    ConfigurationError,
    DataError,
    NonFiniteError,
    RunDirectoryError,
    UnknownNameError,
)
from akid_core.initializers import Zeros
from akid_core.observers.base import Observer
from akid_core.plugin_api import hookimpl
from akid_core.schedules import Cosine
from akid_core.specs.tensor import TensorSpec
from akid_core.training.result import Interrupted


def clouds(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two well separated clouds of points in the plane."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, rows)
    centre = np.where(label[:, None] == 0, -2.0, 2.0)
    return (centre + random.standard_normal((rows, 2))).astype(np.float32), label


def brain() -> akid.Brain:
    made = akid.Brain.sequential(
        L.Dense(units=8, name="hidden"), L.ReLU(), L.Dropout(rate=0.1), L.Dense(units=2, name="logits"),
        inputs="image", outputs="logits",
    )  # fmt: skip
    made = made.with_loss(L.SoftmaxCrossEntropy(name="crossentropy"), "logits", "label")
    return made.with_metric(L.Accuracy(), "logits", "label")


def kid(**settings: Any) -> akid.Kid:
    defaults: dict[str, Any] = {
        "brain": brain(),
        "sensors": akid.sensors(train=clouds(100), val=clouds(40, 1), test=clouds(40, 2), batch_size=16),
        "optimizer": akid.SGD(learning_rate=0.1, momentum=0.9),
        "practice": akid.Practice(epochs=5),
        "backend": "numpy",
    }
    return akid.Kid(**{**defaults, **settings})


def test_it_learns_and_reports_every_split() -> None:
    result = kid().practice()
    assert (result.status, result.step, result.epoch) == ("done", 35, 5)
    assert result.checkpoint is None
    assert set(result.train) == set(result.val) == set(result.test) == {"loss", "accuracy"}
    assert result.test["accuracy"] >= 0.95


def test_the_same_seed_gives_the_same_parameters_and_another_seed_others() -> None:
    first, second, other = kid(), kid(), kid(seed=1)
    for one in (first, second, other):
        one.practice(max_epochs=1)
    assert np.array_equal(first.network["hidden/weight"], second.network["hidden/weight"])
    assert not np.array_equal(first.network["hidden/weight"], other.network["hidden/weight"])


@pytest.mark.parametrize("practice", [{"epochs": 2}, {"steps": 9}])
def test_limits(practice: dict[str, int]) -> None:
    result = kid(practice=akid.Practice(**practice)).practice()
    assert result.step == practice.get("steps", 14)


def test_practice_goes_on_from_where_it_stopped() -> None:
    whole, parts = kid(), kid()
    whole.practice()
    parts.practice(max_steps=10)
    parts.practice(max_steps=23)
    parts.practice()
    assert np.array_equal(whole.network["hidden/weight"], parts.network["hidden/weight"])
    assert parts.practice().step == 35


def test_validation_never_disturbs_training() -> None:
    often = kid(practice=akid.Practice(epochs=2, validate_every=1, log_every=3))
    never = kid(practice=akid.Practice(epochs=2, validate_every="never", log_every="never"))
    often.practice()
    never.practice()
    assert np.array_equal(often.network["hidden/weight"], never.network["hidden/weight"])


def test_validation_weighs_short_batches_and_samples_rightly() -> None:
    x = np.arange(5, dtype=np.float32).reshape(5, 1)
    weights = np.array([1, 1, 1, 1, 4], dtype=np.float32)
    passing = akid.Brain.sequential(
        L.Dense(units=1, bias=False, name="double"), inputs="image", outputs="double"
    ).with_loss(L.MeanSquaredError(), "double", "label")
    one = kid(
        brain=passing, sensors=akid.sensors(train=(x, 0 * x), val=(x, 0 * x, weights), batch_size=2, eval_batch_size=2)
    )
    one.network["double/weight"] = np.array([[2.0]], dtype=np.float32)
    # (2x)^2 = 0, 4, 16, 36, 64; plain mean 24; weighted (0 + 4 + 16 + 36 + 4 * 64) / 8 = 39
    assert one.validate("train") == {"loss": pytest.approx(24.0)}
    assert one.validate("val") == {"loss": pytest.approx(39.0)}
    assert one.validate("test") == {}


def test_early_stopping_counts_validations_without_improvement() -> None:
    still = kid(
        optimizer=akid.SGD(learning_rate=0.0),
        practice=akid.Practice(epochs=50, best=akid.Best(metric="loss", mode="min", patience=3)),
    )
    result = still.practice()
    assert (result.status, result.epoch) == ("stopped_early", 4)


def test_test_split_is_judged_with_the_best_parameters() -> None:
    worsening = kid(
        brain=akid.Brain.sequential(L.Dense(units=1, bias=False, name="line"), inputs="image").with_loss(
            L.MeanSquaredError(), "line", "label"
        ),
        # training pulls the weight to 1, while validation and test want 0: the first validation is the best
        sensors=akid.sensors(
            train=(np.ones((4, 1), np.float32), np.ones((4, 1), np.float32)),
            val=(np.ones((2, 1), np.float32), np.zeros((2, 1), np.float32)),
            test=(np.ones((2, 1), np.float32), np.zeros((2, 1), np.float32)),
            batch_size=4,
        ),
        optimizer=akid.SGD(learning_rate=0.1),
        practice=akid.Practice(epochs=4, best=akid.Best()),
    )
    worsening.network["line/weight"] = np.zeros((1, 1), np.float32)
    result = worsening.practice()
    # one step: w = 0 - 0.1 * 2 * (0 - 1) = 0.2, so the best test loss is 0.04; after four it is 1 - 0.8^4 = 0.5904
    assert result.test["loss"] == pytest.approx(0.04, rel=1e-5)
    assert worsening.network["line/weight"].item() == pytest.approx(0.5904, rel=1e-5)


def test_best_needs_a_known_value_and_a_validation_split() -> None:
    with pytest.raises(ConfigurationError, match="'acuracy'.*Did you mean 'accuracy'"):
        kid(practice=akid.Practice(epochs=1, best=akid.Best(metric="acuracy"))).practice()
    with pytest.raises(ConfigurationError, match="no val split"):
        kid(sensors=akid.sensors(train=clouds(32)), practice=akid.Practice(epochs=1, best=akid.Best())).practice()


def test_plateau_lowers_the_learning_rate_after_validations_without_gain() -> None:
    from akid_core.schedules import Plateau

    still = kid(optimizer=akid.SGD(learning_rate=Plateau(initial=1e-30, patience=1)), practice=akid.Practice(epochs=6))
    still.practice()
    # the first validation is the best one, each of the other five lowers the rate by the factor 0.1
    assert still.state.schedules_at(42)[0]["scale"] == pytest.approx(1e-5)


@dataclass(frozen=True, kw_only=True)
class Sender(Observer):
    """Sends this process a signal when a step is finished."""

    number: int
    step: int

    @hookimpl
    def akid_span_end(self, context: Any) -> None:
        if context.step >= self.step:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize(
    ("number", "status", "code"), [(signal.SIGTERM, "preempted", 143), (signal.SIGINT, "interrupted", 130)]
)
def test_a_signal_saves_and_ends(number: int, status: str, code: int, tmp_path: Any) -> None:
    stopped = kid(observers=[Sender(number=int(number), step=4)])
    with pytest.raises(Interrupted) as caught:
        stopped.practice(run_dir=tmp_path)
    assert (caught.value.result.status, caught.value.code) == (status, code)
    assert caught.value.result.checkpoint is not None
    assert signal.getsignal(number) is not None
    resumed, whole = kid(), kid()
    resumed.practice(run_dir=tmp_path, resume=True)
    whole.practice()
    assert np.array_equal(resumed.network["hidden/weight"], whole.network["hidden/weight"])


def test_a_loss_that_is_not_finite_stops_with_step_and_block() -> None:
    wild = kid(optimizer=akid.SGD(learning_rate=1e30))
    with pytest.raises(NonFiniteError, match=r"Step \d+ is not finite: block '(hidden|logits|crossentropy)'"):
        wild.practice()


def test_data_that_is_not_finite_is_named_with_its_row() -> None:
    images, labels = clouds(50)
    images[37, 1] = np.nan
    with pytest.raises(DataError, match="field 'image' of row 37"):
        kid(sensors=akid.sensors(train=(images, labels), batch_size=10)).practice()


def test_a_masked_row_is_as_if_it_were_not_there() -> None:
    """One step on two rows, by hand: with all weights 0 the logits are 0, and softmax is (1/2, 1/2)."""
    start = L.Dense(units=2, weight_init=Zeros(), name="logits")
    line = akid.Brain.sequential(start, inputs="image", outputs="logits")
    line = line.with_loss(L.SoftmaxCrossEntropy(name="crossentropy"), "logits", "label")
    line = line.with_metric(L.Accuracy(), "logits", "label")
    images = np.array([[1.0, 2.0], [5.0, 7.0], [3.0, 0.0]], np.float32)
    weights = np.array([1, 0, 1], np.float32)
    data = akid.sensors(train=(images, np.array([0, -1, 1]), weights), batch_size=3)
    one = kid(brain=line, sensors=data, optimizer=akid.SGD(learning_rate=1.0), practice=akid.Practice(steps=1))
    result = one.practice()
    assert result.train["loss"] == pytest.approx(np.log(2))
    assert result.train["accuracy"] == 0.5
    # The mean of x * (label - softmax): of the first unit (1, 2) / 4 - (3, 0) / 4, of the second the opposite.
    np.testing.assert_allclose(one.network["logits/weight"], [[-0.5, 0.5], [0.5, -0.5]], rtol=1e-6)
    np.testing.assert_allclose(one.network["logits/bias"], 0.0, atol=1e-7)


def test_a_label_without_a_class_that_is_not_masked_stops_at_the_loss() -> None:
    images, labels = clouds(50)
    labels[7] = -1
    with pytest.raises(NonFiniteError, match="block 'crossentropy'"):
        kid(sensors=akid.sensors(train=(images, labels), batch_size=10)).practice()


@pytest.mark.parametrize("label", [2, -1])
def test_a_label_that_names_no_class_is_named_with_its_row(label: int) -> None:
    images, labels = clouds(50)
    labels[23] = label
    message = f"'label' in row 23 of the source is {label}, and the scores have 2 classes, 0 to 1"
    with pytest.raises(NonFiniteError, match=message):
        kid(sensors=akid.sensors(train=(images, labels), batch_size=50)).practice()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x + 1, y), r"data.train.fingerprint"),
        (lambda x, y: (x[:90], y[:90]), r"data.train.rows was 100 and is now 90"),
    ],
)
def test_a_run_does_not_go_on_with_other_data(change: Any, message: str, tmp_path: Any) -> None:
    x, y = clouds(100)
    kid(sensors=akid.sensors(train=(x, y), batch_size=16)).practice(run_dir=tmp_path, max_epochs=1)
    with pytest.raises(RunDirectoryError, match=message):
        kid(sensors=akid.sensors(train=change(x, y), batch_size=16)).practice(run_dir=tmp_path, resume=True)
    same = kid(sensors=akid.sensors(train=(x.copy(), y.copy()), batch_size=16))
    assert same.practice(run_dir=tmp_path, resume=True).epoch == 5


def test_a_validation_that_is_not_finite_is_said() -> None:
    images, labels = clouds(20)
    images[3] = 3e38  # times a weight beyond the largest number
    sensors = akid.sensors(train=clouds(32), val=(images, labels))
    one = kid(sensors=sensors, optimizer=akid.SGD(learning_rate=1e-6), practice=akid.Practice(epochs=1))
    one.network["hidden/weight"] = np.full_like(one.network["hidden/weight"], 10)
    with np.errstate(all="ignore"), pytest.warns(AkidWarning, match="loss over the val split is not finite"):
        one.practice()


def test_a_limit_behind_the_end_of_a_schedule_is_said() -> None:
    ended = kid(optimizer=akid.SGD(learning_rate=Cosine(initial=0.1)), practice=akid.Practice(epochs=1))
    with pytest.warns(AkidWarning, match="limit of 14 steps goes past the 7 that were planned"):
        ended.practice(max_epochs=2)


def test_predict_needs_no_labels_and_checks_its_input() -> None:
    one = kid()
    outputs = one.predict(clouds(10)[0], batch_size=4)
    assert outputs.shape == (10, 2)
    assert np.allclose(outputs, one.predict({"image": clouds(10)[0]}))
    with pytest.raises(DataError, match="shape"):
        one.predict(np.zeros((3, 5), np.float32))
    with pytest.raises(DataError, match="Did you mean 'image'"):
        one.predict({"imag": np.zeros((3, 2), np.float32)})


def test_network_values_are_read_and_set_by_name() -> None:
    one = kid()
    one.network["logits/bias"] = np.array([1.0, 2.0], np.float32)
    assert one.network["logits/bias"].tolist() == [1.0, 2.0]
    with pytest.raises(UnknownNameError, match="Did you mean 'logits/bias'"):
        one.network["logits/bia"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": akid.Adam}, "optimizer: expected an optimizer or a list"),
        ({"practice": 10}, "practice: expected a practice, got 10"),
        ({"seed": "a"}, "seed: expected an integer, got 'a'"),
        ({"observers": ["progress"]}, r"observers\[0\]: expected an observer, got 'progress'"),
        ({"sensors": "digits"}, "sensors: expected a sensors, got 'digits'"),
    ],
)
def test_settings_of_another_type_are_refused_at_once(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        kid(**settings)


def test_loss_is_the_name_of_the_objective() -> None:
    twice = brain().with_loss(L.SoftmaxCrossEntropy(name="loss"), "logits", "label")
    with pytest.raises(ConfigurationError, match="what figures call the whole objective"):
        kid(brain=twice).practice()
    misnamed = brain().with_metric(L.Accuracy(name="loss"), "logits", "label")
    with pytest.raises(ConfigurationError, match="what figures call the whole objective"):
        kid(brain=misnamed).practice()


def test_parameters_are_listed() -> None:
    network = kid().network
    assert list(network) == ["hidden/weight", "hidden/bias", "logits/weight", "logits/bias"]
    assert len(network) == 4
    assert "hidden/bias" in network
    assert "hidden" not in network


def test_arrays_may_be_given_directly() -> None:
    assert akid.Kid(brain=brain(), train=clouds(64), backend="numpy").practice().step == 2
    with pytest.raises(ConfigurationError, match="either sensors"):
        akid.Kid(brain=brain())


@dataclass(frozen=True, kw_only=True)
class Growing(Source):
    """Sequences, of which the batches of the first half are shorter, with a label for each place."""

    @property
    def spec(self) -> dict[str, TensorSpec]:
        return {"x": TensorSpec(("N", "T", 2)), "y": TensorSpec(("N", "T"), "int64")}

    def __len__(self) -> int:
        return 8 * (self.split == "train")

    def rows(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        x = np.ones((len(indices), 3 if (indices < 4).all() else 5, 2), np.float32)
        return {"x": x, "y": np.zeros(x.shape[:2], np.int64)}


def test_a_size_beside_the_batch_may_be_open() -> None:
    line = akid.Brain.sequential(L.Dense(units=2, name="line"), inputs="x")
    made = kid(
        brain=line.with_loss(L.SoftmaxCrossEntropy(), "line", "y"),
        sensors=akid.sensors(Growing(), batch_size=2, sampler=Sequential()),
        execution=akid.Execution(bundle=4),
    )
    assert made.practice().status == "done"
