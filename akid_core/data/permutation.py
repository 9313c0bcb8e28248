"""Permutation: the order of an epoch as a function, not as a list.

A Feistel network (M. Luby, C. Rackoff, "How to construct pseudorandom permutations from pseudorandom functions", 1988)
over pairs of digits in mixed radix, with cycle walking (J. Black, P. Rogaway, "Ciphers with arbitrary finite domains",
2002). Any row of any epoch is found in constant memory, so an epoch of 10^9 rows costs no more than one of 10^3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from akid_core.random import derive_key

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
    def _radices(self) -> tuple[int, int]:
        """The numbers of values of the high and the low digit; their product is `size` or little more."""
        low = math.isqrt(self.size - 1) + 1 if self.size > 1 else 1
        return -(-self.size // low), low

    @cached_property
    def _keys(self) -> tuple[np.uint64, ...]:
        rounds = ROUNDS if self.size >= FEW else ROUNDS_OF_FEW
        words = (derive_key(self.seed, "order", self.epoch, number) for number in range(rounds))
        return tuple(np.uint64((first << 32 | second & 0xFFFFFFFF) % 2**64) for first, second in words)

    def _encrypt(self, places: np.ndarray) -> np.ndarray:
        """One pass of the network over uint64 places in [0, product of the radices)."""
        radix, other = (np.uint64(value) for value in self._radices)
        high = places // other
        low = places - high * other
        for key in self._keys:
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
