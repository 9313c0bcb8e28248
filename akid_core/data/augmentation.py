"""Augmentation: a chain of augmenters at work on the rows of one Sensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from akid_core.data.augmenter import Augmenter, Fields, Fitted, Mixer, Specs, evaluation_forms, taken_apart
from akid_core.data.draws import Draws, Words
from akid_core.data.learnt import Before, Learnt
from akid_core.data.source import Source
from akid_core.errors import ConfigurationError, DataError
from akid_core.specs.tensor import TensorSpec

_ROWS = 1024
"""How many rows to learn from are read at once."""

Read = Callable[[np.ndarray], Fields]
"""Gives the fields at positions (n,), each (n, …)."""


@dataclass(frozen=True)
class Stage:
    """One augmenter of a chain: `spec` are the fields after it."""

    path: str
    augmenter: Augmenter
    spec: Specs


class Augmentation:
    """What augmenters make of a Source's rows; `stages` are they, those of nested chains in a row.

    `before`, `spec`: the fields before and afterwards. `learnt`: what is learnt from the source. `partly`: fields may
    be missing, and what is about none of those that are there is left out. `place`: which setting `augment` is, for
    messages. Raises `ConfigurationError` where an augmenter does not fit the fields that it is given.
    """

    def __init__(
        self,
        augment: Sequence[Augmenter],
        source: Source,
        spec: Specs,
        seed: int,
        learnt: Learnt | None = None,
        *,
        partly: bool = False,
        place: str = "",
    ) -> None:
        self._source, self.before, self._seed = source, spec, seed
        self._learnt = Learnt() if learnt is None else learnt
        try:
            self.stages = tuple(_staged(augment, spec, partly, place, f"the source '{source.component()}'"))
        except ValueError as error:
            raise ConfigurationError(
                f"The augmenters do not fit the source '{source.component()}': {error}."
            ) from error
        self.spec = self.stages[-1].spec if self.stages else spec
        self._states: dict[str, Fields] = {}

    def prepare(self) -> None:
        """Fit what must be fitted, or read what was learnt before; else it is done at first use."""
        for number, stage in enumerate(self.stages):
            if isinstance(stage.augmenter, Fitted):
                self._state(number)

    def __call__(self, read: Read, positions: np.ndarray, epoch: int, size: int) -> Fields:
        """The fields at `positions` (n,) of an epoch of `size` positions, as `read` gives them, augmented."""
        return self._through(len(self.stages), read, positions, epoch, size)

    def _through(self, count: int, read: Read, positions: np.ndarray, epoch: int, size: int) -> Fields:
        """The same through the first `count` stages. Partners of a mixer are read too, and brought as far."""
        mixers = [number for number, stage in enumerate(self.stages[:count]) if isinstance(stage.augmenter, Mixer)]
        if not mixers:
            return self._apply(0, count, read(positions), positions, epoch)
        last = mixers[-1]
        path, mixer = self.stages[last].path, self.stages[last].augmenter
        assert isinstance(mixer, Mixer)
        draws = Draws(self._seed, path, epoch, positions)
        with _noted(f"in the augmenter '{path}'"):
            partners = mixer.partners(draws, size)
        needed, places = np.unique(np.concatenate([positions, partners]), return_inverse=True)
        known = self._through(last, read, needed, epoch, size)
        mine, others = (
            {name: values.take(part, axis=0) for name, values in known.items()}
            for part in (places[: len(positions)], places[len(positions) :])
        )
        with _noted(f"in the augmenter '{path}'"):
            mixed = mixer.mix(mine, others, draws)
        fields = self._checked(self.stages[last], mine, mixed, len(positions))
        return self._apply(last + 1, count, fields, positions, epoch)

    def _apply(self, first: int, last: int, fields: Fields, positions: np.ndarray, epoch: int) -> Fields:
        """Through the stages `first` to `last`, none of which mixes rows; neighbours go together where they can."""
        numbered = [(number, self.stages[number]) for number in range(first, last)]
        words = Words(self._seed, (stage.path for _, stage in numbered), epoch, positions)
        for together, group in groupby(numbered, key=lambda item: type(item[1].augmenter).together):
            parts = [(number, stage, Draws(self._seed, stage.path, epoch, positions, words)) for number, stage in group]
            if together is not None:
                with _noted(f"in the augmenters {', '.join(repr(stage.path) for _, stage, _ in parts)}"):
                    changed = together([(stage.augmenter, draws) for _, stage, draws in parts], fields)
                fields = self._checked(parts[-1][1], fields, changed, len(positions))
                continue
            for number, stage, draws in parts:
                augmenter = stage.augmenter
                state = self._state(number) if isinstance(augmenter, Fitted) else {}
                with _noted(f"in the augmenter '{stage.path}'"):
                    if isinstance(augmenter, Fitted):
                        changed = augmenter.transform(fields, draws, state)
                    else:
                        changed = augmenter.apply(fields, draws)
                fields = self._checked(stage, fields, changed, len(positions))
        return fields

    def _state(self, number: int) -> Fields:
        """What the fitted augmenter of stage `number` learns from the rows to train on, as they are in evaluation."""
        path = self.stages[number].path
        if path not in self._states:
            *earlier, fitted = (replace(stage.augmenter, name=None) for stage in self.stages[: number + 1])
            assert isinstance(fitted, Fitted)
            before, source = evaluation_forms(earlier), replace(self._source, split="train")
            with _noted(f"while the augmenter '{path}' learnt from the rows to train on"):
                self._states[path] = self._learnt(fitted, before, source, self._batches(before, source))
        return self._states[path]

    def _batches(self, before: Before, source: Source) -> Iterator[Fields]:
        """All rows of a source, brought through `before`."""
        prepared = Augmentation(before, source, source.spec, seed=0, learnt=self._learnt)
        size = len(source)
        for start in range(0, size, _ROWS):
            rows = np.arange(start, min(start + _ROWS, size), dtype=np.int64)
            yield prepared(source.rows, rows, 0, size)

    def _checked(self, stage: Stage, fields: Fields, changed: Fields, count: int) -> Fields:
        """All fields after a stage, of `count` rows. Raises `DataError` where they are not what it promises."""
        for name, values in changed.items():
            spec = stage.spec.get(name)
            if spec is None:
                raise DataError(
                    f"The augmenter '{stage.path}' gave the field '{name}', which its `outputs` do not name."
                )
            if not fits(values, spec, count):
                raise DataError(
                    f"The augmenter '{stage.path}' made {values.dtype}{list(values.shape)} of the field '{name}', "
                    f"which should be {spec} for {count} rows; an augmenter keeps shapes and types unless its "
                    f"`outputs` say otherwise, and gives as many rows as it is given."
                )
        return {name: values for name, values in {**fields, **changed}.items() if name in stage.spec}


def check_alike(training: Augmentation, evaluation: Augmentation) -> None:
    """Raise `ConfigurationError` where fields look different in training and in evaluation."""
    for name in {**training.spec, **evaluation.spec}:
        known, found = training.spec.get(name), evaluation.spec.get(name)
        if str(known) != str(found):
            mixed = known and found and known.floating and not found.floating and known.rank == found.rank + 1
            hint = f", such as {{one_hot: {{fields: [{name}], classes: {known.shape[-1]}}}}}" if known and mixed else ""
            raise ConfigurationError(
                f"The augmenters make the field '{name}' {known or 'missing'} in training, but {found or 'missing'} in "
                f"evaluation, and a network takes one shape and type: say with eval_augment what brings rows to it in "
                f"evaluation{hint}."
            )


def fits(values: np.ndarray, spec: TensorSpec, count: int) -> bool:
    """Whether an array has the type of its spec, `count` rows and, where they are not symbols, the other sizes."""
    return (
        values.dtype == spec.dtype
        and values.ndim == spec.rank
        and len(values) == count
        and all(size == said or isinstance(said, str) for size, said in zip(values.shape, spec.shape, strict=True))
    )


@contextmanager
def _noted(note: str) -> Iterator[None]:
    """An error inside says where it happened."""
    try:
        yield
    except Exception as error:
        error.add_note(note)
        raise


def _staged(augment: Sequence[Augmenter], spec: Specs, partly: bool, setting: str, source: str) -> Iterator[Stage]:
    given = source
    for path, place, augmenter in taken_apart(augment):
        if partly and augmenter.fields:
            there = tuple(name for name in augmenter.fields if name in spec)
            if not there:
                continue
            augmenter = replace(augmenter, fields=there)
        try:
            augmenter.check(spec)
            outputs = augmenter.outputs(spec)
        except ValueError as error:
            at = f" ({setting}{place})" if setting else ""
            raise ConfigurationError(f"The augmenter '{path}'{at} does not fit {given}: {error}.") from error
        if outputs != spec:
            given = f"what the augmenters before it make of {source}"
        spec = outputs
        yield Stage(path, augmenter, spec)
