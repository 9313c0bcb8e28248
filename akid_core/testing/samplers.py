"""SamplerSuite: what every Sampler promises, as tests to subclass."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from dataclasses import FrozenInstanceError, replace
from typing import ClassVar

import numpy as np
import pytest

from akid_core.config import decode, dump_yaml, encode, load_yaml
from akid_core.data.arrays import ArraySource
from akid_core.data.sampler import Sampler
from akid_core.data.source import Source
from akid_core.plugins import default_manager

_SEED, _EPOCH = 7, 3


class SamplerSuite(ABC):
    """Subclass it under a name that starts with `Test`, and say what is tested::

    class TestBackwards(SamplerSuite):
        random = False

        def sampler(self) -> Sampler:
            return Backwards()
    """

    once: ClassVar[bool] = True
    """Whether an epoch has every row exactly once."""
    random: ClassVar[bool] = True
    """Whether epochs and seeds differ."""
    sizes: ClassVar[tuple[int, ...]] = (1, 2, 7, 100, 1000)
    """Numbers of rows that it is tried with."""

    @abstractmethod
    def sampler(self) -> Sampler:
        """The Sampler under test."""

    def source(self, size: int) -> Source:
        """A Source of `size` rows: `x`, their numbers; `label`, three classes; `weight`, which grows."""
        rows = np.arange(size)
        return ArraySource(data={"train": {"x": rows, "label": rows * rows % 7 % 3, "weight": rows + 1.0}})

    def test_positions_hold_rows(self) -> None:
        for size in self.sizes:
            rows = self._epoch(size)
            assert rows.dtype == np.int64, f"rows are {rows.dtype} instead of int64"
            assert rows.shape == (self._bound(size).length(size),), f"{rows.shape} for {size} rows"
            assert rows.size > 0, f"an epoch over {size} rows is empty"
            assert rows.min() >= 0, f"row {rows.min()} of {size}"
            assert rows.max() < size, f"row {rows.max()} of {size}"

    def test_every_row_once(self) -> None:
        if not self.once:
            pytest.skip("it does not promise that")
        for size in self.sizes:
            for epoch in range(3):
                counts = np.bincount(self._epoch(size, epoch=epoch), minlength=size)
                wrong = np.flatnonzero(counts != 1)
                assert not len(wrong), f"row {wrong[0]} of {size} comes {counts[wrong[0]]} times in epoch {epoch}"

    def test_a_position_does_not_depend_on_the_others(self) -> None:
        for size in self.sizes:
            whole = self._epoch(size)
            places = np.arange(len(whole))
            for chosen in (places[::-1], places[1::3], places[-1:], places[:0], np.concatenate([places, places[:2]])):
                rows = self._rows(size, chosen)
                assert np.array_equal(rows, whole[chosen]), f"other rows of {size} where other positions are asked for"

    def test_it_can_be_repeated(self) -> None:
        for size in self.sizes:
            first = self._epoch(size)
            self._epoch(size, epoch=_EPOCH + 1)
            assert np.array_equal(self._epoch(size), first), f"another order of {size} rows when asked again"

    def test_it_can_be_sent_to_a_process(self) -> None:
        size = self.sizes[-1]
        bound = self._bound(size)
        positions = np.arange(bound.length(size))
        bound.rows(positions, size=size, seed=_SEED, epoch=_EPOCH)
        sent = pickle.loads(pickle.dumps(bound))
        assert np.array_equal(sent.rows(positions, size=size, seed=_SEED, epoch=_EPOCH), self._epoch(size))

    def test_positions_stay(self) -> None:
        size = self.sizes[-1]
        positions = np.arange(self._bound(size).length(size))
        positions.flags.writeable = False
        self._rows(size, positions)

    def test_every_epoch_is_another(self) -> None:
        size = self.sizes[-1]
        first = self._epoch(size)
        for name, other in (
            ("epoch", self._epoch(size, epoch=_EPOCH + 1)),
            ("seed", self._epoch(size, seed=_SEED + 1)),
        ):
            same = np.array_equal(other, first)
            assert same != self.random, f"{'the same' if same else 'not the same'} with another {name}"

    def test_yaml_round_trip(self) -> None:
        registry = default_manager().registry
        text = dump_yaml({"sampler": encode(self.sampler(), registry)})
        assert decode("sampler", load_yaml(text)["sampler"], registry, "sampler") == self.sampler()

    def test_is_plain_data(self) -> None:
        sampler = self.sampler()
        assert replace(sampler) == sampler
        with pytest.raises(FrozenInstanceError):
            sampler.other = 1  # type: ignore[attr-defined]

    def _bound(self, size: int) -> Sampler:
        return self.sampler().bound(self.source(size))

    def _rows(self, size: int, positions: np.ndarray, seed: int = _SEED, epoch: int = _EPOCH) -> np.ndarray:
        return self._bound(size).rows(positions, size=size, seed=seed, epoch=epoch)

    def _epoch(self, size: int, seed: int = _SEED, epoch: int = _EPOCH) -> np.ndarray:
        return self._rows(size, np.arange(self._bound(size).length(size)), seed, epoch)
