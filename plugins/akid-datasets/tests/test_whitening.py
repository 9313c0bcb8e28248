"""Whiten, GCN and ZCA: by hand, and by the properties that they promise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.data import Augmenter, Draws, Sensor
from akid_core.errors import DataError
from akid_core.specs import TensorSpec
from akid_datasets.augmenters.gcn import GCN
from akid_datasets.augmenters.whiten import Whiten
from akid_datasets.augmenters.zca import ZCA
from akid_datasets.sources.npz import Npz
from akid_datasets.sources.table import Table

from .chosen import changed

DRAWS = Draws(0, "", 0, np.arange(0))


class TestWhiten:
    def test_by_hand(self) -> None:
        # mean 4, deviations -3, -1, 1, 3: variance 5
        made = changed(Whiten(), np.array([1, 3, 5, 7], np.uint8).reshape(1, 1, 2, 2))
        assert made.dtype == np.float32
        np.testing.assert_allclose(made.ravel(), np.array([-3, -1, 1, 3]) / np.sqrt(5), rtol=1e-6)

    def test_pictures_of_almost_one_colour_stay_small(self) -> None:
        # the deviation 0.1 is below 1 / sqrt(4): divided by 0.5
        made = changed(Whiten(), np.array([[0.9, 0.9, 1.1, 1.1], [3.0, 3.0, 3.0, 3.0]]))
        np.testing.assert_allclose(made, [[-0.2, -0.2, 0.2, 0.2], [0, 0, 0, 0]], atol=1e-12)

    def test_a_mean_far_from_zero(self) -> None:
        values = np.random.default_rng(0).normal(1e4, 1, (3, 3, 32, 32)).astype(np.float32)
        made = changed(Whiten(), values).astype(np.float64)
        np.testing.assert_allclose(made.mean(axis=(1, 2, 3)), 0, atol=1e-3)  # one step of the values is 1e-3
        np.testing.assert_allclose(made.std(axis=(1, 2, 3)), 1, rtol=1e-3)


class TestGCN:
    def test_by_hand(self) -> None:
        values = np.array([[1.0, 3.0, 5.0, 7.0]])  # mean 4, variance 5
        np.testing.assert_allclose(changed(GCN(), values), np.array([[-3, -1, 1, 3]]) / np.sqrt(5))
        np.testing.assert_allclose(changed(GCN(scale=55, bias=11), values), np.array([[-3, -1, 1, 3]]) * 55 / 4)
        np.testing.assert_allclose(changed(GCN(epsilon=10), values), np.array([[-3, -1, 1, 3]]) / 10)
        assert changed(GCN(), np.full((1, 4), 9, np.uint8)).tolist() == [[0, 0, 0, 0]]

    @pytest.mark.parametrize("wrong", [{"scale": 0}, {"bias": -1}, {"epsilon": 0}])
    def test_settings_that_do_not_fit(self, wrong: Mapping[str, float]) -> None:
        with pytest.raises(ValueError, match="scale and epsilon must be above 0 and bias at least 0"):
            GCN(**wrong)


def correlated(count: int, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Rows whose values depend on each other, far from 0."""
    random = np.random.default_rng(seed)
    size = int(np.prod(shape))
    return (5 + random.normal(size=(count, size)) @ random.normal(size=(size, size))).reshape(count, *shape)


