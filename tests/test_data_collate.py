"""Rows of other libraries: one by one into fields, and sources that can only be read forwards."""

from __future__ import annotations

import threading
from collections import namedtuple
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.data import sensors
from akid_core.data.collate import channels_first, collated, row_fields, stacked
from akid_core.data.forward import Chunk, Forward
from akid_core.errors import DataError

Pair = namedtuple("Pair", "left right")


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (1, {"x": 1}),
        ((1, 2), {"x": 1, "y": 2}),
        ([1, 2, 3], {"x": 1, "y": 2, "sample_weight": 3}),
        ({"a": 1, "b": {"c": 2, "d": (3, 4)}}, {"a": 1, "b/c": 2, "b/d/0": 3, "b/d/1": 4}),
        (({"a": 1}, Pair(2, 3)), {"x/a": 1, "y/left": 2, "y/right": 3}),
        (Pair(1, {"z": 2}), {"left": 1, "right/z": 2}),
        ({"a": [1, 2]}, {"a": [1, 2]}),
    ],
)
def test_names(row: object, fields: dict[str, object]) -> None:
    assert row_fields(row, ("x", "y")) == fields


def test_two_values_of_one_name() -> None:
    with pytest.raises(DataError, match="Two values are called 'a/0'"):
        row_fields({"a": (1, 2), "a/0": 3}, ())
    with pytest.raises(DataError, match="Two values are called 'a/b'"):
        sensors(train={"a": {"b": np.ones(5)}, "a/b": np.zeros(5)})


def test_types() -> None:
    row = {
        "whole": 1,
        "number": 1.5,
        "truth": True,
        "list": [1.0, 2.0],
        "byte": np.uint8(3),
        "array": np.zeros(2),
        "swapped": np.arange(2, dtype=">i2"),
    }
    fields = collated([row, row], (), range(2))
    assert {name: (values.dtype.str, values.shape) for name, values in fields.items()} == {
        "whole": ("<i8", (2,)),
        "number": ("<f4", (2,)),
        "truth": ("|b1", (2,)),
        "list": ("<f4", (2, 2)),
        "byte": ("<i8", (2,)),
        "array": ("<f8", (2, 2)),
        "swapped": ("<i2", (2, 2)),
    }
    assert fields["swapped"].tolist() == [[0, 1], [0, 1]]


def test_rows_that_are_stacked_already() -> None:
    fields = stacked((np.zeros((3, 2), np.float32), np.arange(3, dtype=np.uint8)), ("x", "y"), 10)
    assert (fields["x"].shape, fields["y"].dtype) == ((3, 2), np.int64)
    with pytest.raises(DataError, match="The field 'x' of row 10 is a ndarray of object"):
        stacked(np.array([None, {}]), ("x",), 10)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0], [[0]]], r"The field 'x' of row 8 is int64\[1\], but of row 7 it is int64\[\]"),
        ([{"x": [1, [2]]}], "The field 'x' of row 7 is not one array"),
        ([{"x": b"abc"}], "The field 'x' of row 7 is the text b'abc', and only numbers"),
        ([{"x": None}], r"The field 'x' of row 7 is missing \(None\)"),
        ([{"x": 1}, {"y": 1}], "Row 8 has the fields 'y', but row 7 has 'x'"),
        (
            [{"x": np.uint64(2**63 - 1)}, {"x": np.uint64(2**63)}],
            "field 'x' holds the number 9223372036854775808, but",
        ),
        ([{"sample_weight": [1, 2]}], "give one weight for each row"),
    ],
)
def test_rows_that_do_not_fit(rows: list[object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        collated(rows, ("x",), range(7, 7 + len(rows)))


def test_channels_first() -> None:
    assert channels_first(np.zeros((2, 3))).shape == (1, 2, 3)
    assert channels_first(np.zeros((5, 2, 3)), 1).shape == (5, 1, 2, 3)
    assert channels_first(np.arange(12).reshape(1, 2, 2, 3), 1)[0, 2].tolist() == [[2, 5], [8, 11]]


def counted(size: int, chunk: int, begun: list[int]) -> Forward:
    """The numbers below `size` in chunks; `begun` keeps from where it was read."""

    def begin(skip: int) -> Iterator[Chunk]:
        begun.append(skip)
        for start in range(skip, size, chunk):
            yield {"x": np.arange(start, min(start + chunk, size))}

    return Forward(begin)


@settings(deadline=None, max_examples=60)
@given(
    size=st.integers(1, 40),
    chunk=st.integers(1, 9),
    data=st.data(),
)
def test_any_rows_in_any_order(size: int, chunk: int, data: st.DataObject) -> None:
    forward = counted(size, chunk, [])
    for _ in range(3):
        asked = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=12)))
        assert np.array_equal(forward.rows(asked)["x"], asked)


def test_reading_forwards_begins_once() -> None:
    begun: list[int] = []
    forward = counted(100, 7, begun)
    for start in range(10, 100, 5):
        forward.rows(np.arange(start, start + 5))
    assert begun == [10]
    forward.rows(np.array([3]))
    assert begun == [10, 3]


def test_rows_beyond_the_end() -> None:
    forward = counted(10, 4, [])
    with pytest.raises(DataError, match="Row 10 was asked for, and the data end before it"):
        forward.rows(np.array([9, 10]))
    assert forward.rows(np.array([9]))["x"].tolist() == [9]


def test_an_error_in_the_middle_is_no_end() -> None:
    broken = [True]

    def begin(skip: int) -> Iterator[Chunk]:
        for row in range(skip, 10):
            if row == 5 and broken.pop():
                broken.append(False)
                raise OSError("the line is down")
            yield {"x": np.array([row])}

    forward = Forward(begin)
    with pytest.raises(OSError, match="the line is down"):
        forward.rows(np.arange(4, 7))
    assert forward.rows(np.arange(4, 7))["x"].tolist() == [4, 5, 6]


def test_threads_take_turns() -> None:
    forward = counted(1000, 7, [])
    found: dict[int, list[int]] = {}

    def read(start: int) -> None:
        found[start] = forward.rows(np.arange(start, start + 10))["x"].tolist()

    threads = [threading.Thread(target=read, args=(start,)) for start in range(0, 1000, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {start: list(range(start, start + 10)) for start in range(0, 1000, 50)}
