"""Sensors: how a Kid perceives its training, validation and test data; `sensors` is the short way to say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from akid_core.config import Typed, Where, decode, decode_settings, encode_settings
from akid_core.data.arrays import ArrayData, ArraySource, read_arrays
from akid_core.data.augmentation import Augmentation
from akid_core.data.augmenter import Augmenter, Fields, evaluation_forms
from akid_core.data.learnt import Learnt
from akid_core.data.place import without_downloads
from akid_core.data.reading import Reading
from akid_core.data.sampler import Sampler, Shuffled
from akid_core.data.sensor import Sensor
from akid_core.data.source import Source, Split
from akid_core.errors import AkidError, ConfigurationError, DataError, UsageError
from akid_core.plugins import Registry
from akid_core.specs.tensor import TensorSpec

EVAL_BATCH_SIZE = 256
"""Rows of an evaluation batch where nothing is said; a larger `batch_size` is taken instead."""


@dataclass(frozen=True, kw_only=True)
class Sensors(Typed):
    """The settings from which a Sensor for each split is made.

    `source`: a Source, or the name of one. `augment` and `sampler` act on training; without a sampler the source says
    its order, else rows are shuffled. Validation and test read every row once, in order, through `eval_augment`: by
    default what is not random of `augment`. `drop_last` leaves out the short last batch of each training epoch.
    """

    source: str | Source
    batch_size: int = 32
    eval_batch_size: int | None = None
    augment: tuple[Augmenter, ...] = ()
    eval_augment: tuple[Augmenter, ...] | None = None
    sampler: Sampler | None = None
    drop_last: bool = False
    reading: Reading = field(default_factory=Reading)

    def __post_init__(self) -> None:
        for name in ("batch_size", "eval_batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if isinstance(self.source, Source) and self.source.split != "train":
            raise ValueError("leave out the source's split: its sensors are made of each split")
        object.__setattr__(self, "augment", tuple(self.augment))
        if self.eval_augment is not None:
            object.__setattr__(self, "eval_augment", tuple(self.eval_augment))

    @classmethod
    def from_config(cls, data: Any, registry: Registry, where: Where | str = "") -> Self:
        """The settings that YAML describes; the name of a source stays a name, once it is known."""
        where = Where.of(where)
        made: Self = decode_settings(cls, data, registry, where)
        if isinstance(made.source, str):
            decode("source", made.source, registry, where.at(data, "source"))
        return made

    def to_config(self, registry: Registry | None = None) -> dict[str, Any]:
        """The settings as YAML. Raises `ConfigurationError` for data that exist in this program alone."""
        if isinstance(self.source, Source) and self.source.live_only:
            raise ConfigurationError(
                "Sensors over objects or arrays that were given in Python cannot be written in a file. Take a Source "
                "that reads them from where they are stored, and name it: sensors(source)."
            )
        return encode_settings(self, registry)

    def sensor(self, split: Split, seed: int, registry: Registry, learnt: Learnt | None = None) -> Sensor | None:
        """The Sensor of a split; None where the Source has no rows for validation or test.

        `learnt`: what is learnt from the Source, so that fitted augmenters are fitted once for all splits.
        Raises `DataError` for an empty training split, `ConfigurationError` where `batch_size` is larger than it.
        """
        source: Source = replace(decode("source", self.source, registry, "sensors.source"), split=split)
        if split != "train":
            return self._evaluating(source, seed, learnt) if len(source) else None
        if not len(source):
            raise DataError(f"The source '{source.component()}' has no rows to train on: its split 'train' is empty.")
        sensor = Sensor(
            source,
            batch_size=self.batch_size,
            seed=seed,
            sampler=self.sampler or source.order() or Shuffled(),
            augment=self.augment,
            eval_augment=self.eval_augment,
            drop_last=self.drop_last,
            reading=self.reading,
            learnt=learnt,
        )
        if self.batch_size > len(sensor):
            raise ConfigurationError(
                f"The batch_size of {self.batch_size} is larger than an epoch over the source '{source.component()}', "
                f"which has {len(sensor)} rows to train on; take a batch_size of at most {len(sensor)}."
            )
        return sensor

    @property
    def for_evaluation(self) -> tuple[Augmenter, ...]:
        """The augmenters for evaluation: those that were said, else the evaluation forms of those for training."""
        return evaluation_forms(self.augment) if self.eval_augment is None else self.eval_augment

    def prepare(
        self, rows: ArrayData, registry: Registry, fields: Sequence[str] = ("image",), learnt: Learnt | None = None
    ) -> Fields:
        """What the augmenters for evaluation make of rows as the source gives them, such as a user's own pictures.

        `rows`: one array, or arrays by field name, each (n, …). An augmenter that is about none of these fields, such
        as one of labels, is left out. `learnt`: what is learnt from the source. Raises `DataError` for rows of another
        shape than the source's, where it knows that without its data, or of a type that its own cannot come from.
        """
        given = read_arrays(rows, "rows", fields)
        source = decode("source", self.source, registry, "sensors.source")
        _check_given(given, source)
        spec = {name: TensorSpec(("N", *values.shape[1:]), values.dtype.name) for name, values in given.items()}
        positions = np.arange(len(next(iter(given.values()))))
        prepared = Augmentation(self.for_evaluation, source, spec, seed=0, learnt=learnt, partly=True)
        return prepared(lambda _: given, positions, 0, len(positions))

    def _evaluating(self, source: Source, seed: int, learnt: Learnt | None) -> Sensor:
        forms = self.for_evaluation
        batch_size = self.eval_batch_size or max(self.batch_size, EVAL_BATCH_SIZE)
        return Sensor(
            source,
            batch_size=batch_size,
            seed=seed,
            augment=forms,
            eval_augment=forms,
            reading=self.reading,
            learnt=learnt,
        )


def _check_given(given: Fields, source: Source) -> None:
    """Raise `DataError` for rows that are not like those of the source, as far as it can tell without a download."""
    try:
        with without_downloads():
            spec = source.spec
    except (AkidError, OSError):
        return  # only data that are not at hand could tell
    for name, values in given.items():
        wanted = spec.get(name)
        if wanted is None:
            continue
        sizes = zip(wanted.shape[1:], values.shape[1:], strict=False)
        shaped = values.ndim == wanted.rank and all(isinstance(said, str) or said == size for said, size in sizes)
        # Floating numbers may be bytes brought to 0..1 before; augmenters say whether they take them.
        typed = values.dtype.kind == "f" or np.can_cast(values.dtype, wanted.dtype, "same_kind")
        if not (shaped and typed):
            raise DataError(
                f"The rows of '{name}' are {values.dtype}{list(values.shape)}, but those of the source "
                f"'{source.component()}' are {wanted}, {wanted.shape[0]} being the rows: bring them to that first."
            )


def sensors(
    source: str | Source | None = None,
    *,
    train: ArrayData | None = None,
    val: ArrayData | None = None,
    test: ArrayData | None = None,
    fields: Sequence[str] = ("image", "label"),
    **settings: Any,
) -> Sensors:
    """Sensors over a Source (or its name), or over arrays: `sensors("digits", batch_size=64)`, `sensors(train=(x, y))`.

    `train`, `val`, `test`: a dictionary of arrays by field name, or a tuple of arrays whose names are `fields`; one
    more array than names is the sample weights. `settings`: those of `Sensors`.
    """
    given = {split: data for split, data in (("train", train), ("val", val), ("test", test)) if data is not None}
    if (source is None) != bool(given) or (given and train is None):
        raise UsageError("sensors(…) takes a source, such as sensors('digits'), or arrays, at least train=(x, y).")
    if source is None:
        source = ArraySource(data={split: read_arrays(data, split, fields) for split, data in given.items()})
    return Sensors(source=source, **settings)