class TestZCA:
    def test_by_hand(self) -> None:
        # variances 2 and 1/2 about (100, -3): divided by sqrt(2 + 1/4) = 3/2 and sqrt(1/2 + 1/4)
        rows = {"image": np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]]) + np.array([100, -3])}
        zca = ZCA(epsilon=0.25)
        learnt = zca.fit([rows])
        np.testing.assert_allclose(learnt["image/mean"], [100, -3])
        np.testing.assert_allclose(learnt["image/whiten"], np.diag([2 / 3, 1 / np.sqrt(0.75)]), atol=1e-12)
        np.testing.assert_allclose(learnt["image/colour"], np.diag([1.5, np.sqrt(0.75)]), atol=1e-12)
        made = zca.transform({"image": np.array([[103.0, -3.0]])}, DRAWS, learnt)["image"]
        np.testing.assert_allclose(made, [[2.0, 0.0]], atol=1e-12)

    def test_what_comes_out_is_white(self) -> None:
        rows = {"image": correlated(500, (2, 3, 2))}
        zca = ZCA(epsilon=0.01)
        learnt = zca.fit([rows])
        made = zca.transform(rows, DRAWS, learnt)["image"].reshape(500, 12)
        spectrum = np.linalg.eigvalsh(np.cov(rows["image"].reshape(500, 12).T, bias=True))
        covariance = np.cov(made.T, bias=True)
        np.testing.assert_allclose(np.linalg.eigvalsh(covariance), np.sort(spectrum / (spectrum + 0.01)), rtol=1e-6)
        np.testing.assert_allclose(made.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(learnt["image/whiten"], learnt["image/whiten"].T, atol=1e-9)  # turned back

    @pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
    def test_its_inverse(self, dtype: type) -> None:
        rows = {"image": np.clip(correlated(300, (3, 4, 4)) * 10 + 100, 0, 255).astype(dtype)}
        zca = ZCA()
        learnt = zca.fit([rows])
        back = zca.inverse(zca.transform(rows, DRAWS, learnt), learnt)["image"]
        assert back.dtype == (np.float64 if dtype is np.float64 else np.float32)
        np.testing.assert_allclose(back, rows["image"], atol=1e-9 if dtype is np.float64 else 2e-2)

    @settings(deadline=None, max_examples=20)
    @given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5))
    def test_in_batches_of_any_size_it_learns_the_same(self, sizes: list[int]) -> None:
        values = correlated(sum(sizes) + 1, (4,)) + 1e5
        parts = np.split(values, np.cumsum(sizes))
        learnt = ZCA(epsilon=1.0).fit({"image": part} for part in parts)
        covariance = np.atleast_2d(np.cov(values.T, bias=True))
        np.testing.assert_allclose(learnt["image/mean"], values.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(
            learnt["image/colour"] @ learnt["image/colour"], covariance + np.eye(4), rtol=1e-6, atol=1e-6
        )

    @pytest.mark.parametrize("width", [5, 75, 192])
    def test_a_row_is_the_same_to_the_bit_among_any_others(self, width: int) -> None:
        rows = correlated(150, (width,)).astype(np.float32)
        zca = ZCA()
        learnt = zca.fit([{"image": rows}])
        whole = zca.transform({"image": rows}, DRAWS, learnt)["image"]
        random = np.random.default_rng(0)
        for size in (1, 2, 63, 64, 65, 150):
            chosen = random.permutation(150)[:size]
            np.testing.assert_array_equal(zca.transform({"image": rows[chosen]}, DRAWS, learnt)["image"], whole[chosen])

    def test_in_a_sensor(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AKID_DATA_DIR", str(tmp_path))
        pictures = np.clip(correlated(90, (3, 2, 2)) * 10 + 120, 0, 255).astype(np.uint8)
        np.savez(tmp_path / "train.npz", image=pictures)
        source = Npz(path=tmp_path / "train.npz")

        def made() -> np.ndarray:
            sensor = Sensor(source, batch_size=30, augment=(GCN(bias=10), ZCA(epsilon=1e-6)))
            np.testing.assert_array_equal(
                sensor.batch(0, 1).fields["image"], sensor.evaluation_batch(1).fields["image"]
            )
            return sensor.batch(0, 1).fields["image"]

        first = made()
        [kept] = (tmp_path / "learnt").iterdir()
        np.testing.assert_array_equal(made(), first)
        kept.write_bytes(kept.read_bytes()[:100])
        np.testing.assert_array_equal(made(), first)
        values = changed(GCN(bias=10), pictures)
        covariance = np.cov(values.reshape(90, 12).T, bias=True)
        learnt = np.load(kept)
        np.testing.assert_allclose(learnt["image/colour"] @ learnt["image/colour"], covariance, atol=1e-4)

    def test_other_columns_of_one_table_are_learnt_by_themselves(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AKID_DATA_DIR", str(tmp_path))
        (tmp_path / "four.csv").write_text("a,b,c,d\n1,2,50,7\n3,9,70,8\n5,4,60,2\n")
        for columns, mean in ((("a", "b"), [3, 5]), (("c", "d"), [60, 17 / 3])):
            source = Table(path=tmp_path / "four.csv", fields={"x": columns})
            white = Sensor(source, batch_size=3, augment=(ZCA(fields=("x",)),)).batch(0, 0).fields["x"]
            np.testing.assert_allclose(white.mean(axis=0), [0, 0], atol=1e-6)
            assert any(np.allclose(np.load(kept)["x/mean"], mean) for kept in (tmp_path / "learnt").iterdir())

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_numbers_that_are_not_finite(self, value: float) -> None:
        with pytest.raises(DataError, match="'image' holds numbers that are not finite"), np.errstate(invalid="ignore"):
            ZCA().fit([{"image": np.array([[1.0, 2.0], [3.0, value]])}])

    def test_settings_that_do_not_fit(self) -> None:
        with pytest.raises(ValueError, match="epsilon must be above 0, got 0"):
            ZCA(epsilon=0)


@pytest.mark.parametrize("augmenter", [Whiten(), GCN(), ZCA()])
def test_specs(augmenter: Augmenter) -> None:
    for dtype, expected in (("uint8", "float32"), ("float32", "float32"), ("float64", "float64")):
        spec = {"image": TensorSpec(("N", 3, 4, 4), dtype, "NCHW")}
        augmenter.check(spec)
        assert augmenter.outputs(spec) == {"image": TensorSpec(("N", 3, 4, 4), expected, "NCHW")}
    with pytest.raises(ValueError, match="of type uint8 or float16 or float32 or float64, but 'image' is int64"):
        augmenter.check({"image": TensorSpec(("N", 3), "int64")})
