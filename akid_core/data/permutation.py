"""Permutation: the order of an epoch as a function, not as a list.

A Feistel network (M. Luby, C. Rackoff, "How to construct pseudorandom permutations from pseudorandom functions", 1988)
over pairs of digits in mixed radix, with cycle walking (J. Black, P. Rogaway, "Ciphers with arbitrary finite domains",
2002). Any row of any epoch is found in constant memory, so an epoch of 10^9 rows costs no more than one of 10^3.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from akid_core.random import derive_key, derive_word, host_bits

ROUNDS, ROUNDS_OF_FEW, FEW = 6, 12, 100
"""Four rounds suffice for many rows in theory; below 100 rows it takes 12 until all orders are equally frequent."""

# Odd multipliers of the splitmix64 generator (S. Vigna, public domain): a product by each mixes a counter's bits.
_FIRST, _SECOND, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(32)


@dataclass(frozen=True)
class Permutation:
    """A random-looking order of `range(size)` that depends on (seed, epoch) alone; `size` up to 2^60."""

    size: int
    seed: int
    epoch: int

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """The element at each of `positions`, integers in [0, size) of any shape: int64 of the same shape."""
        shape = np.shape(positions)
        places = self._encrypt(np.asarray(positions, dtype=np.uint64).reshape(-1))
        # The pairs cover slightly more than `range(size)`: whoever lands outside walks on until it is inside again.
        outside = np.flatnonzero(places >= self.size)
        while len(outside):
            places[outside] = self._encrypt(places[outside])
            outside = outside[places[outside] >= self.size]
        return places.astype(np.int64).reshape(shape)

    @cached_property
    def _radices(self) -> tuple[np.uint64, np.uint64]:
        """The numbers of values of the high and the low digit; their product is `size` or little more."""
        low = math.isqrt(self.size - 1) + 1 if self.size > 1 else 1
        return np.uint64(-(-self.size // low)), np.uint64(low)

    @cached_property
    def _keys(self) -> tuple[np.uint64, ...]:
        return _round_keys(ROUNDS if self.size >= FEW else ROUNDS_OF_FEW, self.seed, self.epoch)

    def _encrypt(self, places: np.ndarray) -> np.ndarray:
        return _network(places, self._radices, self._keys)


@dataclass(frozen=True, eq=False)
class Permutations:
    """An order of `range(size)` for each of many groups, `sizes` (groups,); each depends on (seed, epoch, group)."""

    sizes: np.ndarray
    seed: int
    epoch: int

    def __call__(self, groups: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """The element at `positions` (n,) of the orders of `groups` (n,): (n,) int64."""
        sizes = self.sizes[groups].astype(np.uint64)
        low = np.maximum(np.ceil(np.sqrt(sizes)), 1).astype(np.uint64)
        radices = -(-self.sizes[groups] // low.astype(np.int64)).astype(np.uint64), low
        places = positions.astype(np.uint64)
        tweaks = self._tweaks(groups)
        outside = np.arange(len(places))
        while len(outside):
            keys = (key + tweaks[outside] for key in self._keys)
            places[outside] = _network(places[outside], tuple(radix[outside] for radix in radices), keys)
            outside = outside[places[outside] >= sizes[outside]]
        return places.astype(np.int64)

    @cached_property
    def _keys(self) -> tuple[np.uint64, ...]:
        return _round_keys(ROUNDS_OF_FEW, self.seed, self.epoch)

    def _tweaks(self, groups: np.ndarray) -> np.ndarray:
        """A random word for each of `groups`, uint64: it makes the keys of one group unlike those of another."""
        key = derive_key(self.seed, "order of groups", self.epoch)
        high, low = (host_bits(key, groups, stream).astype(np.uint64) for stream in (0, 1))
        words: np.ndarray = high << _HALF | low
        return words


def _round_keys(rounds: int, seed: int, epoch: int) -> tuple[np.uint64, ...]:
    return tuple(np.uint64(derive_word(seed, "order", epoch, number)) for number in range(rounds))


def _network(places: np.ndarray, radices: tuple[Any, Any], keys: Iterable[Any]) -> np.ndarray:
    """One pass of the network over uint64 `places` in [0, product of the radices); radices and keys may be (n,) too."""
    radix, other = radices
    high: np.ndarray = places // other
    low: np.ndarray = places - high * other
    for key in keys:
        # add to one digit, modulo its radix, a number drawn for the other digit; then they change sides
        words = low + key
        words *= _FIRST
        words ^= words >> _HALF
        words *= _SECOND
        words >>= _HALF
        words *= radix
        words >>= _HALF
        high += words
        np.minimum(high, high - radix, out=high)  # below zero wraps to the far end, so the minimum is the remainder
        high, low, radix, other = low, high, other, radix
    high *= other
    high += low
    return high
