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
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from akid_core.config.components import decode, encode
from akid_core.config.yaml import dump_yaml, load_yaml
from akid_core.data.arrays import ArraySource
from akid_core.data.augmentation import fits
from akid_core.data.augmenter import Augmenter, Fitted, Mixer, Specs
from akid_core.data.draws import Draws
from akid_core.data.place import VARIABLE
from akid_core.data.sampler import Shuffled
from akid_core.data.sensor import Sensor
from akid_core.plugins.manager import default_manager
from akid_core.specs.tensor import TensorSpec

Rows = Mapping[str, np.ndarray]


class AugmenterSuite:
    """Fill the fixtures `augmenter` and `rows`: at least ten rows of the fields that it changes, each (n, ...).

    `random`: it draws at random, so that another seed and another epoch give something else. A Mixer finds its partners
    among the rows, a Fitted learns from them. What is learnt is kept in a folder of the test's own.
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

    @pytest.fixture(autouse=True)
    def _own_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, str(tmp_path))

    def test_it_takes_the_fields(self, augmenter: Augmenter, rows: Rows) -> None:
        augmenter.check(_specs(rows))

    def test_it_refuses_a_batch_without_its_fields(self, augmenter: Augmenter, rows: Rows) -> None:
        with pytest.raises(ValueError, match=augmenter.fields[0]):
            augmenter.check({"something_else": TensorSpec(("N",))})

    def test_outputs_are_what_comes_out(self, augmenter: Augmenter, rows: Rows) -> None:
        before = _specs(rows)
        after = augmenter.outputs(before)
        for count in (_count(rows), 1, 0):
            changed = _changed(augmenter, rows, np.arange(count))
            assert set(changed) <= set(after), f"gave the fields {sorted(changed)} of {sorted(after)}"
            for name, spec in after.items():
                value = changed.get(name, rows.get(name, np.empty(0))[:count])
                assert len(value) == count, f"'{name}' has {len(value)} rows of {count}"
                assert fits(value, spec, count), f"'{name}' is {value.dtype}{list(value.shape)}, but should be {spec}"

    def test_what_it_was_given_stays(self, augmenter: Augmenter, rows: Rows) -> None:
        given = {name: value.copy() for name, value in rows.items()}
        for value in given.values():
            value.flags.writeable = False
        _changed(augmenter, given, np.arange(_count(rows)))
        writable = {name: value.copy() for name, value in rows.items()}
        for value in _changed(augmenter, writable, np.arange(_count(rows))).values():
            value[...] = 0
        for name, value in writable.items():
            np.testing.assert_array_equal(value, rows[name], err_msg=f"writing into the result changed {name!r}")

    def test_it_can_be_repeated(self, augmenter: Augmenter, rows: Rows) -> None:
        positions = np.arange(_count(rows))
        first, again = (_changed(augmenter, rows, positions) for _ in range(2))
        for name, value in first.items():
            np.testing.assert_array_equal(again[name], value, err_msg=name)

    def test_a_row_does_not_depend_on_its_batch(self, augmenter: Augmenter, rows: Rows) -> None:
        positions = np.arange(_count(rows))
        whole = _changed(augmenter, rows, positions)
        for chosen in (positions[::-1], positions[3:4], positions[1::2]):
            part = _changed(augmenter, rows, chosen)
            for name, value in part.items():
                np.testing.assert_array_equal(value, whole[name][chosen], err_msg=name)

    def test_a_sensor_gives_the_same_in_batches_of_any_size(self, augmenter: Augmenter, rows: Rows) -> None:
        def epoch(batch_size: int) -> dict[str, np.ndarray]:
            source = ArraySource(data={"train": rows})
            sensor = Sensor(source, batch_size=batch_size, seed=3, sampler=Shuffled(), augment=(augmenter,))
            batches = [sensor.batch(1, index).fields for index in range(sensor.steps_per_epoch)]
            return {name: np.concatenate([batch[name] for batch in batches]) for name in sensor.spec}

        whole = epoch(_count(rows))
        for batch_size in (1, 3):
            for name, value in epoch(batch_size).items():
                np.testing.assert_array_equal(value, whole[name], err_msg=name)

    def test_every_epoch_is_another(self, augmenter: Augmenter, rows: Rows) -> None:
        positions = np.arange(_count(rows))
        first = _changed(augmenter, rows, positions)
        for other in ({"seed": 1}, {"epoch": 1}):
            again = _changed(augmenter, rows, positions, **other)
            same = all(np.array_equal(again[name], value) for name, value in first.items())
            assert same != self.random, f"{'the same' if same else 'not the same'} with another {next(iter(other))}"

    def test_its_evaluation_form_is_certain(self, augmenter: Augmenter, rows: Rows) -> None:
        form = augmenter.evaluation()
        if form is None:
            pytest.skip("nothing stands for it")
        assert form.evaluation() == form, "the evaluation form of its evaluation form is another one"
        first, again = (_evaluated(form, rows, seed) for seed in (0, 1))
        for name, value in first.items():
            np.testing.assert_array_equal(again[name], value, err_msg=f"{name} changes with the seed")

    def test_rows_to_evaluate_look_alike(self, augmenter: Augmenter, rows: Rows) -> None:
        before, form = _specs(rows), augmenter.evaluation()
        there = before if form is None else form.outputs(before)
        said, found = (
            {name: (spec.shape, spec.dtype) for name, spec in specs.items()}
            for specs in (augmenter.outputs(before), there)
        )
        assert found == said, "its evaluation form must make fields of the same shapes and types"

    def test_partners_lie_within_the_epoch(self, augmenter: Augmenter) -> None:
        if not isinstance(augmenter, Mixer):
            pytest.skip("mixes no rows")
        for size in (1, 2, 10, 63, 64, 65, 1000):
            positions = np.arange(size)
            partners = augmenter.partners(Draws(0, "augmenter", 0, positions), size)
            assert partners.shape == (size,)
            assert partners.dtype == np.int64
            assert ((partners >= 0) & (partners < size)).all(), f"a partner lies outside of an epoch of {size} rows"
            some = augmenter.partners(Draws(0, "augmenter", 0, positions[::3]), size)
            np.testing.assert_array_equal(some, partners[::3], err_msg="the partner depends on the batch")

    def test_what_is_learnt_does_not_depend_on_batches(self, augmenter: Augmenter, rows: Rows) -> None:
        if not isinstance(augmenter, Fitted):
            pytest.skip("learns nothing")
        whole = augmenter.fit([rows])
        for size in (1, 3):
            pieces = (_some(rows, slice(first, first + size)) for first in range(0, _count(rows), size))
            for name, value in augmenter.fit(pieces).items():
                np.testing.assert_allclose(value, whole[name], rtol=1e-3, atol=1e-5, err_msg=name)

    def test_together_is_one_by_one(self, augmenter: Augmenter, rows: Rows) -> None:
        together = type(augmenter).together
        if together is None:
            pytest.skip("works by itself")
        positions = np.arange(_count(rows))
        one_by_one, parts, spec = dict(rows), [], _specs(rows)
        for path in ("first", "second"):
            try:
                augmenter.check(spec)
            except ValueError:
                break  # it cannot follow itself
            parts.append((augmenter, Draws(0, path, 0, positions)))
            one_by_one |= augmenter.apply(one_by_one, parts[-1][1])
            spec = augmenter.outputs(spec)
            for name, value in {**rows, **together(parts, rows)}.items():
                np.testing.assert_array_equal(value, one_by_one[name], err_msg=name)

    def test_yaml_round_trip(self, augmenter: Augmenter, registry: Any) -> None:
        text = dump_yaml({"augmenter": encode(augmenter, registry)})
        assert decode("augmenter", load_yaml(text)["augmenter"], registry, "augmenter") == augmenter

    def test_is_plain_data(self, augmenter: Augmenter) -> None:
        assert dataclasses.replace(augmenter) == augmenter
        with pytest.raises(dataclasses.FrozenInstanceError):
            augmenter.name = "other"  # type: ignore[misc]


def _changed(augmenter: Augmenter, rows: Rows, positions: np.ndarray, *, seed: int = 0, epoch: int = 0) -> Rows:
    """The changed fields at some positions of an epoch in which row number p stands at position p."""
    random = Draws(seed, "augmenter", epoch, positions)
    fields = rows if np.array_equal(positions, np.arange(_count(rows))) else _some(rows, positions)
    if isinstance(augmenter, Mixer):
        return augmenter.mix(fields, _some(rows, augmenter.partners(random, _count(rows))), random)
    if isinstance(augmenter, Fitted):
        return augmenter.transform(fields, random, augmenter.fit([rows]))
    return augmenter.apply(fields, random)


def _evaluated(form: Augmenter, rows: Rows, seed: int) -> Rows:
    """All rows as a Sensor gives them to be evaluated."""
    source = ArraySource(data={"train": rows})
    return Sensor(source, batch_size=_count(rows), seed=seed, augment=(form,)).evaluation_batch(0).fields


def _some(rows: Rows, chosen: Any) -> Rows:
    return {name: value[chosen] for name, value in rows.items()}


def _count(rows: Rows) -> int:
    return len(next(iter(rows.values())))


def _specs(rows: Rows) -> Specs:
    return {name: TensorSpec(("N", *value.shape[1:]), str(value.dtype)) for name, value in rows.items()}
