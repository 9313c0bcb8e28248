"""A test suite for an augmenter: subclass it, say which, and give it rows.

::

    class TestShift(AugmenterSuite):
        @pytest.fixture
        def augmenter(self):
            return Shift(pixels=2)

        @pytest.fixture
        def rows(self):
            return {"image": np.random.default_rng(0).normal(size=(20, 1, 8, 8)).astype("float32")}
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

from akid_core.config.components import decode, encode
from akid_core.config.yaml import dump_yaml, load_yaml
from akid_core.data.augmenter import Augmenter
from akid_core.data.draws import Draws
from akid_core.plugins.manager import default_manager
from akid_core.specs.tensor import TensorSpec

Rows = Mapping[str, np.ndarray]


class AugmenterSuite:
    """Fill the fixtures `augmenter` and `rows`: at least ten rows of the fields that it changes, each (n, ...).

    `random`: it draws at random, so that another seed and another epoch give something else.
    """

    random: ClassVar[bool] = True

    @pytest.fixture
    def augmenter(self) -> Augmenter:
        raise NotImplementedError("an AugmenterSuite is about one augmenter: give the fixture `augmenter`")

    @pytest.fixture
    def rows(self) -> Rows:
        raise NotImplementedError("give the suite a fixture `rows`, the fields of some rows by name")

    @pytest.fixture
    def registry(self) -> Any:
        return default_manager().registry

    def test_it_takes_the_fields(self, augmenter: Augmenter, rows: Rows) -> None:
        augmenter.check(_specs(rows))

    def test_it_refuses_a_batch_without_its_fields(self, augmenter: Augmenter, rows: Rows) -> None:
        with pytest.raises(ValueError, match=augmenter.fields[0]):
            augmenter.check({"something_else": TensorSpec(("N",))})

    def test_shapes_and_types_stay(self, augmenter: Augmenter, rows: Rows) -> None:
        for count in (_count(rows), 1, 0):
            some = _some(rows, slice(0, count))
            changed = _apply(augmenter, some, np.arange(count))
            assert set(changed) <= set(rows), f"gave the fields {sorted(changed)} of {sorted(rows)}"
            for name, value in changed.items():
                assert (value.shape, value.dtype) == (some[name].shape, some[name].dtype), name

    def test_what_it_was_given_stays(self, augmenter: Augmenter, rows: Rows) -> None:
        given = {name: value.copy() for name, value in rows.items()}
        for value in given.values():
            value.flags.writeable = False
        _apply(augmenter, given, np.arange(_count(rows)))
        writable = {name: value.copy() for name, value in rows.items()}
        for value in _apply(augmenter, writable, np.arange(_count(rows))).values():
            value[...] = 0
        for name, value in writable.items():
            np.testing.assert_array_equal(value, rows[name], err_msg=f"writing into the result changed {name!r}")

    def test_it_can_be_repeated(self, augmenter: Augmenter, rows: Rows) -> None:
        positions = np.arange(_count(rows))
        first, again = (_apply(augmenter, rows, positions) for _ in range(2))
        for name, value in first.items():
            np.testing.assert_array_equal(again[name], value, err_msg=name)

    def test_a_row_does_not_depend_on_its_batch(self, augmenter: Augmenter, rows: Rows) -> None:
        positions = np.arange(_count(rows))
        whole = _apply(augmenter, rows, positions)
        for chosen in (positions[::-1], positions[3:4], positions[1::2]):
            part = _apply(augmenter, _some(rows, chosen), positions[chosen])
            for name, value in part.items():
                np.testing.assert_array_equal(value, whole[name][chosen], err_msg=name)

    def test_every_epoch_is_another(self, augmenter: Augmenter, rows: Rows) -> None:
        positions = np.arange(_count(rows))
        first = _apply(augmenter, rows, positions)
        for other in ({"seed": 1}, {"epoch": 1}):
            again = _apply(augmenter, rows, positions, **other)
            same = all(np.array_equal(again[name], value) for name, value in first.items())
            assert same != self.random, f"{'the same' if same else 'not the same'} with another {next(iter(other))}"

    def test_yaml_round_trip(self, augmenter: Augmenter, registry: Any) -> None:
        text = dump_yaml({"augmenter": encode(augmenter, registry)})
        assert decode("augmenter", load_yaml(text)["augmenter"], registry, "augmenter") == augmenter

    def test_is_plain_data(self, augmenter: Augmenter) -> None:
        assert dataclasses.replace(augmenter) == augmenter
        with pytest.raises(dataclasses.FrozenInstanceError):
            augmenter.name = "other"  # type: ignore[misc]


def _apply(augmenter: Augmenter, rows: Rows, positions: np.ndarray, *, seed: int = 0, epoch: int = 0) -> Rows:
    return augmenter.apply(rows, Draws(seed, "augmenter", epoch, positions))


def _some(rows: Rows, chosen: Any) -> Rows:
    return {name: value[chosen] for name, value in rows.items()}


def _count(rows: Rows) -> int:
    return len(next(iter(rows.values())))


def _specs(rows: Rows) -> dict[str, TensorSpec]:
    return {name: TensorSpec(("N", *value.shape[1:]), str(value.dtype)) for name, value in rows.items()}
