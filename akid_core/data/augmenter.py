"""Augmenter: changes a batch at random, reproducibly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from akid_core.config import Typed
from akid_core.data.draws import Draws
from akid_core.specs.layer import Block
from akid_core.specs.tensor import TensorSpec

Fields = Mapping[str, np.ndarray]
Specs = Mapping[str, TensorSpec]


@dataclass(frozen=True, kw_only=True)
class Augmenter(Typed, Block, ABC):
    """A Block that changes `fields` of many rows at once. Subclass it as a frozen dataclass.

    `name`: what its randomness is called by, unique in a chain; by default its component and count (`shift`,
    `shift_2`). Shapes and types of the fields stay as they are unless `outputs` says otherwise.
    """

    together: ClassVar[Callable[[Sequence[tuple[Augmenter, Draws]], Fields], Fields] | None] = None
    """Runs augmenters that follow each other and name the same function in one go, as if one by one, to the bit."""

    fields: tuple[str, ...] = ("image",)

    def check(self, spec: Specs) -> None:
        """Raise `ValueError` with one sentence where the fields of the batch, `spec`, do not fit."""
        for name in self.fields:
            if name not in spec:
                known = ", ".join(f"'{field}'" for field in spec)
                raise ValueError(f"it changes the field '{name}', but a batch has the fields {known}")

    def outputs(self, spec: Specs) -> Specs:
        """The fields of the batch afterwards, where they are `spec` before."""
        return spec

    def evaluation(self) -> Augmenter | None:
        """What stands for it where a Brain is evaluated: nothing, unless it is more than a random change."""
        return None

    def undone(self, fields: Fields) -> Fields:
        """Some of the fields, each (n, …), in the range that they had before it, to look at; by default as they are."""
        return fields

    @abstractmethod
    def apply(self, fields: Fields, random: Draws) -> Fields:
        """The changed ones of `fields`, each (n, …), as new arrays.

        A row's result must not depend on the rows that it shares a batch with: draw from `random`, one number a row.
        """


@dataclass(frozen=True, kw_only=True)
class Mixer(Augmenter):
    """An augmenter that mixes each row with another one, its partner."""

    @abstractmethod
    def partners(self, random: Draws, size: int) -> np.ndarray:
        """(n,) int64: the position, in the epoch of `size` positions, of each row's partner."""

    @abstractmethod
    def mix(self, fields: Fields, others: Fields, random: Draws) -> Fields:
        """The changed ones of `fields`, each (n, …), as new arrays; `others` are the partners, augmented as far."""

    def apply(self, fields: Fields, random: Draws) -> Fields:
        raise TypeError(f"{type(self).__name__} mixes rows with their partners: it is used by `mix`")


@dataclass(frozen=True, kw_only=True)
class Fitted(Augmenter):
    """An augmenter that must see the rows to train on first, such as one that whitens."""

    @abstractmethod
    def fit(self, batches: Iterable[Fields]) -> Fields:
        """What it learns from all rows to train on, as arrays by name; they are kept beside the data."""

    @abstractmethod
    def transform(self, fields: Fields, random: Draws, learnt: Fields) -> Fields:
        """The changed ones of `fields`, each (n, …), as new arrays."""

    def evaluation(self) -> Self:
        return self

    def apply(self, fields: Fields, random: Draws) -> Fields:
        raise TypeError(f"{type(self).__name__} must be fitted first: it is used by `transform`")


@dataclass(frozen=True, kw_only=True)
class Chain(Augmenter):
    """Augmenters one after another, as one: `{chain: {name: colour, augment: [brightness, contrast]}}`.

    Theirs are the fields that are changed; their paths begin with the chain's.
    """

    fields: tuple[str, ...] = ()
    augment: tuple[Augmenter, ...] = ()

    def __post_init__(self) -> None:
        if self.fields:
            raise ValueError("a chain has no fields of its own: give them to the augmenters in it")
        object.__setattr__(self, "augment", tuple(self.augment))

    def outputs(self, spec: Specs) -> Specs:
        for augmenter in self.augment:
            augmenter.check(spec)
            spec = augmenter.outputs(spec)
        return spec

    def evaluation(self) -> Chain | None:
        forms = evaluation_forms(self.augment)
        return replace(self, augment=forms) if forms else None

    def apply(self, fields: Fields, random: Draws) -> Fields:
        raise TypeError("a chain is taken apart before it is used")


def augmenter_paths(augment: Sequence[Augmenter]) -> tuple[str, ...]:
    """The name of each augmenter in a chain. Raises `ValueError` where two have the same."""
    paths: list[str] = []
    seen: dict[str, int] = {}
    for augmenter in augment:
        component = augmenter.component()
        seen[component] = seen.get(component, 0) + 1
        default = component if seen[component] == 1 else f"{component}_{seen[component]}"
        path = augmenter.name or default
        if path in paths:
            raise ValueError(f"two augmenters are called '{path}'; give one of them another name")
        paths.append(path)
    return tuple(paths)


def taken_apart(
    augment: Sequence[Augmenter], above: str = "", inside: str = ""
) -> Iterator[tuple[str, str, Augmenter]]:
    """Each augmenter after its path and its place, such as `[2]`, those of chains in a row with the others.

    Raises as `augmenter_paths`.
    """
    for number, (path, augmenter) in enumerate(zip(augmenter_paths(augment), augment, strict=True)):
        place = f"{inside}[{number}]"
        if isinstance(augmenter, Chain):
            yield from taken_apart(augmenter.augment, f"{above}{path}/", f"{place}.{augmenter.component()}.augment")
        else:
            yield above + path, place, augmenter


def evaluation_forms(augment: Iterable[Augmenter]) -> tuple[Augmenter, ...]:
    """What stands for a chain of augmenters where a Brain is evaluated."""
    return tuple(form for augmenter in augment if (form := augmenter.evaluation()) is not None)
