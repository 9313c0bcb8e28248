"""Optimizers, strategies, Kids and light modules that are broken on purpose; see `backends.py`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from akid_core.observers.base import Observer
from akid_core.optimizers import SGD, Optimizer
from akid_core.strategies.base import Strategy
from akid_core.strategies.single import Single
from akid_core.testing.hygiene import HygieneSuite
from akid_core.testing.kids import KidSuite
from akid_core.testing.optimizers import OptimizerSuite
from akid_core.testing.strategies import StrategySuite
from akid_core.training.config import KidConfig
from akid_core.training.kid import Kid


@dataclass(frozen=True, kw_only=True)
class Heavy(SGD):
    """Momentum; `rule` is what it breaks."""

    momentum: float = 0.9
    rule: str = ""

    def coefficients(self, learning_rate: float, count: int) -> tuple[float, ...]:
        return (learning_rate / (count - 2 if self.rule == "count" else 1),)

    def update(self, ops: Any, value: Any, gradient: Any, slots: Any, coefficients: Any) -> Any:
        if self.rule == "up":
            return super().update(ops, value, -gradient, slots, coefficients)
        if self.rule == "in place":
            value.data[...] = value.data - gradient.data
        if self.rule == "together":
            gradient = gradient / ops.sqrt(ops.sum(gradient * gradient) + 1e-9)
        if self.rule == "slots":
            return super().update(ops, value, gradient, slots, coefficients)[0], ()
        if self.rule == "type":
            new, kept = super().update(ops, value, gradient, slots, coefficients)
            return ops.astype(new, "float64"), kept
        return super().update(ops, value, gradient, slots, coefficients)


class Optimizing(OptimizerSuite):
    rule = ""

    @pytest.fixture
    def optimizer(self) -> Optimizer:
        return Heavy(learning_rate=0.05, rule=self.rule)

    @pytest.mark.skip("not a plugin")
    def test_yaml_round_trip(self) -> None: ...


class TestHeavy(Optimizing):
    finds = ""


class TestDividesByZero(Optimizing):
    rule, finds = "count", "test_coefficients_are_finite_at_any_step"


class TestClimbs(Optimizing):
    rule, finds = "up", "test_it_goes_down"


class TestMovesWhatItWasGiven(Optimizing):
    rule, finds = "in place", "test_an_update_changes_nothing_that_it_was_given"


class TestLooksAround(Optimizing):
    rule, finds = "together", "test_every_element_moves_by_itself"


class TestLosesItsSlots(Optimizing):
    rule, finds = "slots", "test_an_update_keeps_shapes_and_types"


class TestWidens(Optimizing):
    rule, finds = "type", "test_an_update_keeps_shapes_and_types"


class Strategic(StrategySuite):
    broken: type[Strategy] = Single

    @pytest.fixture
    def strategy(self) -> type[Strategy]:
        return self.broken


class TestSingle(Strategic):
    finds = ""


class Forgetful(Single):
    """Leaves out the optimizer's state."""

    def fill(self, params: Any, slots: Any) -> None:
        super().fill(params, {})


class TestForgetsSlots(Strategic):
    broken, finds = Forgetful, "test_what_is_filled_is_gathered"


class Losing(Single):
    """Computes all rows but one."""

    def rows(self, global_batch: int) -> slice:
        return slice(0, max(global_batch - 1, 1))


class TestLosesRows(Strategic):
    broken, finds = Losing, "test_steps_are_those_of_one_process"


class Doubling(Single):
    """Counts every row twice."""

    def reduce(self, states: Any) -> Any:
        return {path: {part: 2 * value for part, value in state.items()} for path, state in states.items()}


class TestCountsTwice(Strategic):
    broken, finds = Doubling, "test_measures_are_joined"


class Deaf(Single):
    """Loads nothing."""

    def load(self, read: Any) -> None:
        pass


class TestSavesNothing(Strategic):
    broken, finds = Deaf, "test_what_is_saved_is_loaded"


class Stubborn(Single):
    """Never agrees."""

    def agree(self, flag: bool) -> bool:
        return False


class TestDisagrees(Strategic):
    broken, finds = Stubborn, "test_a_flag_is_agreed_on"


class Kids(KidSuite):
    broken: type[Kid] = Kid

    @pytest.fixture
    def kid_class(self) -> type[Kid]:
        return self.broken


class TestKid(Kids):
    finds = ""


class Lazy(Kid):
    """Forgets what it learned."""

    def practice(self, **settings: Any) -> Any:
        before = self.network.read()
        result = super().practice(**settings)
        self.network.fill(before)
        return result


class TestLazy(Kids):
    broken, finds = Lazy, "test_it_practises"


class Chanceful(Kid):
    """Begins anywhere."""

    def practice(self, **settings: Any) -> Any:
        noise = np.random.default_rng()
        self.network.fill({path: value + noise.normal() for path, value in self.network.read().items()})
        return super().practice(**settings)


class TestChanceful(Kids):
    broken, finds = Chanceful, "test_the_same_settings_give_the_same_bits"


class Blank(Kid):
    """Loads zeros."""

    def load(self, checkpoint: Any) -> None:
        super().load(checkpoint)
        self.strategy.fill({path: np.zeros_like(value) for path, value in self.network.read().items()}, {})


class TestBeginsAgain(Kids):
    broken, finds = Blank, "test_it_stops_and_goes_on"


class Restless(Kid):
    """Moves when it is validated."""

    def validate(self, split: Any = "val") -> Any:
        self.network.fill({path: value * 1.01 for path, value in self.network.read().items()})
        return super().validate(split)


class TestValidatesByTraining(Kids):
    broken, finds = Restless, "test_validation_changes_nothing"


class Moody(Kid):
    """Practises something else each time."""

    def compose(self, config: KidConfig) -> KidConfig:
        return replace(config, observers=(Observer(),) * int(np.random.default_rng().integers(1, 1000)))


class TestComposesByChance(Kids):
    broken, finds = Moody, "test_it_composes_what_it_practises_from_what_was_said"


@dataclass(frozen=True, kw_only=True)
class Unwritten:
    """Settings that read back as others."""

    share: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", self.share / 2)


class Halving(Kid):
    """Halves what it is told, and halves it again when its run is read."""

    Settings = Unwritten


class TestSettingsChangeOnTheWay(Kids):
    broken, finds = Halving, "test_its_own_settings_are_written_and_read"


class TestPluginIsHeavy(HygieneSuite):
    module, finds = "broken_heavy", "test_the_light_module_is_light"


class TestPluginWithoutHooks(HygieneSuite):
    module, finds = "broken_unmarked", "test_it_declares_something"


class TestPluginWithoutTarget(HygieneSuite):
    module, finds = "broken_target", "test_every_target_can_be_imported"


class TestPluginOfOtherName(HygieneSuite):
    module, finds = "broken_name", "test_names_are_those_of_the_classes"
