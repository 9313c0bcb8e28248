"""Interleave: groups that take turns in fixed proportions, as evenly as can be, without a list of turns."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from functools import cached_property

import numpy as np


class Interleave:
    """Turns 0, 1, 2, … of groups with the integer `shares`: each run of sum(shares) turns has exactly so many of each.

    In between, too: among the first turns a group has its proportion of them to within 2, in any stretch to within 4.
    The groups are the leaves of a tree that joins the two smallest again and again (D. A. Huffman, "A method for the
    construction of minimum-redundancy codes", 1952); at each fork turns go left and right by rounding, which is off by
    at most 1/2. A branch is at most half of the one two forks above, so the errors on the way to a leaf stay below
    1/2 (1 + 1 + 1/2 + 1/2 + 1/4 + …) = 2. It costs memory and time by the number of groups alone.
    """

    def __init__(self, shares: Sequence[int] | np.ndarray) -> None:
        """`shares`: one or more for the groups, each 0 or more, at least one above 0; their sum below 2^63."""
        given = np.asarray(shares, dtype=np.int64)
        self.shares: np.ndarray = given // np.gcd.reduce(given)
        # From a sum of 2^31 on, the products of `__call__` need Python's integers, which take ten times as long.
        self._exact = np.dtype(np.int64 if sum(self.shares.tolist()) < 1 << 31 else object)

    def __call__(self, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whose turn it is at `turns` (n,) int64, and how many turns that group had before: (n,) int64 each."""
        shares, left, right, root = self._tree
        cycles, ranks = np.divmod(turns, shares[root])
        nodes = np.full(len(turns), root, np.int64)
        inside = np.arange(len(turns))
        while len(inside := inside[left[nodes[inside]] >= 0]):
            at, rank = nodes[inside], ranks[inside]
            total, part = shares[at], shares[left[at]].astype(self._exact, copy=False)
            lefts, lefts_after = ((turn * part + total // 2) // total for turn in (rank, rank + 1))
            goes_left = lefts_after > lefts
            ranks[inside] = np.where(goes_left, lefts, rank - lefts)
            nodes[inside] = np.where(goes_left, left[at], right[at])
        return nodes, cycles * shares[nodes] + ranks

    @cached_property
    def _tree(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """The share and the left and right branch (-1 at a leaf) of each node, the groups first; and the root."""
        shares, left, right = self.shares.tolist(), [-1] * len(self.shares), [-1] * len(self.shares)
        smallest = [(share, group) for group, share in enumerate(shares) if share]
        heapq.heapify(smallest)
        while len(smallest) > 1:
            (first, one), (second, other) = heapq.heappop(smallest), heapq.heappop(smallest)
            heapq.heappush(smallest, (first + second, len(shares)))
            shares.append(first + second)
            left.append(one)
            right.append(other)
        return np.array(shares), np.array(left), np.array(right), smallest[0][1]
