"""The order of an epoch: permutations and samplers."""

from __future__ import annotations

import tracemalloc
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.data import Sequential, Shuffled
from akid_core.data.permutation import Permutation
from akid_core.random import derive_key

seeds = st.integers(0, 2**63 - 1)
epochs = st.integers(0, 10**6)


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 3000), seed=seeds, epoch=epochs)
def test_every_row_once(size: int, seed: int, epoch: int) -> None:
    rows = Permutation(size, seed, epoch)(np.arange(size))
    assert np.array_equal(np.sort(rows), np.arange(size))


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 2**60), seed=seeds, epoch=epochs, data=st.data())
def test_large_orders_stay_inside_and_never_repeat(size: int, seed: int, epoch: int, data: st.DataObject) -> None:
    positions = data.draw(st.lists(st.integers(0, size - 1), unique=True, max_size=50))
    rows = Permutation(size, seed, epoch)(np.array(positions, dtype=np.int64)).tolist()
    assert all(0 <= row < size for row in rows)
    assert len(set(rows)) == len(positions)


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 500), seed=seeds, cut=st.integers(0, 500))
def test_a_position_is_the_same_whatever_it_is_asked_with(size: int, seed: int, cut: int) -> None:
    permutation, positions = Permutation(size, seed, 3), np.arange(size)
    parts = np.concatenate([permutation(positions[:cut]), permutation(positions[cut:])])
    assert np.array_equal(parts, permutation(positions))
    assert np.array_equal(permutation(positions[::-1]), parts[::-1])
    assert np.array_equal(permutation(positions.reshape(1, -1)), parts.reshape(1, -1))


def test_seeds_and_epochs_give_other_orders() -> None:
    positions = np.arange(1000)
    orders = {Permutation(1000, seed, epoch)(positions).tobytes() for seed in range(10) for epoch in range(10)}
    assert len(orders) == 100


def test_all_orders_of_four_rows_are_equally_frequent() -> None:
    counts = dict.fromkeys(permutations(range(4)), 0)
    for seed in range(2400):
        counts[tuple(Permutation(4, seed, 0)(np.arange(4)).tolist())] += 1
    # 24 orders, 100 expected of each: chi-square with 23 degrees of freedom is below 49.7 in 99.9 % of cases
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 49.7


@pytest.mark.parametrize("size", [100, 1077])
def test_neighbours_are_no_neighbours_afterwards(size: int) -> None:
    steps = np.concatenate([np.diff(Permutation(size, seed, 0)(np.arange(size))) for seed in range(50)])
    # two different uniform rows: the mean absolute difference is (n + 1) / 3, and one pair in n/2 are neighbours
    assert np.abs(steps).mean() == pytest.approx((size + 1) / 3, rel=0.02)
    assert (np.abs(steps) == 1).mean() == pytest.approx(2 / size, rel=0.25)


def test_a_billion_rows_take_no_memory() -> None:
    permutation = Permutation(10**9, 0, 0)
    tracemalloc.start()
    rows = permutation(np.arange(10**9 - 1000, 10**9))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert len(np.unique(rows)) == 1000
    assert rows.max() - rows.min() > 9 * 10**8


def test_samplers() -> None:
    positions = np.arange(100)
    order = Shuffled().rows(positions, size=100, seed=1, epoch=2)
    assert np.array_equal(order, Permutation(100, 1, 2)(positions))
    assert not np.array_equal(order, positions)
    assert np.array_equal(Sequential().rows(positions, size=100, seed=1, epoch=2), positions)
    assert (Shuffled.component(), Sequential.component()) == ("shuffled", "sequential")


def by_hand(place: int, size: int, seed: int, epoch: int) -> int:
    """The definition in Python's integers, one place at a time: what the order of a stored run must remain."""
    low_radix = next(radix for radix in range(1, size + 1) if radix * radix >= size)
    high_radix = (size + low_radix - 1) // low_radix
    radices = [high_radix, low_radix]
    high, low = divmod(place, low_radix)
    for number in range(12 if size < 100 else 6):
        first, second = derive_key(seed, "order", epoch, number)
        word = (low + first % 2**32 * 2**32 + second % 2**32) * 0x9E3779B97F4A7C15 % 2**64
        word = (word ^ word // 2**32) * 0xBF58476D1CE4E5B9 % 2**64
        high = (high + word // 2**32 * radices[0] // 2**32) % radices[0]
        high, low, radices = low, high, radices[::-1]
    place = high * low_radix + low
    return place if place < size else by_hand(place, size, seed, epoch)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 99, 100, 1077, 10**6 + 3])
def test_the_order_is_its_definition(size: int) -> None:
    positions = np.arange(min(size, 200))
    expected = [by_hand(int(position), size, 7, 5) for position in positions]
    assert Permutation(size, 7, 5)(positions).tolist() == expected
