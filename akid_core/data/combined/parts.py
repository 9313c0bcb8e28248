"""Parts: what sources that are made of other sources have in common."""

from __future__ import annotations

import hashlib
import json
import operator
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from akid_core.data.source import About, Source, Split
from akid_core.specs.tensor import TensorSpec


def of_split(source: Source, split: Split) -> Source:
    """The source for a split; itself where it is of that split, so that what it holds in memory is held once."""
    return source if source.split == split else replace(source, split=split)


def check_part(source: Source) -> None:
    """Raise `ValueError` for a source with a split of its own."""
    if source.split != "train":
        raise ValueError(f"leave out the split of '{source.component()}': it is that of the whole")


def name_in(source: Source, row: int, own: int) -> str:
    """What messages call a row that is the row `own` of a source."""
    return f"row {row} ({source.row_name(own)} of the split '{source.split}' of '{source.component()}')"


def joint_fingerprint(sources: Iterable[Source], *settings: object) -> str:
    """A digest of those of the sources and of plain settings; empty where one of the sources has none."""
    prints = [source.fingerprint() for source in sources]
    text = json.dumps([prints, settings], default=operator.index)  # settings may be integers of NumPy
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest() if all(prints) else ""


def joint_about(sources: Iterable[Source]) -> About:
    """What there is to know of several sources: under each heading what they say, each once."""
    said: dict[str, dict[str | tuple[str, ...], None]] = {}
    for source in sources:
        for heading, told in source.about().items():
            said.setdefault(heading, {})[told] = None
    return {heading: next(iter(told)) if len(told) == 1 else _joined(told) for heading, told in said.items()}


def _joined(told: Iterable[str | tuple[str, ...]]) -> str:
    return "; ".join(each if isinstance(each, str) else ", ".join(each) for each in told)


@dataclass(frozen=True, kw_only=True)
class View(Source):
    """A source whose rows are rows of another one, the `source`, in another order or not all of them."""

    source: Source

    def __post_init__(self) -> None:
        check_part(self.source)

    @cached_property
    @abstractmethod
    def seen(self) -> Source:
        """The source that rows are taken from, of the split that they are taken from."""

    @abstractmethod
    def places(self, indices: np.ndarray) -> np.ndarray:
        """Which of its rows stand at `indices` (n,) int64: (n,) int64."""

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return self.seen.spec

    def rows(self, indices: np.ndarray) -> Mapping[str, np.ndarray]:
        return self.seen.rows(self.places(indices))

    def field_rows(self, name: str, indices: np.ndarray) -> np.ndarray:
        return self.seen.field_rows(name, self.places(indices))

    def row_name(self, row: int) -> str:
        return name_in(self.seen, row, int(self.places(np.array([row]))[0]))

    @property
    def in_memory(self) -> bool:
        return self.seen.in_memory

    @property
    def sequential(self) -> bool:
        return self.seen.sequential

    @property
    def live_only(self) -> bool:
        return self.source.live_only

    def fetch(self) -> None:
        self.seen.fetch()

    def about(self) -> About:
        return self.source.about()
