"""Settings made in Python are held against their type hints, as those of YAML are."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

from akid_core import TensorSpec, sensors
from akid_core.data import Augmenter, Chain, Draws, Sampler, Sensors, Sequential, Source
from akid_core.data.combined import Mixed, Subset
from akid_core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections import OrderedDict

Fields = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Rows(Source):
    size: int = 4
    kind: Literal["even", "odd"] = "even"
    convert: Callable[[int], int] | None = None

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("size must be at least 1")

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"x": TensorSpec(("N",), "int64")}

    def __len__(self) -> int:
        return self.size

    def rows(self, indices: np.ndarray) -> Fields:
        return {"x": indices}


@dataclass(frozen=True, kw_only=True)
class Shift(Augmenter):
    by: float = 0.0

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return fields


@dataclass(frozen=True, kw_only=True)
class Every(Sampler):
    step: int = 1

    def rows(self, positions: np.ndarray, *, size: int, seed: int, epoch: int) -> np.ndarray:
        return positions


@dataclass(frozen=True, kw_only=True)
class Unknown(Shift):
    """Whose type hints cannot be read."""

    order: OrderedDict[str, int] | None = None


WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: Rows(size="28"), "Rows.size: expected an integer, got '28'."),  # which `__post_init__` cannot compare
    (lambda: Rows(size=True), "Rows.size: expected an integer, got True."),
    (lambda: Rows(split="vall"), "Rows.split: expected one of 'train', 'val', 'test', got 'vall'. Did you mean 'val'?"),
    (lambda: Rows(kind="ever"), "Rows.kind: expected one of 'even', 'odd', got 'ever'. Did you mean 'even'?"),
    (lambda: replace(Rows(), size=2.5), "Rows.size: expected an integer, got 2.5."),
    (lambda: Shift(fields="image"), "Shift.fields: expected a list (each text), got 'image'."),
    (lambda: Shift(fields=("image", 3)), "Shift.fields[1]: expected text, got 3."),
    (lambda: Every(step=None), "Every.step: expected an integer, got nothing."),
    (lambda: Chain(augment=Shift()), "Chain.augment: expected a list (each an augmenter), got Shift("),
    (lambda: Mixed(sources=(Rows(), 3)), "Mixed.sources[1]: expected a source, got 3."),
    (lambda: Sensors(source=3), "Sensors.source: expected text or a source, got 3."),
    (lambda: sensors("digits", batch_size="4"), "Sensors.batch_size: expected an integer, got '4'."),
    (lambda: sensors("digits", sampler=Rows()), "Sensors.sampler: expected a sampler or null, got Rows("),
    (
        lambda: sensors("digits", augment=("flip",)),
        "Sensors.augment[0]: expected an augmenter, got 'flip'. Names are understood in YAML; in Python, give an obj",
    ),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_a_setting_of_another_type(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert str(caught.value).startswith(message)


def test_what_yaml_accepts_is_accepted() -> None:
    assert Rows(size=np.int64(3)).size == 3
    assert Shift(by=2, fields=["image"]).by == 2
    assert len(Subset(source=Rows(), indices=np.array([3, 1]))) == 2
    assert sensors("digits", augment=[Shift()], sampler=Sequential()).augment == (Shift(),)


def test_what_is_not_known_is_passed_over() -> None:
    assert Rows(convert=abs).convert is abs
    assert Unknown(by="far").by == "far"  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword argument 'sizes'"):
        Rows(sizes=3)  # type: ignore[call-arg]


def test_copies_are_made_as_ever() -> None:
    for made in (Rows(size=2), Shift(by=1.0), Every(step=3)):
        assert pickle.loads(pickle.dumps(made)) == copy.copy(made) == copy.deepcopy(made) == made
