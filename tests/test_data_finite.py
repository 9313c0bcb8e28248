"""Numbers that are not finite are named by row before they reach a backend."""

from __future__ import annotations

import numpy as np
import pytest

import akid_core as akid
from akid_core.data import Sensor, Sequential
from akid_core.data.arrays import ArraySource
from akid_core.data.finite import first_not_finite
from akid_core.errors import DataError


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_first_row_is_found(dtype: str, wrong: float, order: str) -> None:
    values = np.array(np.arange(24).reshape(6, 2, 2), dtype, order=order)
    assert first_not_finite(values) is None
    values[3, 1, 0] = values[5, 0, 0] = wrong
    assert first_not_finite(values) == 3


def test_large_numbers_are_finite() -> None:
    assert first_not_finite(np.full((2, 3), 3e38, np.float32)) is None  # whose squares are not
    assert first_not_finite(np.full((2, 3), 6e4, np.float16)) is None
    assert first_not_finite(np.zeros((0, 3), np.float32)) is None
    assert first_not_finite(np.array([1, 2])) is None


def test_a_sensor_names_field_and_row() -> None:
    values = np.zeros((10, 3), np.float32)
    values[7, 1] = np.nan
    source = ArraySource(data={"train": {"x": values, "label": np.arange(10)}})
    sensor = Sensor(source, batch_size=4, sampler=Sequential())
    assert len(sensor.batch(0, 0)) == 4
    for read in (lambda: sensor.batch(0, 1), lambda: sensor.evaluation_batch(1)):
        with pytest.raises(DataError, match="not finite .* in the field 'x' of row 7"):
            read()


def test_a_masked_row_must_be_finite_too() -> None:
    values = np.zeros((4, 1), np.float32)
    values[2] = np.inf
    given = akid.sensors(train={"x": values, "sample_weight": np.array([1, 1, 0, 1])}, batch_size=4)
    sensor = Sensor(given.source, batch_size=4)
    with pytest.raises(DataError, match="of row 2"):
        sensor.batch(0, 0)
