"""Figures that are arrays: shown, saved and given back like others, but nothing tracks them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.cli.options import values_table
from akid_core.errors import ConfigurationError, PluginError, UnknownNameError
from akid_core.observers.moment import Moment
from akid_core.observers.progress import Progress
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Metric

METRICS = "metrics: [{accuracy: {inputs: [logits, label]}}]"
WITH_ARRAY = "metrics: [{accuracy: {inputs: [logits, label]}}, {confusion_matrix: {inputs: [logits, label]}}]"


@dataclass(frozen=True, kw_only=True)
class Halves(Metric):
    """Promises a number and gives two."""

    def forward(self, context: Context, *inputs: Array) -> tuple[Array, Array]:
        total = context.ops.sum(inputs[-1])
        return total, total

    def result(self, state: Mapping[str, Any]) -> Any:
        return np.array([state["sum"], state["count"]]) / 2


def kid(*metrics: Metric, **settings: Any) -> akid.Kid:
    random = np.random.default_rng(0)
    x = random.standard_normal((20, 2)).astype(np.float32)
    data = (x, (x[:, 0] > 0).astype(np.int64))
    brain = akid.Brain.sequential(L.Dense(units=2, name="logits"), inputs="image", outputs="logits")
    brain = brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
    for metric in metrics:
        brain = brain.with_metric(metric, "logits", "label")
    practice = akid.Practice(epochs=1, **{key: settings.pop(key) for key in ("best",) if key in settings})
    sensors = akid.sensors(train=data, val=data, batch_size=8)
    return akid.Kid(brain=brain, sensors=sensors, practice=practice, backend="numpy", **settings)


def test_an_array_is_given_as_nested_lists() -> None:
    result = kid(L.ConfusionMatrix()).practice()
    for values in (result.train, result.val):
        matrix = values["confusion_matrix"]
        assert [type(number) for row in matrix for number in row] == [float] * 4
        assert np.sum(matrix) == 20
    assert json.loads(json.dumps(result.to_json()))["val"] == result.val


def test_an_array_cannot_be_the_best() -> None:
    with pytest.raises(ConfigurationError) as caught:
        kid(L.ConfusionMatrix(), L.Accuracy(), best=akid.Best(metric="confusion_matrix")).practice()
    assert str(caught.value) == (
        "practice.best.metric is 'confusion_matrix', which is an array, and only a number can be the best: track loss "
        "or accuracy."
    )


def test_a_schedule_cannot_watch_an_array() -> None:
    rate = akid.schedules.Plateau(initial=0.1, metric="confusion_matrix")
    with pytest.raises(UnknownNameError, match="watches 'confusion_matrix', but validation gives loss"):
        kid(L.ConfusionMatrix(), optimizer=akid.SGD(learning_rate=rate)).practice()


def test_a_metric_says_that_its_result_is_an_array() -> None:
    with pytest.raises(
        PluginError, match=r"'halves' \(Halves\) promises a number, and its result has the shape \(2,\)"
    ):
        kid(Halves()).practice()


def test_the_console_shows_arrays_after_the_table() -> None:
    text = values_table(
        {
            "train": {"loss": 0.5, "confusion_matrix": [[10.0, 2.5], [0.0, 3.0]]},
            "val": {},
            "test": {"loss": 1.0, "accuracy": 0.25, "counts": [1.0, 20.0], "cube": [[[1.0]], [[2.0]]]},
        }
    )
    assert text.splitlines() == [
        "split  loss    accuracy",
        "train  0.5000",
        "test   1.0000  0.2500",
        "train confusion_matrix",
        "   10  2.5",
        "    0    3",
        "test counts",
        "   1  20",
        "test cube",
        "  1",
        "",
        "  2",
    ]


def test_progress_shows_numbers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    values = {"val/loss": 0.5, "val/confusion_matrix": [[1.0]]}
    moment = Moment(kid=None, run_dir=None, epoch=1, step=2, limit=2, values=values)  # type: ignore[arg-type]
    progress = Progress()
    progress.akid_practice_begin(moment)
    progress.akid_practice_end(moment)
    assert stream.getvalue() == "epoch 1  step 2/2  val/loss 0.5  resumed\n"
    assert moment.scalars == {"val/loss": 0.5}


def test_practice_validate_and_resume_with_an_array(toy: Any) -> None:
    toy.describe(METRICS, WITH_ARRAY)
    whole = toy.practice("whole", "--json")
    assert np.shape(whole.json["val"]["confusion_matrix"]) == (2, 2)
    assert "confusion" not in whole.err, "lines of progress hold numbers alone"
    cut = toy.practice("cut", "--max-steps", 6)  # in the middle of an epoch
    assert "train confusion_matrix\n" in cut.out
    resumed = toy.practice("cut", "--resume", "--json")
    assert {split: resumed.json[split] for split in ("train", "val")} == {
        split: whole.json[split] for split in ("train", "val")
    }
    validated = toy.akid("validate", toy.folder / "cut", "--json")
    assert validated.json["val"]["confusion_matrix"] == whole.json["val"]["confusion_matrix"]
    assert "val confusion_matrix\n" in toy.akid("validate", toy.folder / "cut").out


def test_tensorboard_leaves_arrays_out(toy: Any) -> None:
    pytest.importorskip("tensorboard", reason="the extra akid-core[observe] is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    toy.describe(METRICS, WITH_ARRAY)
    with toy.yaml.open("a") as file:
        file.write("observers: [tensorboard]\n")
    assert toy.practice("run").code == 0
    events = EventAccumulator(str(toy.folder / "run" / "tensorboard"))
    events.Reload()
    tags = events.Tags()["scalars"]
    assert "val/accuracy" in tags
    assert not [tag for tag in tags if "confusion" in tag]
