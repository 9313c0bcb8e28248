"""Collection: the rows of many shards, one after another, as the bytes of their members."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from akid_core.errors import DataError
from akid_datasets.shards.files import Shard, find, for_each, read
from akid_datasets.shards.index import index
from akid_datasets.shards.member import Member
from akid_datasets.shards.tar import BLOCK, member_name


class Encoded(NamedTuple):
    """The member that a field of a row is made of. `place`: which of the rows asked for; `at`: its shard and byte."""

    place: int
    row: int
    field: str
    ending: str
    data: bytes
    at: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Collection:
    """The shards of a split, in order; `starts` (shards + 1,) int64: the first row of each, and how many there are.

    `digest`: of what lies in them, as `Index` says, wherever they lie.
    """

    split: str
    shards: Sequence[Shard]
    starts: np.ndarray
    digest: str

    @classmethod
    def of(cls, patterns: tuple[str, ...], split: str) -> Self:
        """Find the shards, and where their rows lie. Raises `DataError` for what is missing or not sound."""
        shards = find(patterns, split)
        found = for_each(
            lambda shard: (len(index(shard).rows), index(shard).digest),
            shards,
            at_once=any(shard.remote for shard in shards),
        )
        starts = np.cumsum([0, *(rows for rows, _ in found)], dtype=np.int64)
        digest = hashlib.blake2b(b"".join(digest for _, digest in found), digest_size=16)
        return cls(split, shards, starts, digest.hexdigest())

    def __len__(self) -> int:
        return int(self.starts[-1])

    def read(self, rows: np.ndarray, members: Mapping[str, Member], cache: int) -> Iterator[Encoded]:
        """The members of `rows` (n,) int64, row by row in the order in which they lie; each shard is read forwards.

        `members`: by field, which member it is made of. `cache`: as for `files.read`.
        """
        order = np.argsort(rows, kind="stable")
        numbers = np.searchsorted(self.starts, rows[order], side="right") - 1
        for number in np.unique(numbers).tolist():
            places = order[numbers == number]
            pieces, endings = self._located(number, rows[places], members, cache)
            data = iter(read(self.shards[number], pieces.reshape(-1, 2), cache))
            for place, offsets, kinds in zip(places.tolist(), pieces[..., 0].tolist(), endings.tolist(), strict=True):
                for (field, member), offset, kind in zip(members.items(), offsets, kinds, strict=True):
                    ending = member.endings[kind]
                    yield Encoded(place, int(rows[place]), field, ending, next(data), (number, offset))

    def wrong(self, row: int, at: tuple[int, int], reason: object, cache: int) -> DataError:
        """The error for a row, naming the member whose content begins `at` a byte of a shard."""
        shard, offset = self.shards[at[0]], at[1]
        [header] = read(shard, np.array([[offset - BLOCK, BLOCK]]), cache)
        return DataError(
            f"In the shard {shard.url}, the member '{member_name(header)}' (row {row} of the split '{self.split}') "
            f"{reason}."
        )

    def _located(
        self, number: int, rows: np.ndarray, members: Mapping[str, Member], cache: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the members of rows lie in a shard: (rows, members, 2) int64, the first byte and the size.

        And by which of its endings each was found, (rows, members). Raises `DataError` where a row has none.
        """
        table = index(self.shards[number]).rows[rows - self.starts[number]]
        pieces = np.zeros((len(rows), len(members), 2), np.int64)
        endings = np.zeros(pieces.shape[:2], np.int64)
        for column, member in enumerate(members.values()):
            for kind, ending in enumerate(member.endings):
                if ending in table.dtype.names:
                    new = (pieces[:, column, 0] == 0) & (table[ending][:, 0] > 0)
                    pieces[new, column], endings[new, column] = table[ending][new], kind
        for place, column in np.argwhere(pieces[..., 0] == 0).tolist():
            first = min(table[ending][place, 0] for ending in table.dtype.names if table[ending][place, 0])
            field, member = list(members.items())[column]
            reason = f"has no neighbour that ends on '.{member.ending}', of which the field '{field}' is made"
            raise self.wrong(int(rows[place]), (number, int(first)), reason, cache)
        return pieces, endings
