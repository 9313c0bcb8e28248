"""Mixing: what mixup and cutmix share: partners, shares and labels that say both."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from akid_core.data import Draws, Mixer
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.augmenters.one_hot import OneHot, check_labelled, probabilities, probable
from akid_datasets.pictures.values import beside

_TRIES = 12
"""How often a gamma number is tried; each fails in at most 1 of 20, so 1 in 10^15 is taken as it is after the last."""


@dataclass(frozen=True, kw_only=True)
class LabelMixer(Mixer):
    """Mixes rows, and their labels in the same proportion; a subclass says how their fields are mixed.

    Its share of a row is drawn from the beta distribution (`alpha`, `alpha`): 1 is uniform, less is nearer to 0 or 1.
    `chance`: how many rows are mixed at all. `labels`: the fields that are mixed as labels, (batch,) integers of
    `classes` classes, which become float32 probabilities (batch, classes), or floating numbers of any shape. In
    evaluation nothing is mixed, and integer labels are written as probabilities too.

    The partner of a row is another one among the `window` positions that it lies in (0 to 63, 64 to 127, …); all are
    equally likely. Batches of a multiple of `window` rows are therefore read once; of others, rows of a neighbouring
    batch are read too. A row that is alone at the end of an epoch stays as it is.
    """

    labels: tuple[str, ...] = ("label",)
    classes: int | None = None
    alpha: float = 1.0
    chance: float = 1.0
    window: int = 64

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))
        if self.classes is not None and self.classes < 1:
            raise ValueError(f"classes must be at least 1, got {self.classes}")
        if not self.alpha > 0:
            raise ValueError(f"alpha must be above 0, got {self.alpha}")
        if not 0 <= self.chance <= 1:
            raise ValueError(f"chance must be from 0 to 1, got {self.chance}")
        if self.window < 2:
            raise ValueError(f"window must be at least 2, a row and its partner, got {self.window}")

    def check(self, spec: Specs) -> None:
        super().check(spec)
        for name in self.labels:
            if name not in spec:
                known = ", ".join(f"'{field}'" for field in spec)
                raise ValueError(f"it mixes the labels '{name}', but a batch has the fields {known}")
            if self.classes is not None:
                check_labelled(spec[name], name, self.classes)
            elif not spec[name].floating:
                raise ValueError(f"set classes to how many there are: the labels '{name}' are {spec[name]}")

    def outputs(self, spec: Specs) -> Specs:
        if self.classes is None:
            return spec
        return {**spec, **{name: probable(spec[name], self.classes) for name in self.labels}}

    def evaluation(self) -> OneHot | None:
        if self.classes is None or not self.labels:
            return None
        return OneHot(fields=self.labels, classes=self.classes)

    def partners(self, random: Draws, size: int) -> np.ndarray:
        first = random.positions // self.window * self.window
        others = np.minimum(self.window, size - first) - 1
        step = 1 + np.floor(random.uniform(0) * others).astype(np.int64)
        partners: np.ndarray = first + (random.positions - first + step) % (others + 1)
        return partners

    def mix(self, fields: Fields, others: Fields, random: Draws) -> Fields:
        share = np.where(random.uniform(1) < self.chance, beta(self.alpha, random), 1.0)
        changed, share = self.mixed(fields, others, share, random)
        for name in self.labels:
            mine, other = (self._label(given[name], name) for given in (fields, others))
            changed[name] = blend(mine, other, share).astype(mine.dtype, copy=False)
        return changed

    @abstractmethod
    def mixed(
        self, fields: Fields, others: Fields, share: np.ndarray, random: Draws
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The mixed fields, and the share (n,) that each row really has in them; `share`: (n,), what it should be.

        Streams of `random` from 32 on are free.
        """

    def _label(self, labels: np.ndarray, name: str) -> np.ndarray:
        return labels if self.classes is None else probabilities(labels, self.classes, name)


def blend(mine: np.ndarray, others: np.ndarray, share: np.ndarray) -> np.ndarray:
    """share * mine + (1 - share) * others, in at least float32: (n, …), with `share` (n,)."""
    kind = np.promote_types(mine.dtype, np.float32)
    mine, others = mine.astype(kind), others.astype(kind)
    share = beside(share, mine)
    mixed: np.ndarray = mine * share + others * (1 - share)
    return mixed


def beta(alpha: float, random: Draws) -> np.ndarray:
    """(n,) float64 of the beta distribution (`alpha`, `alpha`), from streams of `random` below 32.

    It is X / (X + Y) of two gamma numbers, which are compared by their logarithms: with a small alpha they may be
    smaller than any floating number.
    """
    x, y = (_log_gamma_number(alpha, random, first) for first in (2, 9))
    with np.errstate(over="ignore"):
        share: np.ndarray = 1 / (1 + np.exp(y - x))
    return share


def _log_gamma_number(alpha: float, random: Draws, stream: int) -> np.ndarray:
    """(n,) float64: the logarithm of a number of the gamma distribution with shape `alpha`.

    By G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", 2000, for alpha + 1, of which each
    row takes the first of a fixed number of tries that is accepted; then down to alpha by U^(1 / alpha).
    """
    d = alpha + 2 / 3
    normal = random.normal(stream, (_TRIES,))
    root = 1 + normal / np.sqrt(9 * d)
    cube = np.where(root > 0, root, 1.0) ** 3
    uniform = random.uniform(stream + 4, (_TRIES,))
    bound = 0.5 * normal**2 + d - d * cube + d * np.log(cube)
    accepted = (root > 0) & (np.log1p(-uniform) < bound)
    first = np.where(accepted.any(axis=1), accepted.argmax(axis=1), _TRIES - 1)
    chosen = cube[np.arange(len(cube)), first]
    logarithm: np.ndarray = np.log(d * chosen) + np.log1p(-random.uniform(stream + 5)) / alpha
    return logarithm
