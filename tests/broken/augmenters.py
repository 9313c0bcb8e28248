"""Augmenters that are broken on purpose; see `backends.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from akid_core.data.augmenter import Augmenter, Fitted, Mixer, Specs
from akid_core.data.draws import Draws
from akid_core.testing.augmenters import AugmenterSuite

Fields = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Noise(Augmenter):
    """Adds a number to each row; `rule` is what it breaks."""

    rule: str = ""

    def outputs(self, spec: Specs) -> Specs:
        image = spec["image"]
        return {**spec, "kept": image} if self.rule == "promise" else spec

    def evaluation(self) -> Augmenter | None:
        if self.rule == "other form":
            return Narrow()
        if self.rule == "restless form":
            return replace(self, name=f"{self.name}'")
        return self if self.rule == "random form" else None

    def apply(self, fields: Fields, random: Draws) -> Fields:
        image = fields["image"]
        drawn = random.uniform().reshape(-1, *(1,) * (image.ndim - 1)).astype(image.dtype)
        if self.rule == "in place":
            image += drawn
            return {"image": image}
        if self.rule == "type":
            return {"image": image + drawn.astype(np.float64)}
        if self.rule == "batch":
            return {"image": image - image.mean(axis=0) + drawn} if len(image) else {"image": image}
        if self.rule == "own chance":
            return {"image": image + np.random.default_rng().normal(size=drawn.shape).astype(image.dtype)}
        return {"image": image + drawn * (self.rule != "never")}


@dataclass(frozen=True, kw_only=True)
class Narrow(Augmenter):
    """Makes half precision of its fields, always."""

    def outputs(self, spec: Specs) -> Specs:
        return {**spec, **{name: spec[name].with_dtype("float16") for name in self.fields}}

    def evaluation(self) -> Augmenter | None:
        return self

    def apply(self, fields: Fields, random: Draws) -> Fields:
        return {name: fields[name].astype(np.float16) for name in self.fields}


@dataclass(frozen=True, kw_only=True)
class Halves(Mixer):
    """The mean of each row and its partner, with a share drawn for it; `rule` is what it breaks."""

    rule: str = ""

    def partners(self, random: Draws, size: int) -> np.ndarray:
        return random.positions + 1 if self.rule == "beyond" else (random.positions + 1) % size

    def mix(self, fields: Fields, others: Fields, random: Draws) -> Fields:
        image, other = fields["image"], others["image"]
        if self.rule == "neighbours":
            other = image[::-1]
        share = random.uniform().reshape(-1, *(1,) * (image.ndim - 1)).astype(image.dtype)
        return {"image": image * share + other * (1 - share)}


@dataclass(frozen=True, kw_only=True)
class Centred(Fitted):
    """Subtracts the mean of all rows; `rule` is what it breaks."""

    rule: str = ""

    def fit(self, batches: Iterable[Fields]) -> Fields:
        total, count = np.float64(0), 0
        for batch in batches:
            if self.rule == "forgets":
                total, count = np.float64(0), 0
            total, count = total + batch["image"].sum(axis=0, dtype=np.float64), count + len(batch["image"])
        return {"mean": (total / count).astype(np.float32)}

    def transform(self, fields: Fields, random: Draws, learnt: Fields) -> Fields:
        return {"image": fields["image"] - learnt["mean"]}


def _once(parts: Sequence[tuple[Augmenter, Draws]], fields: Fields) -> Fields:
    return parts[0][0].apply(fields, parts[0][1])


@dataclass(frozen=True, kw_only=True)
class Hasty(Noise):
    """Of several that follow each other, one is enough."""

    together: ClassVar[Callable[[Sequence[tuple[Augmenter, Draws]], Fields], Fields] | None] = _once


class Augmenting(AugmenterSuite):
    made: Augmenter = Noise()

    @pytest.fixture
    def augmenter(self) -> Augmenter:
        return self.made

    @pytest.fixture
    def rows(self) -> Fields:
        return {"image": np.random.default_rng(0).normal(size=(12, 2, 3)).astype(np.float32)}

    @pytest.mark.skip("not a plugin")
    def test_yaml_round_trip(self) -> None: ...


class TestNoise(Augmenting):
    finds = ""


class TestInPlace(Augmenting):
    made, finds = Noise(rule="in place"), "test_what_it_was_given_stays"


class TestOtherType(Augmenting):
    made, finds = Noise(rule="type"), "test_outputs_are_what_comes_out"


class TestKeepsNoPromise(Augmenting):
    made, finds = Noise(rule="promise"), "test_outputs_are_what_comes_out"


class TestDependsOnTheBatch(Augmenting):
    made, finds = Noise(rule="batch"), "test_a_row_does_not_depend_on_its_batch"


class TestDependsOnTheBatchOfASensor(Augmenting):
    made, finds = Noise(rule="batch"), "test_a_sensor_gives_the_same_in_batches_of_any_size"


class TestOwnChance(Augmenting):
    made, finds = Noise(rule="own chance"), "test_it_can_be_repeated"


class TestNeverRandom(Augmenting):
    made, finds = Noise(rule="never"), "test_every_epoch_is_another"


class TestEvaluatesAtRandom(Augmenting):
    made, finds = Noise(rule="random form"), "test_its_evaluation_form_is_certain"


class TestEvaluatesDifferentlyEachTime(Augmenting):
    made, finds = Noise(rule="restless form"), "test_its_evaluation_form_is_certain"


class TestEvaluatesOtherTypes(Augmenting):
    made, finds = Noise(rule="other form"), "test_rows_to_evaluate_look_alike"


class TestHalves(Augmenting):
    made, finds = Halves(), ""


class TestPartnersBeyondTheEpoch(Augmenting):
    made, finds = Halves(rule="beyond"), "test_partners_lie_within_the_epoch"


class TestMixesNeighbours(Augmenting):
    made, finds = Halves(rule="neighbours"), "test_a_row_does_not_depend_on_its_batch"


class TestCentred(Augmenting):
    made, finds, random = Centred(), "", False


class TestForgetsBatches(Augmenting):
    made, finds = Centred(rule="forgets"), "test_what_is_learnt_does_not_depend_on_batches"


class TestHasty(Augmenting):
    made, finds = Hasty(), "test_together_is_one_by_one"
