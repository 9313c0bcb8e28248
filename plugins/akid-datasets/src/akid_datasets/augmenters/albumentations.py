"""Albumentations: the pictures changed by a pipeline of that library, row by row."""

from __future__ import annotations

import copy
import inspect
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

import numpy as np

from akid_core.data import Augmenter, Draws
from akid_core.data.augmenter import Fields, Specs
from akid_core.errors import ConfigurationError
from akid_core.specs.target import check_target, imported_target
from akid_datasets.augmenters.one_by_one import Gives, check_gives, given_specs, one_by_one
from akid_datasets.augmenters.warp import countable
from akid_datasets.extras import extra
from akid_datasets.pictures.values import check_pictures


@dataclass(frozen=True, kw_only=True)
class Albumentations(Augmenter):
    """Change each picture by an `albumentations.Compose` (the extra `albumentations`).

    `transform`: the import path of a Compose, or of a function without arguments that makes one, or a Compose as
    `albumentations.to_dict` writes it. Before each row it is seeded for this row and epoch, so that results are the
    same for all batch sizes, threads and processes.

    The first of the `fields` is handed over as `image`, others, such as `mask`, by their own names. Pictures (batch,
    channels, height, width) are turned into (height, width, channels) and back; fields (batch, height, width) stay.
    `gives`: by field, the shape and dtype of a row where they change, such as {image: {shape: [3, 32, 32]}}.
    `evaluate`: it is used for rows to evaluate too, seeded the same each time, as it always is where `gives` says that
    fields change; else such rows stay as they are.
    """

    transform: str | Mapping[str, Any]
    gives: Mapping[str, Gives] = field(default_factory=dict)
    evaluate: bool = False

    def __post_init__(self) -> None:
        check_target(self.transform)

    def check(self, spec: Specs) -> None:
        super().check(spec)
        check_pictures(spec, self.fields)
        check_gives(self.gives, spec)
        self._compose()

    def outputs(self, spec: Specs) -> Specs:
        return given_specs(self.gives, spec)

    def evaluation(self) -> Self | None:
        return self if self.evaluate or self.gives else None

    def apply(self, fields: Fields, random: Draws) -> Fields:
        compose = self._compose()
        targets = dict(zip(self.fields, ("image", *self.fields[1:]), strict=True))

        def change(row: dict[str, np.ndarray], seed: int) -> Mapping[str, np.ndarray]:
            compose.set_random_seed(seed % 2**32)
            made = compose(**{target: _channels_last(row[name]) for name, target in targets.items()})
            return {name: _as_before(made[target], row[name]) for name, target in targets.items()}

        return one_by_one(change, fields, self.fields, self.gives, random, self.component())

    def _compose(self) -> Any:
        return _compose(json.dumps(self.transform), threading.get_ident())


@lru_cache(maxsize=64)
def _compose(transform: str, thread: int) -> Any:
    """The Compose, one for each thread: it holds the state of its generators.

    Raises `PluginImportError` without the library, `ConfigurationError` for what is no Compose.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import would ask the network for a newer version
    library = extra("albumentations", "albumentations")
    given = json.loads(transform)
    try:
        made = imported_target(given, "albumentations") if isinstance(given, str) else library.from_dict(given)
        made = made() if inspect.isfunction(made) else made
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"albumentations: {given} makes no transform: {error}.") from error
    if not isinstance(made, library.Compose):
        raise ConfigurationError(
            f"albumentations: the transform must be an albumentations.Compose, got {type(made).__name__}; wrap a "
            "single transform in Compose([…])."
        )
    return copy.deepcopy(made)


def _channels_last(picture: np.ndarray) -> np.ndarray:
    return picture if picture.ndim == 2 else np.ascontiguousarray(picture.transpose(1, 2, 0))


def _as_before(picture: np.ndarray, given: np.ndarray) -> np.ndarray:
    """A picture laid out as the one that was given: its one channel may have been left out, its classes narrowed."""
    if picture.ndim == given.ndim == 3:
        picture = picture.transpose(2, 0, 1)
    if picture.ndim < given.ndim:
        picture = picture[np.newaxis]
    return picture if countable(given.dtype) else picture.astype(given.dtype)
