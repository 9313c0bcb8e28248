"""Parity sweeps draw the same from a seed, reach every layer, and find a layer that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core.plugins import default_manager
from akid_core.specs.layer import Loss, Metric
from akid_core.testing.draw import FAMILIES
from akid_core.testing.referee import referee
from akid_core.testing.sweep import draw, sweep


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_agrees_in_float32(family: str) -> None:
    found = sweep(referee(), family, 15)
    assert not found.failures()
    assert sum(worst.trials for worst in found.worst(found.forward).values()) == 15


def test_a_trial_depends_on_seed_family_and_number_alone() -> None:
    few, many, other = draw("conv", 3), draw("conv", 6), draw("conv", 6, seed=1)
    for name, trial in few.items():
        assert trial.layer == many[name].layer
        np.testing.assert_array_equal(trial.fields["input0"], many[name].fields["input0"])
    assert [trial.layer for trial in many.values()] != [trial.layer for trial in other.values()]


def test_every_layer_is_reached() -> None:
    drawn = {trial.layer.component() for family in FAMILIES for trial in draw(family, 90).values()}
    core = {
        item.info.name for item in default_manager().registry.infos("layer") if item.provider.built_in
    }  # what is attached is no layer of ours
    assert core - drawn == {"attach"}


def test_an_error_is_found_and_named() -> None:
    class Rough(type(referee())):  # type: ignore[misc]
        """Keeps parameters in half the digits."""

        def network(self, *arguments: Any) -> Any:
            network = super().network(*arguments)
            fill = network.fill
            network.fill = lambda values: fill({path: value.astype(np.float16) for path, value in values.items()})
            return network

    found = sweep(Rough(), "dense", 10)
    assert found.failures()
    assert all("Dense(" in what for what in found.failures())
    assert found.worst(found.forward)["dense"].error > 1e-5


def test_rows_of_any_number_are_tried() -> None:
    trials = draw("pool", 10).values()
    assert {trial.batch for trial in trials} == {1, 2, 5}
    assert not any(isinstance(trial.layer, Loss | Metric) for trial in trials)
