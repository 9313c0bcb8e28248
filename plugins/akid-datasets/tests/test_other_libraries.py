"""PerRow and albumentations: functions of others, seeded by row."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from akid_core.config import decode, encode
from akid_core.data import ArraySource, Augmenter, Draws, Reading, Sensor, Shuffled
from akid_core.errors import ConfigurationError, DataError, PluginImportError
from akid_core.plugins import default_manager
from akid_core.plugins.explicit import import_plugin
from akid_datasets.augmenters import albumentations as wrapper
from akid_datasets.augmenters.albumentations import Albumentations
from akid_datasets.augmenters.one_by_one import Gives
from akid_datasets.augmenters.per_row import PerRow

Row = dict[str, np.ndarray]
ROWS = {
    "image": np.random.default_rng(0).integers(0, 256, (20, 3, 8, 6)).astype(np.uint8),
    "label": np.arange(20),
}


def sensor(*augment: Augmenter, batch_size: int = 20, rows: Mapping[str, np.ndarray] = ROWS) -> Sensor:
    source = ArraySource(data={"train": rows})
    return Sensor(source, batch_size=batch_size, seed=1, sampler=Shuffled(), augment=augment)


def add(row: Row, random: np.random.Generator) -> Row:
    return {"image": row["image"] + random.integers(0, 5, dtype=np.uint8)}


def add_to_label(row: Row, random: np.random.Generator) -> Row:
    row["label"] += 100
    return row


def widen(row: Row, random: np.random.Generator) -> Row:
    return {"image": row["image"].astype(np.float64)}


def forget(row: Row, random: np.random.Generator) -> None:
    row["image"] += 1


def fail(row: Row, random: np.random.Generator) -> Row:
    if row["label"] == 7:
        raise RuntimeError("no sevens")
    return {}


def add_a_field(row: Row, random: np.random.Generator) -> Row:
    return {"more": row["label"]}


def path(function: object) -> str:
    return f"{__name__}:{function.__name__}"  # type: ignore[attr-defined]


class TestPerRow:
    def test_each_row_has_a_generator_of_its_own(self) -> None:
        made = sensor(PerRow(function=path(add))).batch(2, 0)
        seeds = Draws(1, "per_row", 2, np.arange(20)).seeds()
        more = [np.random.default_rng(seed).integers(0, 5, dtype=np.uint8) for seed in seeds]
        assert len(set(more)) > 2
        expected = ROWS["image"][made.rows] + np.array(more).reshape(-1, 1, 1, 1)
        np.testing.assert_array_equal(made.fields["image"], expected)

    def test_fields_that_it_does_not_give_stay_and_rows_are_copies(self) -> None:
        made = sensor(PerRow(function=path(add_to_label), fields=("image", "label"))).batch(0, 0)
        np.testing.assert_array_equal(made.fields["image"], ROWS["image"][made.rows])
        np.testing.assert_array_equal(made.fields["label"], made.rows + 100)
        assert ROWS["label"].max() == 19

    def test_in_evaluation(self) -> None:
        plain, both = (
            sensor(PerRow(function=path(add_to_label), fields=("label",), evaluate=evaluate))
            for evaluate in (False, True)
        )
        np.testing.assert_array_equal(plain.evaluation_batch(0).fields["label"], np.arange(20))
        np.testing.assert_array_equal(both.evaluation_batch(0).fields["label"], np.arange(20) + 100)
        typed = sensor(PerRow(function=path(widen), gives={"image": Gives(dtype="float64")}))
        assert typed.evaluation_batch(0).fields["image"].dtype == np.float64

    def test_an_error_names_its_row(self) -> None:
        made = sensor(PerRow(function=path(fail), fields=("label",)))
        with pytest.raises(RuntimeError, match="no sevens") as caught:
            made.batch(0, 0)
        position = int(np.flatnonzero(Shuffled().rows(np.arange(20), size=20, seed=1, epoch=0) == 7)[0])
        assert f"while '{path(fail)}' changed the row at position {position} of epoch 0" in caught.value.__notes__

    def test_what_it_gives_is_held_against_what_was_said(self) -> None:
        message = (
            r"widen' at position 0 of epoch 0 gave float64\[3, 8, 6\] for the field 'image', which should be uint8"
        )
        with pytest.raises(DataError, match=message):
            sensor(PerRow(function=path(widen))).batch(0, 0)
        with pytest.raises(DataError, match="forget' at position 0 of epoch 0 gave a NoneType; it gives a dictionary"):
            sensor(PerRow(function=path(forget))).batch(0, 0)
        with pytest.raises(DataError, match="gave the field 'more': say with `gives` what its shape and dtype are"):
            sensor(PerRow(function=path(add_a_field), fields=("label",))).batch(0, 0)
        gives = {"more": Gives(shape=(), dtype="int64"), "other": Gives(shape=(), dtype="int64")}
        with pytest.raises(DataError, match="gave nothing for the field 'other', which should be int64"):
            sensor(PerRow(function=path(add_a_field), fields=("label",), gives=gives)).batch(0, 0)

    def test_settings_that_do_not_fit(self) -> None:
        with pytest.raises(ValueError, match="import path such as 'torch.nn:Linear', got 'add'"):
            PerRow(function="add")
        with pytest.raises(ConfigurationError, match="PerRow.function: expected text, got <function"):
            PerRow(function=add)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="per_row: the target no_such_module:add does not import"):
            sensor(PerRow(function="no_such_module:add"))
        with pytest.raises(ConfigurationError, match="the new field 'more' needs a shape and a dtype"):
            sensor(PerRow(function=path(add), gives={"more": Gives(dtype="int64")}))

    def test_other_processes_find_a_function_in_a_plugin_file(self, tmp_path: Path) -> None:
        file = tmp_path / "my_rows.py"
        file.write_text(
            "def brighter(row, random):\n    return {'image': row['image'] | random.integers(9, dtype='uint8')}\n"
        )
        import_plugin(str(file))
        read = []
        for reading in (Reading(threads=0), Reading(processes=1)):
            source = ArraySource(data={"train": ROWS})
            made = Sensor(source, batch_size=5, augment=(PerRow(function="my_rows:brighter"),), reading=reading)
            with made.spans([(step, 1) for step in range(4)]) as spans:
                read.append([span.fields["image"].copy() for span in spans])
        np.testing.assert_array_equal(*read)

    def test_in_yaml(self) -> None:
        registry = default_manager().registry
        made = PerRow(function=path(add), gives={"more": Gives(shape=(3, 2), dtype="int64")}, evaluate=True)
        text = {
            "per_row": {"function": path(add), "gives": {"more": {"shape": [3, 2], "dtype": "int64"}}, "evaluate": True}
        }
        assert encode(made, registry) == text
        assert decode("augmenter", text, registry) == made


FLIP = {
    "__version__": "2.0.8",
    "transform": {
        "__class_fullname__": "Compose",
        "p": 1.0,
        "transforms": [{"__class_fullname__": "HorizontalFlip", "p": 0.5}],
    },
}
LOST = {"__version__": "2.0.8", "transform": {"__class_fullname__": "NoSuchTransform"}}


def noisy() -> Any:
    """A pipeline with several generators."""
    import albumentations

    changes = [
        albumentations.RandomBrightnessContrast(p=0.8),
        albumentations.HorizontalFlip(),
        albumentations.GaussNoise(),
    ]
    return albumentations.Compose(changes)


class TestAlbumentations:
    @pytest.fixture(autouse=True)
    def library(self) -> object:
        return pytest.importorskip("albumentations")

    def test_each_row_is_flipped_or_not(self) -> None:
        made = sensor(Albumentations(transform=FLIP)).batch(0, 0)
        given = ROWS["image"][made.rows]
        flipped = (made.fields["image"] == given[..., ::-1]).all(axis=(1, 2, 3))
        stayed = (made.fields["image"] == given).all(axis=(1, 2, 3))
        assert (flipped ^ stayed).all()
        assert 2 < flipped.sum() < 18

    def test_as_the_library_does_with_the_same_seeds(self, library: object) -> None:
        made = sensor(Albumentations(transform=f"{__name__}:noisy")).batch(3, 0)
        compose, seeds = noisy(), Draws(1, "albumentations", 3, np.arange(20)).seeds()
        for picture, row, seed in zip(made.fields["image"], made.rows, seeds, strict=True):
            compose.set_random_seed(int(seed % 2**32))
            expected = compose(image=ROWS["image"][row].transpose(1, 2, 0))["image"].transpose(2, 0, 1)
            np.testing.assert_array_equal(picture, expected)

    def test_grey_pictures_and_masks(self) -> None:
        masks = np.arange(20 * 30).reshape(20, 5, 6)
        rows = {"photo": masks[:, np.newaxis].astype(np.float32), "mask": masks}
        made = sensor(Albumentations(transform=FLIP, fields=("photo", "mask")), rows=rows).batch(0, 0).fields
        np.testing.assert_array_equal(made["photo"][:, 0], made["mask"])
        assert made["mask"].dtype == np.int64

    def test_another_size(self) -> None:
        half = {"__class_fullname__": "Resize", "height": 4, "width": 3, "p": 1.0}
        transform = {**FLIP, "transform": {**FLIP["transform"], "transforms": [half]}}  # type: ignore[dict-item]
        made = sensor(Albumentations(transform=transform, gives={"image": Gives(shape=(3, 4, 3))}))
        assert made.batch(0, 0).fields["image"].shape == (20, 3, 4, 3)
        assert made.evaluation_batch(0).fields["image"].shape == (20, 3, 4, 3)

    def test_many_threads_give_the_same(self) -> None:
        made = sensor(Albumentations(transform=f"{__name__}:noisy"), batch_size=2)
        alone = [made.batch(0, index).fields["image"] for index in range(10)]
        together: dict[int, np.ndarray] = {}

        def read(index: int) -> None:
            together[index] = made.batch(0, index).fields["image"]

        threads = [threading.Thread(target=read, args=(index,)) for index in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for index, expected in enumerate(alone):
            np.testing.assert_array_equal(together[index], expected)

    def test_what_is_no_compose(self) -> None:
        with pytest.raises(ConfigurationError, match="must be an albumentations.Compose, got dict"):
            sensor(Albumentations(transform=f"{__name__}:FLIP"))
        with pytest.raises(ConfigurationError, match="test_other_libraries:add makes no transform: add.. missing 2"):
            sensor(Albumentations(transform=f"{__name__}:add"))
        with (
            pytest.warns(UserWarning, match="NoSuchTransform"),
            pytest.raises(ConfigurationError, match="'NoSuchTransform'.* makes no transform"),
        ):
            sensor(Albumentations(transform=LOST))
        with pytest.raises(ConfigurationError, match="the target no_such_module:x does not import"):
            sensor(Albumentations(transform="no_such_module:x"))


def test_without_albumentations(monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper._compose.cache_clear()
    monkeypatch.setitem(sys.modules, "albumentations", None)
    with pytest.raises(PluginImportError, match=r"Install it with: pip install 'akid-datasets\[albumentations\]'"):
        sensor(Albumentations(transform=FLIP))
