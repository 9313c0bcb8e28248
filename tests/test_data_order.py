"""The order of an epoch: permutations and samplers."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.data import Sampler, Sequential, Shuffled
from akid_core.data.interleave import Interleave
from akid_core.data.permutation import Permutation, Permutations
from akid_core.random import derive_key, derive_word, host_bits
from akid_core.testing.samplers import SamplerSuite

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


class TestShuffled(SamplerSuite):
    def sampler(self) -> Sampler:
        return Shuffled()


class TestSequential(SamplerSuite):
    random = False

    def sampler(self) -> Sampler:
        return Sequential()


def by_hand(place: int, size: int, seed: int, epoch: int, rounds: int | None = None, tweak: int = 0) -> int:
    """The definition in Python's integers, one place at a time: what the order of a stored run must remain."""
    low_radix = next(radix for radix in range(1, size + 1) if radix * radix >= size)
    high_radix = (size + low_radix - 1) // low_radix
    radices = [high_radix, low_radix]
    high, low = divmod(place, low_radix)
    for number in range(rounds or (12 if size < 100 else 6)):
        first, second = derive_key(seed, "order", epoch, number)
        word = (low + first % 2**32 * 2**32 + second % 2**32 + tweak) * 0x9E3779B97F4A7C15 % 2**64
        word = (word ^ word // 2**32) * 0xBF58476D1CE4E5B9 % 2**64
        high = (high + word // 2**32 * radices[0] // 2**32) % radices[0]
        high, low, radices = low, high, radices[::-1]
    place = high * low_radix + low
    return place if place < size else by_hand(place, size, seed, epoch, rounds, tweak)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 99, 100, 1077, 10**6 + 3])
def test_the_order_is_its_definition(size: int) -> None:
    positions = np.arange(min(size, 200))
    expected = [by_hand(int(position), size, 7, 5) for position in positions]
    assert Permutation(size, 7, 5)(positions).tolist() == expected


def test_a_word_is_the_bits_of_its_key() -> None:
    first, second = derive_key(7, "order", 5)
    assert derive_word(7, "order", 5) == first % 2**32 * 2**32 + second % 2**32


# -- orders of many groups


@settings(deadline=None, max_examples=50)
@given(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=20), seed=seeds, epoch=epochs)
def test_every_row_of_every_group_once(sizes: list[int], seed: int, epoch: int) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    places = np.concatenate([np.arange(size) for size in sizes])
    rows = Permutations(np.array(sizes), seed, epoch)(groups, places)
    for group, size in enumerate(sizes):
        assert np.array_equal(np.sort(rows[groups == group]), np.arange(size))
    some = slice(1, None, 3)
    assert np.array_equal(Permutations(np.array(sizes), seed, epoch)(groups[some], places[some]), rows[some])


def test_the_orders_of_groups_are_their_definition() -> None:
    sizes, groups = np.array([1, 5, 0, 130, 2000]), np.array([0, 1, 1, 3, 3, 4, 4, 4])
    places = np.array([0, 0, 4, 0, 129, 0, 1000, 1999])
    key = derive_key(7, "order of groups", 5)
    expected = [
        by_hand(place, int(sizes[group]), 7, 5, rounds=12, tweak=high * 2**32 + low)
        for group, place in zip(groups, places.tolist(), strict=True)
        for high, low in [(int(host_bits(key, group, 0)[0]), int(host_bits(key, group, 1)[0]))]
    ]
    assert Permutations(sizes, 7, 5)(groups, places).tolist() == expected


def test_orders_of_two_groups_are_equally_frequent_and_independent() -> None:
    counts: dict[tuple[int, ...], int] = {}
    groups, places = np.repeat([0, 1], 3), np.tile(np.arange(3), 2)
    for seed in range(1800):
        order = tuple(Permutations(np.array([3, 3]), seed, 0)(groups, places).tolist())
        counts[order] = counts.get(order, 0) + 1
    # 36 pairs of orders, 50 expected of each: chi-square with 35 degrees of freedom is below 66.6 in 99.9 % of cases
    assert len(counts) == 36
    assert sum((count - 50) ** 2 / 50 for count in counts.values()) < 66.6


# -- taking turns


@pytest.mark.parametrize(
    ("shares", "turns"),
    [
        ([1], [0, 0, 0]),
        ([5, 5], [0, 1, 0, 1, 0, 1]),
        ([3, 1], [0, 1, 0, 0, 0, 1, 0, 0]),  # the second where its share first comes to 1/2
        ([2, 1, 1], [0, 1, 0, 2, 0, 1, 0, 2]),
        ([0, 4, 0], [1, 1, 1]),
    ],
)
def test_turns(shares: list[int], turns: list[int]) -> None:
    assert Interleave(shares)(np.arange(len(turns)))[0].tolist() == turns


shares_of_groups = st.lists(st.one_of(st.integers(0, 3), st.integers(0, 400)), min_size=1, max_size=30).filter(any)


@settings(deadline=None, max_examples=100)
@given(shares=shares_of_groups, begin=st.integers(0, 10**12))
def test_turns_keep_the_proportions(shares: list[int], begin: int) -> None:
    interleave, total = Interleave(shares), sum(shares)
    groups, counts = interleave(np.arange(total))
    taken = (groups[:, np.newaxis] == np.arange(len(shares))).cumsum(axis=0)
    assert taken[-1].tolist() == shares
    assert np.array_equal(counts, taken[np.arange(total), groups] - 1)
    due = np.arange(1, total + 1)[:, np.newaxis] * np.array(shares) / total
    assert np.abs(taken - due).max() < 2
    later, later_counts = interleave(np.arange(begin * total, begin * total + min(total, 50)))
    assert np.array_equal(later, groups[:50])
    assert np.array_equal(later_counts, counts[:50] + begin * np.array(shares)[later])


@pytest.mark.parametrize(
    "shares", [(3_000_000_007, 5_000_000_009), (2**30, 2**30 - 1), (2**30, 2**30 + 1), (2**61 + 1, 2**61, 2**60 - 5)]
)
def test_turns_of_groups_of_any_size(shares: tuple[int, ...]) -> None:
    interleave, total = Interleave(shares), sum(shares)
    seen = np.full(len(shares), -1)
    for begin in (0, total // 2 - 20, total - 40):
        groups, counts = interleave(np.arange(begin, begin + 40))
        for turn, group, count in zip(range(begin, begin + 40), groups.tolist(), counts.tolist(), strict=True):
            assert abs(count - Fraction(turn * shares[group], total)) < 2
            assert seen[group] in (count - 1, -1)
            seen[group] = count
        last, seen = seen, np.full(len(shares), -1)
    assert last.tolist() == [share - 1 for share in shares]
