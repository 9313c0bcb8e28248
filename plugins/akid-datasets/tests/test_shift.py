"""Shift: whole pixels, zeros behind, the same for every batch."""

from __future__ import annotations

import numpy as np
import pytest

from akid_core.data import Draws, sensors
from akid_core.errors import ConfigurationError
from akid_datasets.augmenters.shift import Shift
from akid_datasets.sources.digits import Digits


class Fixed(Draws):
    """Draws that a test has chosen: `numbers[stream]`."""

    def __init__(self, *numbers: list[int]) -> None:
        self.numbers = numbers

    def integers(self, low: int, high: int, stream: int = 0) -> np.ndarray:
        values = np.array(self.numbers[stream])
        assert ((low <= values) & (values < high)).all()
        return values


IMAGE = np.array([[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("down", "right", "expected"),
    [
        (1, 1, [[1, 2], [3, 4]]),
        (0, 1, [[0, 0], [1, 2]]),
        (2, 1, [[3, 4], [0, 0]]),
        (1, 0, [[0, 1], [0, 3]]),
        (1, 2, [[2, 0], [4, 0]]),
        (0, 2, [[0, 0], [2, 0]]),
    ],
)
@pytest.mark.parametrize("shape", [(1, 2, 2), (1, 1, 2, 2), (1, 3, 1, 2, 2)])
def test_by_hand(down: int, right: int, expected: list[list[int]], shape: tuple[int, ...]) -> None:
    images = np.broadcast_to(IMAGE, shape).astype(np.float32)
    moved = Shift(pixels=1).apply({"image": images, "label": np.array([5])}, Fixed([down], [right]))
    assert list(moved) == ["image"]
    assert moved["image"].dtype == np.float32
    assert np.array_equal(moved["image"], np.broadcast_to(np.array(expected), shape))


def test_rows_move_by_themselves_and_fields_together() -> None:
    images = np.stack([IMAGE, 10 * IMAGE])
    moved = Shift(fields=("image", "mask")).apply({"image": images, "mask": images > 2}, Fixed([1, 2], [1, 0]))
    assert moved["image"].tolist() == [[[1, 2], [3, 4]], [[0, 30], [0, 0]]]
    assert moved["mask"].tolist() == [[[False, False], [True, True]], [[False, True], [False, False]]]
    assert images.tolist() == [[[1, 2], [3, 4]], [[10, 20], [30, 40]]]


def test_all_moves_are_equally_frequent() -> None:
    image = np.zeros((9000, 1, 3, 3))
    image[:, 0, 1, 1] = 1
    moved = Shift().apply({"image": image}, Draws(0, "shift", 0, np.arange(9000)))["image"]
    assert moved.sum(axis=0) == pytest.approx(np.full((1, 3, 3), 1000), rel=0.12)


def test_the_same_for_every_batch_size() -> None:
    def epoch(batch_size: int) -> np.ndarray:
        train = sensors(Digits(), batch_size=batch_size, augment=(Shift(pixels=2),)).sensor("train", 3, None)
        assert train is not None
        return np.concatenate([train.batch(1, index).fields["image"] for index in range(train.steps_per_epoch)])

    whole = epoch(1077)
    assert np.array_equal(epoch(32), whole)
    assert np.array_equal(epoch(100), whole)


def test_settings_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="pixels must be at least 1, got 0"):
        Shift(pixels=0)
    with pytest.raises(ConfigurationError, match=r"but 'label' is int64\[N\]"):
        sensors(Digits(), augment=(Shift(fields=("label",)),)).sensor("train", 0, None)
