"""Sensor: a Source in an order, in batches, augmented, and read ahead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from akid_core.data.augmenter import Augmenter, Draws, augmenter_paths
from akid_core.data.batch import Batch, Span
from akid_core.data.prefetch import Prefetch, Reader
from akid_core.data.sampler import Sampler, Sequential
from akid_core.data.source import Source
from akid_core.errors import ConfigurationError, DataError
from akid_core.specs.tensor import TensorSpec

_ORDERED_AHEAD = 1 << 14
"""How many positions are put in order at once; small spans then cost a slice each."""

Fields = dict[str, np.ndarray]


class Sensor:
    """What a Kid perceives of one Source: batches as a pure function of their place.

    Step number `s` is batch number `s % steps_per_epoch` of epoch `s // steps_per_epoch`, whatever was read before, by
    whom, and in what portions. The last batch of an epoch may be short; `drop_last` leaves it out.
    """

    def __init__(
        self,
        source: Source,
        *,
        batch_size: int,
        seed: int = 0,
        sampler: Sampler | None = None,
        augment: tuple[Augmenter, ...] = (),
        drop_last: bool = False,
    ) -> None:
        """Raises `DataError` for a Source without rows, `ConfigurationError` where the settings do not fit it."""
        self.source = source
        self.batch_size = batch_size
        self.seed = seed
        self.sampler = Sequential() if sampler is None else sampler
        self.augment = augment
        self._size = len(source)
        self._whole, rest = divmod(self._size, batch_size)
        self.steps_per_epoch = self._whole + (rest > 0 and not drop_last)
        if not self._size:
            raise DataError(f"The '{source.split}' split of the source '{source.component()}' has no rows.")
        if not self.steps_per_epoch:
            raise ConfigurationError(
                f"An epoch of {self._size} rows has no batch of {batch_size} rows, and drop_last leaves out shorter "
                f"ones; take a batch_size of at most {self._size}."
            )
        self._promise = dict(source.spec)
        self.spec: Mapping[str, TensorSpec] = {
            name: spec for name, spec in self._promise.items() if name != Batch.WEIGHTS
        }
        """The fields of a batch; sample weights are not one of them."""
        self._paths = self._check_augmenters()
        self._ordered = (-1, 0, np.empty(0, np.int64))  # epoch, first position, rows: the last piece of order used

    def __len__(self) -> int:
        return self._size

    def uniform(self, step: int, count: int) -> int:
        """How many of the `count` steps from `step` on have batches of equal size within one epoch; at least 1."""
        index = step % self.steps_per_epoch
        return min(count, self._whole - index) if index < self._whole else 1

    def batch(self, epoch: int, index: int) -> Batch:
        """Batch number `index` of an epoch."""
        return self.span(epoch * self.steps_per_epoch + index, 1).batch(0)

    def span(self, step: int, count: int) -> Span:
        """The batches of `count` steps from `step` on, at most `uniform(step, count)`, read and augmented at once."""
        if not 0 < count <= self.uniform(step, count):
            raise ValueError(f"{count} steps from step {step} on do not have batches of equal size; see `uniform`")
        epoch, index = divmod(step, self.steps_per_epoch)
        start = index * self.batch_size
        stop = min(start + count * self.batch_size, self._size)
        positions = np.arange(start, stop, dtype=np.int64)
        try:
            rows = self._order(epoch, start, stop)
            fields, weights = self._read(rows)
            fields = self._augmented(fields, epoch, positions)
        except Exception as error:
            error.add_note(f"while reading positions {start} to {stop - 1} of epoch {epoch} (step {step})")
            raise
        lead = (count, (stop - start) // count)
        return Span(
            epoch=epoch,
            first_step=step,
            fields={name: values.reshape(lead + values.shape[1:]) for name, values in fields.items()},
            weights=weights.reshape(lead),
            positions=positions.reshape(lead),
            rows=rows.reshape(lead),
            full=lead[1] == self.batch_size,
        )

    def spans(self, plan: Iterable[tuple[int, int]]) -> Reader[Span]:
        """A reader of the span at each (step, count) of `plan`, in order; close it, best by `with`.

        A thread reads ahead where reading is more than a copy from memory: the Source is not in memory, or there are
        augmenters. `plan` is then consumed ahead too.
        """
        spans = (self.span(step, count) for step, count in plan)
        return Reader(spans) if self.source.in_memory and not self.augment else Prefetch(spans)

    def batches(self) -> Reader[Batch]:
        """A reader of all rows once, for evaluation: in the Source's order, not augmented, the last batch short."""
        batches = (self._plain(start) for start in range(0, self._size, self.batch_size))
        return Reader(batches) if self.source.in_memory else Prefetch(batches)

    def _plain(self, start: int) -> Batch:
        rows = np.arange(start, min(start + self.batch_size, self._size), dtype=np.int64)
        fields, weights = self._read(rows)
        return Batch(fields, weights, rows, rows)

    def _order(self, epoch: int, start: int, stop: int) -> np.ndarray:
        """The rows at positions `start` to `stop`."""
        known, first, rows = self._ordered
        if epoch != known or start < first or stop > first + len(rows):
            positions = np.arange(start, min(max(stop, start + _ORDERED_AHEAD), self._size), dtype=np.int64)
            first, rows = start, self.sampler.rows(positions, size=self._size, seed=self.seed, epoch=epoch)
            self._ordered = (epoch, first, rows)
        return rows[start - first : stop - first]

    def _read(self, rows: np.ndarray) -> tuple[Fields, np.ndarray]:
        """The fields and weights of `rows`, checked against what the Source says of itself."""
        given = self.source.rows(rows)
        for name, spec in self._promise.items():
            values = given.get(name)
            if values is None or len(values) != len(rows) or not _fits(values, spec):
                found = "nothing" if values is None else f"{values.dtype}{list(values.shape)}"
                raise DataError(
                    f"The source '{self.source.component()}' promises the field '{name}' as {spec}, but gave {found} "
                    f"for {len(rows)} rows."
                )
        fields = {name: given[name] for name in self.spec}
        if Batch.WEIGHTS in self._promise:
            weights = given[Batch.WEIGHTS].astype(np.float32)
            if not (np.isfinite(weights) & (weights >= 0)).all():
                raise DataError(
                    f"The source '{self.source.component()}' gave a sample weight of "
                    f"{weights[~(weights >= 0) | ~np.isfinite(weights)][0]}; a row counts 0 or more."
                )
            return fields, weights
        return fields, np.ones(len(rows), np.float32)

    def _augmented(self, fields: Fields, epoch: int, positions: np.ndarray) -> Fields:
        for path, augmenter in zip(self._paths, self.augment, strict=True):
            changed = augmenter.apply(fields, Draws(self.seed, path, epoch, positions))
            for name, values in changed.items():
                if name not in augmenter.fields:
                    raise DataError(
                        f"The augmenter '{path}' gave the field '{name}', which is not one of its `fields`."
                    )
                before = fields[name]
                if values.shape != before.shape or values.dtype != before.dtype:
                    raise DataError(
                        f"The augmenter '{path}' made {values.dtype}{list(values.shape)} of the field '{name}', which "
                        f"was {before.dtype}{list(before.shape)}; an augmenter keeps shapes and types."
                    )
            fields = {**fields, **changed}
        return fields

    def _check_augmenters(self) -> tuple[str, ...]:
        try:
            paths = augmenter_paths(self.augment)
            for augmenter in self.augment:
                augmenter.check(self.spec)
        except ValueError as error:
            raise ConfigurationError(
                f"The augmenters do not fit the source '{self.source.component()}': {error}."
            ) from error
        return paths


def _fits(values: np.ndarray, spec: TensorSpec) -> bool:
    """Whether an array has the type and, where they are not symbols, the sizes of its spec."""
    return (
        values.dtype == spec.dtype
        and values.ndim == spec.rank
        and all(size == said or isinstance(said, str) for size, said in zip(values.shape, spec.shape, strict=True))
    )
