"""Sensor: a Source in an order, in batches, augmented, and read ahead."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from akid_core.data.augmentation import Augmentation, check_alike
from akid_core.data.augmenter import Augmenter, Fields, evaluation_forms
from akid_core.data.batch import Batch, Span
from akid_core.data.grouped import Apart, grouped, made_together, steps_together
from akid_core.data.learnt import Learnt
from akid_core.data.prefetch import Prefetch, Reader
from akid_core.data.reading import Reading
from akid_core.data.rounds import Rounds
from akid_core.data.rows import Rows
from akid_core.data.sampler import Sampler, Sequential, sampler_for
from akid_core.data.source import Source
from akid_core.errors import ConfigurationError, DataError
from akid_core.specs.tensor import TensorSpec

_ORDERED_AHEAD = 1 << 14
"""How many positions are put in order at once; small spans then cost a slice each."""

I = TypeVar("I")  # noqa: E741
T = TypeVar("T")
Order = Callable[[np.ndarray], np.ndarray]
"""The rows at positions."""


class Sensor:
    """What a Kid perceives of one Source: batches as a pure function of their place.

    Step number `s` is batch number `s % steps_per_epoch` of epoch `s // steps_per_epoch`, whatever was read before, by
    whom, and in what portions. The last batch of an epoch may be short; `drop_last` leaves it out. Spans are made by
    the augmenters `augment`, batches for evaluation by `eval_augment`, which by default are their evaluation forms.
    """

    def __init__(
        self,
        source: Source,
        *,
        batch_size: int,
        seed: int = 0,
        sampler: Sampler | None = None,
        augment: tuple[Augmenter, ...] = (),
        eval_augment: tuple[Augmenter, ...] | None = None,
        drop_last: bool = False,
        reading: Reading | None = None,
        learnt: Learnt | None = None,
    ) -> None:
        """`learnt`: what is learnt from the Source, where Sensors of its other splits learn the same.

        Raises `DataError` for a Source without rows, `ConfigurationError` where the settings do not fit it.
        """
        self.source = source
        self.batch_size = batch_size
        self.seed = seed
        self.reading = Reading() if reading is None else reading
        self._rows = len(source)
        if not self._rows:
            raise DataError(f"The '{source.split}' split of the source '{source.component()}' has no rows.")
        self.sampler = sampler_for(source, Sequential() if sampler is None else sampler, batch_size)
        self._size = self.sampler.length(self._rows)
        self._whole, rest = divmod(self._size, batch_size)
        self.steps_per_epoch = self._whole + (rest > 0 and not drop_last)
        if not self.steps_per_epoch:
            raise ConfigurationError(
                f"An epoch of {self._size} rows has no batch of {batch_size} rows, and drop_last leaves out shorter "
                f"ones; take a batch_size of at most {self._size}."
            )
        self._read = Rows(source)
        learnt = Learnt() if learnt is None else learnt
        forms = evaluation_forms(augment) if eval_augment is None else eval_augment
        said = source.split == "train"  # other splits are given what was made of the settings
        place = "sensors.augment" if said else ""
        self.training = Augmentation(augment, source, self._read.spec, seed, learnt, place=place)
        place = "sensors.eval_augment" if said and eval_augment is not None else ""
        self.evaluation = Augmentation(forms, source, self._read.spec, seed, learnt, place=place)
        check_alike(self.training, self.evaluation)
        self.spec: Mapping[str, TensorSpec] = dict(self.training.spec)
        """The fields of a batch; sample weights are not one of them."""
        self._rounds: Rounds[Batch] | None = None
        self._ordered = (-1, 0, np.empty(0, np.int64))  # epoch, first position, rows: the last piece of order used

    def __len__(self) -> int:
        return self._size

    def uniform(self, step: int, count: int) -> int:
        """How many of the `count` steps from `step` on have batches of equal size within one epoch; at least 1."""
        index = step % self.steps_per_epoch
        return min(count, self._whole - index) if index < self._whole else 1

    def batch(self, epoch: int, index: int) -> Batch:
        """Batch number `index` of an epoch. Raises `IndexError` where there is none."""
        if epoch < 0 or not 0 <= index < self.steps_per_epoch:
            raise IndexError(
                f"there is no batch {index} of epoch {epoch}: epochs count from 0, and each has the batches 0 to "
                f"{self.steps_per_epoch - 1}"
            )
        return self._step(epoch * self.steps_per_epoch + index)

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

            def order(asked: np.ndarray) -> np.ndarray:
                if self.source.sequential and asked[0] < start:
                    raise ConfigurationError(
                        f"The augmenters mix rows with partners from batches before them, and the source "
                        f"'{self.source.component()}' would be read from its beginning for each, since it can only be "
                        f"read in its own order. Take a batch_size that their window divides."
                    )
                return rows if asked is positions else self._rows_at(asked, epoch)

            fields, weights = self._augmented(self.training, order, positions, epoch, self._size)
        except Exception as error:
            steps = f"step {step}" if count == 1 else f"steps {step} to {step + count - 1}"
            error.add_note(f"while reading {steps} (epoch {epoch}, positions {start} to {stop - 1})")
            raise
        lead = (count, (stop - start) // count)
        fields = {name: values.reshape(lead + values.shape[1:]) for name, values in fields.items()}
        return self._span(step, Batch(fields, weights.reshape(lead), positions.reshape(lead), rows.reshape(lead)))

    def _span(self, step: int, batches: Batch) -> Span:
        """The span whose first step is `step`; `batches` has the stacked arrays of all of them."""
        return Span(
            epoch=step // self.steps_per_epoch,
            first_step=step,
            fields=batches.fields,
            weights=batches.weights,
            positions=batches.positions,
            rows=batches.rows,
            full=batches.weights.shape[1] == self.batch_size,
        )

    def _step(self, step: int) -> Batch:
        return self.span(step, 1).batch(0)

    def spans(self, plan: Iterable[tuple[int, int]]) -> Reader[Span]:
        """A reader of the span at each (step, count) of `plan`, in order; close it, best by `with`.

        Where threads or processes read ahead, see `reading`, they consume `plan` ahead too.
        """
        self.training.prepare()
        if self.reading.processes:
            return self._by_processes(self._step, plan, self._span, "step")
        threads = self._threads(self.training)
        if threads and self.source.in_memory and not self.source.sequential:
            most = steps_together(self.spec, self.batch_size)
            groups = grouped(plan, lambda step, count: count <= most and self.uniform(step, count) == count)
            return Apart(self._by_threads(lambda group: made_together(group, self.span), groups, threads))
        return self._by_threads(lambda item: self.span(*item), plan, threads)

    def batches(self) -> Reader[Batch]:
        """A reader of all rows once, for evaluation: in the Source's order, the last batch short."""
        self.evaluation.prepare()
        if self._rounds is not None:
            return self._rounds.round()
        return self._evaluated(range(-(-self._rows // self.batch_size)))

    @contextmanager
    def again(self) -> Iterator[None]:
        """Inside, processes that make `batches` go on from one reader to the next: starting them may take seconds."""
        indices = range(-(-self._rows // self.batch_size))
        rounds = Rounds(lambda: self._evaluated(itertools.cycle(indices)), len(indices))
        self._rounds = rounds if self.reading.processes else None
        try:
            yield
        finally:
            self._rounds = None
            rounds.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_rounds": None}  # a process that makes batches has no use for others

    def _evaluated(self, indices: Iterable[int]) -> Reader[Batch]:
        if self.reading.processes:
            plan = ((index, 1) for index in indices)
            return self._by_processes(self.evaluation_batch, plan, self._only, "evaluation batch")
        return self._by_threads(self.evaluation_batch, indices, self._threads(self.evaluation))

    def _only(self, _: int, batches: Batch) -> Batch:
        return self._span(0, batches).batch(0)

    def _by_processes(
        self, make: Callable[[int], Batch], plan: Iterable[tuple[int, int]], join: Callable[[int, Batch], T], what: str
    ) -> Reader[T]:
        from akid_core.data.processes import Processes  # few programs need it, and all would wait for its imports

        return Processes(make, plan, join, self.reading, what=what)

    def _threads(self, augmentation: Augmentation) -> int:
        return self.reading.threads_for(
            in_memory=self.source.in_memory, one_by_one=self.source.sequential, copied=not augmentation.stages
        )

    def _by_threads(self, make: Callable[[I], T], items: Iterable[I], threads: int) -> Reader[T]:
        if threads:
            return Prefetch(make, items, threads=threads, ahead=self.reading.ahead)
        return Reader(make(item) for item in items)

    def evaluation_batch(self, index: int) -> Batch:
        """Batch number `index` of the rows in the Source's order, as they are for evaluation."""
        start = index * self.batch_size
        rows = np.arange(start, min(start + self.batch_size, self._rows), dtype=np.int64)
        try:
            fields, weights = self._augmented(self.evaluation, lambda asked: asked, rows, 0, self._rows)
        except Exception as error:
            error.add_note(f"while reading rows {start} to {start + len(rows) - 1} for evaluation")
            raise
        return Batch(fields, weights, rows, rows)

    def _order(self, epoch: int, start: int, stop: int) -> np.ndarray:
        """The rows at positions `start` to `stop`."""
        known, first, rows = self._ordered
        if epoch != known or start < first or stop > first + len(rows):
            positions = np.arange(start, min(max(stop, start + _ORDERED_AHEAD), self._size), dtype=np.int64)
            first, rows = start, self._rows_at(positions, epoch)
            self._ordered = (epoch, first, rows)
        return rows[start - first : stop - first]

    def _rows_at(self, positions: np.ndarray, epoch: int) -> np.ndarray:
        return self.sampler.rows(positions, size=self._rows, seed=self.seed, epoch=epoch)

    def _augmented(
        self, augmentation: Augmentation, order: Order, positions: np.ndarray, epoch: int, size: int
    ) -> tuple[Fields, np.ndarray]:
        """The fields and weights at `positions`, ascending; `order` gives the rows there, and at those of partners."""
        weights = np.empty(0, np.float32)

        def read(asked: np.ndarray) -> Fields:
            nonlocal weights
            fields, weights = self._read(order(asked))
            if asked is not positions:  # partners are among them
                weights = weights[np.searchsorted(asked, positions)]
            return fields

        return augmentation(read, positions, epoch, size), weights
