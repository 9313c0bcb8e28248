"""HeldOut: validation and test rows cut out of those to train on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from akid_core.data.combined.amount import Amount, amount, check_amount, check_enough
from akid_core.data.combined.mixed import InTurns
from akid_core.data.combined.parts import View, joint_fingerprint, of_split
from akid_core.data.permutation import Permutation
from akid_core.data.sampler import Sampler
from akid_core.data.source import Source, Split
from akid_core.errors import ConfigurationError
from akid_core.random import derive_word


@dataclass(frozen=True, kw_only=True)
class HeldOut(View):
    """A source with a validation or test split, or both, drawn at random from its rows to train on.

    `val`, `test`: a number of rows, or a fraction of them below 1; a split that is not cut out is the source's own.
    What is left is trained on, shuffled, whatever order the source would have its rows in. No row is in two splits, and
    which split a row is in depends on `seed` alone, not on that of a run.
    """

    val: Amount | None = None
    test: Amount | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.val is None and self.test is None:
            raise ValueError("say how much to hold out, such as val: 0.1")
        check_amount("val", self.val)
        check_amount("test", self.test)
        if self.source.sequential:
            raise ValueError(f"'{self.source.component()}' can only be read in its own order: nothing can be held out")

    def __len__(self) -> int:
        return len(self._own) if self._own is not None else len(self._parts[self.split])

    def fingerprint(self) -> str:
        cut = () if self._own is not None else (self.split, self.val, self.test, self.seed)
        return joint_fingerprint([self.seen], *cut)

    def order(self) -> Sampler | None:
        """Raises `ConfigurationError` where the source would mix its rows by weights."""
        if self._own is not None:
            return self._own.order()
        if isinstance(mixing := self.seen.order(), InTurns):
            mixing.bound(self)
        return None

    @cached_property
    def seen(self) -> Source:
        return of_split(self.source, "train") if self._own is None else self._own

    def places(self, indices: np.ndarray) -> np.ndarray:
        if self._own is not None:
            return indices
        shuffled = Permutation(len(self.seen), derive_word(self.seed, "held out"), 0)
        return shuffled(self._parts[self.split].start + indices)

    @cached_property
    def _own(self) -> Source | None:
        """The source's own split, where it is not cut out of another."""
        if self.split == "train":
            return None
        cut = self.val if self.split == "val" else self.test
        return of_split(self.source, self.split) if cut is None else None

    @cached_property
    def _parts(self) -> dict[Split, range]:
        """Where each split lies in the random order of the rows."""
        cuts: Mapping[Split, Amount | None] = {"val": self.val, "test": self.test}
        for split, wanted in cuts.items():
            if wanted is not None and (own := len(replace(self.source, split=split))):
                raise ConfigurationError(
                    f"{split}: {wanted} is to be held out of the source '{self.source.component()}', which has a split "
                    f"'{split}' of its own, of {own} rows; leave '{split}' out."
                )
        size = len(self.seen)
        val, test = (0 if wanted is None else amount(wanted, size) for wanted in (self.val, self.test))
        check_enough(self.seen, f"val: {self.val}, test: {self.test}", val + test, size)
        return {"val": range(val), "test": range(val, val + test), "train": range(val + test, size)}
