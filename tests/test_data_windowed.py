"""Windowed: every row once, near its neighbours, in constant memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from akid_core.data.windowed import Windowed
from akid_core.plugins import default_manager

seeds = st.integers(0, 2**63 - 1)
epochs = st.integers(0, 10**6)
small = st.integers(1, 40)


def order(sampler: Windowed, size: int, seed: int = 0, epoch: int = 0) -> np.ndarray:
    return sampler.rows(np.arange(size), size=size, seed=seed, epoch=epoch)


@settings(deadline=None, max_examples=80)
@given(size=st.integers(1, 2000), block=small, blocks=small, seed=seeds, epoch=epochs)
@example(size=1, block=1, blocks=1, seed=0, epoch=0)
@example(size=7, block=8, blocks=2, seed=0, epoch=0)
@example(size=33, block=8, blocks=2, seed=0, epoch=0)
def test_every_row_once(size: int, block: int, blocks: int, seed: int, epoch: int) -> None:
    assert np.array_equal(np.sort(order(Windowed(block=block, blocks=blocks), size, seed, epoch)), np.arange(size))


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 10**12), seed=seeds, data=st.data())
def test_large_orders_stay_inside_and_never_repeat(size: int, seed: int, data: st.DataObject) -> None:
    positions = data.draw(st.lists(st.integers(0, size - 1), unique=True, max_size=30))
    rows = Windowed().rows(np.array(positions, dtype=np.int64), size=size, seed=seed, epoch=1).tolist()
    assert all(0 <= row < size for row in rows)
    assert len(set(rows)) == len(positions)


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 500), block=small, cut=st.integers(0, 500), seed=seeds)
def test_a_position_is_the_same_whatever_it_is_asked_with(size: int, block: int, cut: int, seed: int) -> None:
    sampler, positions = Windowed(block=block, blocks=3), np.arange(size)
    whole = order(sampler, size, seed)
    parts = [sampler.rows(part, size=size, seed=seed, epoch=0) for part in (positions[:cut], positions[cut:])]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(sampler.rows(positions[::-1], size=size, seed=seed, epoch=0), whole[::-1])


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 2000), block=small, blocks=small, seed=seeds, epoch=epochs)
def test_a_window_is_a_few_pieces_of_the_source(size: int, block: int, blocks: int, seed: int, epoch: int) -> None:
    rows = order(Windowed(block=block, blocks=blocks), size, seed, epoch)
    starts = range(0, max(1, size // block * block), block * blocks)
    for start, stop in zip(starts, [*starts[1:], size], strict=True):
        window = np.sort(rows[start:stop])
        pieces = 1 + np.count_nonzero(np.diff(window) > 1)
        assert pieces <= blocks + 2  # one more at the end of the ring of rows, one for what is left over


def test_epochs_and_seeds_cut_and_mix_anew() -> None:
    sampler = Windowed(block=10, blocks=4)
    orders = {order(sampler, 1003, seed, epoch).tobytes() for seed in range(8) for epoch in range(8)}
    assert len(orders) == 64
    first = np.concatenate(
        [sampler.rows(np.zeros(1, np.int64), size=1003, seed=5, epoch=epoch) for epoch in range(400)]
    )
    # the first row of an epoch is any row: a uniform one of 0 … 1002 has the mean 501 and the deviation 290
    assert abs(first.mean() - 501) < 4 * 290 / np.sqrt(400)
    assert len(np.unique(first // 10)) > 90  # of 101 tens; 400 throws leave about 2 of them out


def test_one_block_is_a_window_of_neighbours_and_many_mix_all() -> None:
    for window in order(Windowed(block=50, blocks=1), 500).reshape(10, 50):
        steps = np.diff(np.sort(window))
        assert np.count_nonzero(steps > 1) == 0 or steps.tolist().count(451) == 1  # one goes round the ring of 500
    mixed = order(Windowed(block=1, blocks=1000), 1000)
    # two different uniform rows: the mean absolute difference is (n + 1) / 3
    assert np.abs(np.diff(mixed)).mean() == pytest.approx(1001 / 3, rel=0.06)


def test_a_billion_rows_take_no_memory() -> None:
    size = 10**9 + 7
    sampler = Windowed()
    tracemalloc.start()
    rows = sampler.rows(np.arange(size - 1000, size), size=size, seed=3, epoch=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert len(np.unique(rows)) == 1000
    assert rows.max() - rows.min() > 10**8


def test_settings() -> None:
    assert default_manager().registry.get("sampler", "windowed") is Windowed
    with pytest.raises(ValueError, match="blocks must be at least 1, got 0"):
        Windowed(blocks=0)
