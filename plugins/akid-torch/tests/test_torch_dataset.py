"""TorchDataset: map-style and iterable data sets of torch as sources, and arrays handed over without a copy."""

from __future__ import annotations

import pickle
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

import akid_core as akid
from akid_core import layers as L
from akid_core.config import decode, encode
from akid_core.data import Sequential, Source, sensors
from akid_core.errors import AkidWarning, ConfigurationError, DataError
from akid_core.plugins import default_manager
from akid_core.testing.sources import SourceSuite
from akid_torch.sources.dataset import TorchDataset

ROWS = 70
POINTS = torch.arange(ROWS * 2, dtype=torch.float32).reshape(ROWS, 2)
LABELS = torch.arange(ROWS) % 3


class Points(Dataset[Any]):
    """What a YAML file names."""

    def __init__(self, rows: int = ROWS, train: bool = True) -> None:
        self.rows, self.train = rows, train

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: int) -> dict[str, Any]:
        if index >= self.rows:
            raise IndexError(index)
        sign = 1 if self.train else -1
        return {"point": sign * POINTS[index], "label": int(LABELS[index])}


class Stream(IterableDataset[Any]):
    """Rows one after another."""

    def __init__(self, rows: int = ROWS) -> None:
        self.rows, self.begun = rows, 0

    def __iter__(self) -> Iterator[tuple[torch.Tensor, int]]:
        self.begun += 1
        yield from ((POINTS[row], row) for row in range(self.rows))


class TestMap(SourceSuite):
    splits = ("train", "val")

    def source(self) -> Source:
        return TorchDataset(target=TensorDataset(POINTS, LABELS), val=TensorDataset(POINTS[:5], LABELS[:5]))


class TestStream(SourceSuite):
    def source(self) -> Source:
        return TorchDataset(target=Stream(), length={"train": ROWS})


Row = namedtuple("Row", "image pair")


def test_rows_of_every_form() -> None:
    images = pytest.importorskip("PIL.Image")

    class Mixed(Dataset[Any]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Row:
            picture = images.new("RGB", (4, 2), (index, 10, 20))
            return Row(picture, {"yes": index > 0, "more": (1.5 * index, [1, 2], torch.ones(2, dtype=torch.bfloat16))})

    source = TorchDataset(target=Mixed())
    assert {name: (spec.dtype, spec.row) for name, spec in source.spec.items()} == {
        "image": ("uint8", (3, 2, 4)),
        "pair/yes": ("bool", ()),
        "pair/more/0": ("float32", ()),
        "pair/more/1": ("int64", (2,)),
        "pair/more/2": ("float32", (2,)),
    }
    rows = source.rows(np.array([2, 0]))
    assert rows["image"][:, :, 0, 0].tolist() == [[2, 10, 20], [0, 10, 20]]
    assert rows["pair/yes"].tolist() == [True, False]
    assert rows["pair/more/0"].tolist() == [3, 0]


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("P", 3), ("RGBA", 4), ("I;16", 1), ("CMYK", 4)])
def test_pictures_of_every_mode(mode: str, channels: int) -> None:
    images = pytest.importorskip("PIL.Image")

    source = TorchDataset(target=[images.new(mode, (4, 2))])
    assert source.spec["image"].row == (channels, 2, 4)
    assert source.spec["image"].dtype == ("uint16" if mode == "I;16" else "uint8")


def test_a_data_set_that_reads_many_rows_at_once_does() -> None:
    asked = []

    class Many(Points):
        def __getitems__(self, indices: list[int]) -> list[dict[str, Any]]:
            asked.append(indices)
            return [self[index] for index in indices]

    TorchDataset(target=Many()).rows(np.array([4, 1]))
    assert asked == [[4, 1]]


def test_streams_begin_anew_to_go_back_and_skip() -> None:
    stream = Stream()
    source = TorchDataset(target=stream, fields=("point", "row"), length={"train": ROWS})
    assert (source.sequential, source.order()) == (True, Sequential())
    assert source.rows(np.arange(10, 20))["row"].tolist() == list(range(10, 20))
    assert source.rows(np.arange(20, 50))["row"].tolist() == list(range(20, 50))
    assert stream.begun == 1
    assert source.rows(np.array([5]))["row"].tolist() == [5]
    assert stream.begun == 2


def test_an_epoch_of_a_stream_is_in_order_and_resumes() -> None:
    def batches(first: int) -> list[list[int]]:
        source = TorchDataset(target=Stream(), length={"train": 64})
        sensor = sensors(source, batch_size=10).sensor("train", 0, None)
        assert sensor is not None
        with sensor.spans((step, 1) for step in range(first, 14)) as spans:
            return [span.fields["label"][0].tolist() for span in spans]

    assert [row for batch in batches(0) for row in batch] == [*range(64), *range(64)]
    assert batches(9) == batches(0)[9:]


def test_a_split_without_rows() -> None:
    source = TorchDataset(target=TensorDataset(POINTS, LABELS), val=TensorDataset(POINTS[:0], LABELS[:0]), split="val")
    assert (len(source), source.spec) == (0, replace(source, split="train").spec)
    with pytest.raises(DataError, match="data set to train on that the source 'torch_dataset' wraps has no rows"):
        _ = TorchDataset(target=TensorDataset(POINTS[:0], LABELS[:0])).spec


