"""Samplers that are broken on purpose; see `backends.py`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from akid_core.data.sampler import Sampler, Shuffled
from akid_core.testing.samplers import SamplerSuite

COUNTED: list[int] = []


@dataclass(frozen=True, kw_only=True)
class Broken(Shuffled):
    """Shuffles; `rule` is what it breaks."""

    rule: str = ""

    def length(self, size: int) -> int:
        return size + (self.rule == "too long")

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        if self.rule == "in place":
            positions %= size
        if self.rule == "own chance":
            return np.random.default_rng().permutation(size)[positions]
        if self.rule == "count":
            COUNTED.append(0)
            return (positions + len(COUNTED)) % size
        if self.rule == "batch":
            return np.sort(super().rows(positions, size=size, seed=seed, epoch=epoch))
        if self.rule == "twice":
            return super().rows(positions, size=size, seed=seed, epoch=epoch) // 2
        if self.rule == "outside":
            return super().rows(positions, size=size, seed=seed, epoch=epoch) + 1
        rows = super().rows(positions % size, size=size, seed=seed, epoch=0 if self.rule == "one epoch" else epoch)
        return rows.astype(np.int32) if self.rule == "type" else rows


class Sampling(SamplerSuite):
    rule = ""

    def sampler(self) -> Sampler:
        return Broken(rule=self.rule)

    @pytest.mark.skip("not a plugin")
    def test_yaml_round_trip(self) -> None: ...


class TestShuffled(Sampling):
    finds = ""


class TestWritesIntoPositions(Sampling):
    rule, finds = "in place", "test_positions_stay"


class TestOwnChance(Sampling):
    rule, finds = "own chance", "test_it_can_be_repeated"


class TestCountsItsCalls(Sampling):
    rule, finds = "count", "test_it_can_be_repeated"


class TestSortsWhatItGives(Sampling):
    rule, finds = "batch", "test_a_position_does_not_depend_on_the_others"


class TestTwice(Sampling):
    rule, finds = "twice", "test_every_row_once"


class TestLonger(Sampling):
    rule, finds = "too long", "test_every_row_once"


class TestOutside(Sampling):
    rule, finds = "outside", "test_positions_hold_rows"


class TestOtherType(Sampling):
    rule, finds = "type", "test_positions_hold_rows"


@dataclass(frozen=True, kw_only=True)
class Stays(Shuffled):
    """Cannot be pickled once it was bound."""

    def bound(self, source: object) -> Sampler:
        @dataclass(frozen=True, kw_only=True)
        class Here(Shuffled):
            pass

        return Here()


class TestCannotBeSent(Sampling):
    finds = "test_it_can_be_sent_to_a_process"

    def sampler(self) -> Sampler:
        return Stays()


class TestOneEpoch(Sampling):
    rule, finds = "one epoch", "test_every_epoch_is_another"


class TestPromisesNoChance(Sampling):
    random, finds = False, "test_every_epoch_is_another"


@dataclass(kw_only=True)  # which is what is wrong with it
class Open:
    """Not frozen."""

    def bound(self, source: object) -> Open:
        return self


class TestCanBeChanged(Sampling):
    finds = "test_is_plain_data"

    def sampler(self) -> Sampler:
        return Open()  # type: ignore[return-value]
