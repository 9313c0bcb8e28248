"""A test suite for a Kid: subclass it and say which class.

::

    class TestMine(KidSuite):
        @pytest.fixture
        def kid_class(self):
            return MyKid
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from akid_core import layers as L
from akid_core.config.yaml import dump_yaml, parse
from akid_core.errors import ConfigurationError, RunDirectoryError
from akid_core.graph.brain import Brain
from akid_core.optimizers import Adam
from akid_core.training.config import Practice
from akid_core.training.kid import Kid
from akid_core.training.learner import Learner

STEPS = 6


def classifier() -> dict[str, Any]:
    """What a Kid is made with that learns to tell three classes of rows `x` on NumPy, for six steps."""
    random = np.random.default_rng(0)
    blocks = (L.Dense(units=4, name="hidden"), L.Tanh(), L.Dropout(rate=0.2), L.Dense(units=3, name="logits"))
    brain = Brain.sequential(*blocks, inputs="x", outputs="logits")
    return {
        "brain": brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "y"),
        "train": {"x": random.normal(size=(50, 5)).astype(np.float32), "y": random.integers(0, 3, 50)},
        "optimizer": Adam(learning_rate=0.01),
        "practice": Practice(steps=STEPS, checkpoint_every=2),
        "backend": "numpy",
        "seed": 4,
    }


class KidSuite:
    """Fill the fixture `kid_class`; `settings`, what it is made with, is `classifier()` unless given.

    A Kid with settings of its own has them in `settings["settings"]`. `rows`: what it predicts for, by input; by
    default normally distributed numbers.
    """

    @pytest.fixture
    def kid_class(self) -> type[Kid]:
        raise NotImplementedError("a KidSuite is about one class of Kid: give the fixture `kid_class`")

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return classifier()

    @pytest.fixture
    def kid(self, kid_class: type[Kid], settings: dict[str, Any]) -> Kid:
        return kid_class(**settings)

    @pytest.fixture
    def rows(self, kid: Kid) -> dict[str, np.ndarray]:
        random = np.random.default_rng(1)
        return {name: random.normal(size=(50, *spec.row)).astype(spec.dtype) for name, spec in kid.graph.asked.items()}

    def test_it_practises(self, kid: Kid) -> None:
        before = kid.network.read()
        result = kid.practice()
        assert (result.status, result.step) == ("done", STEPS)
        assert all(np.isfinite(value) for value in result.train.values())
        after = kid.network.read()
        assert any(not np.array_equal(after[path], value) for path, value in before.items()), "nothing was learned"

    def test_the_same_settings_give_the_same_bits(self, kid_class: type[Kid], settings: dict[str, Any]) -> None:
        one, other = (kid_class(**settings) for _ in range(2))
        assert one.practice().train == other.practice().train
        _same(one, other)

    def test_another_seed_gives_another_run(self, kid_class: type[Kid], settings: dict[str, Any]) -> None:
        one, other = (kid_class(**{**settings, "seed": seed}) for seed in (4, 5))
        assert one.practice().train != other.practice().train

    def test_it_stops_and_goes_on(self, kid_class: type[Kid], settings: dict[str, Any], tmp_path: Path) -> None:
        whole = kid_class(**settings)
        whole.practice(run_dir=tmp_path / "whole")
        kid_class(**settings).practice(run_dir=tmp_path / "parts", max_steps=STEPS // 2)
        resumed = kid_class(**settings)
        result = resumed.practice(run_dir=tmp_path / "parts", resume=True)
        assert result.step == STEPS
        _same(resumed, whole)

    def test_a_used_directory_is_not_begun_again(
        self, kid_class: type[Kid], settings: dict[str, Any], tmp_path: Path
    ) -> None:
        kid_class(**settings).practice(run_dir=tmp_path / "run")
        with pytest.raises(RunDirectoryError, match="resume"):
            kid_class(**settings).practice(run_dir=tmp_path / "run")

    def test_it_predicts_without_labels(self, kid: Kid, rows: dict[str, np.ndarray]) -> None:
        together, apart = (kid.predict(rows, batch_size=size) for size in (256, 7))
        several = together if isinstance(together, dict) else {"": together}
        for name, values in several.items():
            assert len(values) == len(next(iter(rows.values())))
            other = apart[name] if isinstance(apart, dict) else apart
            np.testing.assert_allclose(values, other, rtol=1e-5, atol=1e-6, err_msg=name)

    def test_validation_changes_nothing(self, kid: Kid) -> None:
        before = kid.network.read()
        assert kid.validate("train") == kid.validate("train") != {}
        for path, value in kid.network.read().items():
            np.testing.assert_array_equal(value, before[path], err_msg=path)

    def test_its_settings_make_it_again(self, kid_class: type[Kid], kid: Kid) -> None:
        again = kid_class.from_config(kid.described)
        assert type(again) is kid_class
        assert again.practice().train == kid.practice().train

    def test_it_composes_what_it_practises_from_what_was_said(self, kid: Kid, settings: dict[str, Any]) -> None:
        assert kid.described.brain == settings["brain"]
        assert kid.compose(kid.described) == kid.config, "`compose` gives something else each time"

    def test_its_own_settings_are_written_and_read(self, kid_class: type[Kid], kid: Kid) -> None:
        if kid_class is Kid:
            assert "kid" not in kid.to_config()
            return
        written = parse(dump_yaml({"kid": kid.to_config()["kid"]}), "config.yaml")
        assert Learner.from_config(written["kid"], kid.registry) == kid.config.kid

    def test_it_asks_for_data(self, kid_class: type[Kid], settings: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match="learn from"):
            kid_class(**{name: value for name, value in settings.items() if name not in ("train", "sensors")})


def _same(one: Kid, other: Kid) -> None:
    """The same parameters and optimizer state."""
    for mine, theirs in zip(one.strategy.gather(), other.strategy.gather(), strict=True):
        assert mine.keys() == theirs.keys()
        for name, value in mine.items():
            np.testing.assert_array_equal(value, theirs[name], err_msg=name)