def test_lengths() -> None:
    with pytest.raises(ConfigurationError, match=r"does not know how many rows .*length=\{'train'"):
        len(TorchDataset(target=Stream()))
    with pytest.raises(DataError, match="Row 75 was asked for, and the data end before it"):
        TorchDataset(target=Stream(), length={"train": 80}).rows(np.array([75]))


def test_names_that_no_value_has() -> None:
    pairs = TensorDataset(POINTS, LABELS)
    with pytest.raises(ConfigurationError, match="fields names 'z', but a row has the fields 'point', 'label'"):
        _ = TorchDataset(target=pairs, fields=("point", "label", "z")).spec
    assert [*TorchDataset(target=TensorDataset(POINTS)).spec] == ["image"]
    assert [*TorchDataset(target=[((1, 2), 3)], fields=("pair", "label")).spec] == ["pair/0", "pair/1", "label"]


def test_what_has_no_items_by_index() -> None:
    with pytest.raises(ConfigurationError, match="wraps a torch Dataset, or .*, and was given a list_iterator"):
        _ = TorchDataset(target=iter([1, 2]), length={"train": 2}).spec


def test_chance_is_said() -> None:
    class Noise(Points):
        def __getitem__(self, index: int) -> dict[str, Any]:
            return {"noise": torch.rand(2)}

    with pytest.warns(AkidWarning, match=r"other rows when it is read again \('noise' differs\)"):
        _ = TorchDataset(target=Noise()).spec


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (lambda row: "text", "The field 'image' of row 0 is the text 'text', and only numbers are fields"),
        (lambda row: {"x": None}, r"The field 'x' of row 0 is missing \(None\)"),
        (lambda row: {"x": {"y": np.zeros(row)}}, r"'x/y' of row 1 is float64\[1\], but of row 0 it is float64\[0\]"),
        (lambda row: {"x": 1} if row else {"y": 1}, "Row 1 has the fields 'x', but row 0 has 'y'"),
        (
            lambda row: (1, 2, 3, 4),
            "A row has 4 values, but there are names for 'image', 'label', 'sample_weight' only",
        ),
    ],
)
def test_rows_that_do_not_fit(row: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _ = TorchDataset(target=[row(index) for index in range(3)]).spec


def test_yaml_names_what_makes_it(tmp_path: Path) -> None:
    registry = default_manager().registry
    described = {"torch_dataset": {"target": f"{__name__}:Points", "arguments": {"rows": 9}, "test": {"train": False}}}
    source = decode("source", described, registry)
    assert encode(source, registry) == described
    assert not source.live_only
    train, val, test = (replace(source, split=split) for split in ("train", "val", "test"))
    assert (len(train), len(val), len(test)) == (9, 0, 9)
    assert train.rows(np.array([3]))["point"].tolist() == [[6, 7]]
    assert test.rows(np.array([3]))["point"].tolist() == [[-6, -7]]
    with pytest.raises(ConfigurationError, match="'torch_dataset': the target nowhere:X does not import"):
        len(TorchDataset(target="nowhere:X"))
    with pytest.raises(ConfigurationError, match=r"does not take \{'row': 3\}"):
        len(TorchDataset(target=f"{__name__}:Points", arguments={"row": 3}))
    for wrong in ({"target": "x"}, {"target": "a:b", "val": Points()}, {"target": Points(), "arguments": {"rows": 3}}):
        with pytest.raises(ValueError, match="target"):
            TorchDataset(**wrong)


def test_a_run_over_an_object_is_saved_and_continued(tmp_path: Path) -> None:
    def kid() -> akid.Kid:
        brain = akid.Brain.sequential(L.Dense(units=3, name="logits"), inputs="point", outputs="logits")
        return akid.Kid(
            brain=brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label"),
            sensors=akid.sensors(TorchDataset(target=Points()), batch_size=10),
            practice=akid.Practice(epochs=1),
            backend="torch",
        )

    first = kid().practice(run_dir=tmp_path / "run")
    assert "source: arrays" in (tmp_path / "run" / "config.yaml").read_text(encoding="utf-8")
    assert kid().practice(run_dir=tmp_path / "run", resume=True).train == first.train


def test_pickled_sources_leave_what_is_open_behind() -> None:
    source = TorchDataset(target=f"{__name__}:Points")
    source.rows(np.arange(3))
    assert vars(pickle.loads(pickle.dumps(source))).keys() == vars(TorchDataset(target="a:b")).keys()


def test_arrays_are_handed_over_without_a_copy() -> None:
    brain = akid.Brain.sequential(L.Dense(units=3, name="logits"), inputs="point", outputs="logits")
    kid = akid.Kid(
        brain=brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label"),
        train=None,
        sensors=akid.sensors(train=(POINTS.numpy(), LABELS.numpy()), fields=("point", "label")),
        backend="torch",
    )
    array, spec = np.ones((4, 2), np.float32), kid.graph.inputs["point"]
    tensor = kid.network._tensor(array, spec)
    assert tensor.data_ptr() == array.ctypes.data
    assert kid.network._tensor(array.astype(np.float64), spec).dtype == torch.float32
