"""ImageFolder: folders of classes, held-out shares, and files that are no images."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from akid_core.data import Source, sensors
from akid_core.errors import AkidWarning, DataError
from akid_core.testing.sources import SourceSuite
from akid_datasets.sources.image_folder import ImageFolder


def picture(path: Path, value: int, size: tuple[int, int] = (4, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), value, np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Rows to train on are of the values 10, 11 (class a), 20 (b), 30 (c)."""
    picture(tmp_path / "train/b/x.png", 20)
    picture(tmp_path / "train/a/2.png", 11)
    picture(tmp_path / "train/a/1.PNG", 10)
    picture(tmp_path / "train/c/deeper/z.bmp", 30)
    picture(tmp_path / "val/c/1.png", 40)
    return tmp_path


class TestImageFolder(SourceSuite):
    splits = ("train", "val")

    @pytest.fixture(autouse=True)
    def _where(self, folder: Path) -> None:
        self.folder = folder

    def source(self) -> Source:
        return ImageFolder(path=self.folder, size=3)


def values(source: Source) -> list[int]:
    return source.rows(np.arange(len(source)))["image"][:, 0, 0, 0].tolist()


def test_rows_by_class_and_name(folder: Path) -> None:
    source = ImageFolder(path=str(folder))
    assert source.class_names == ("a", "b", "c")
    assert str(source.spec["image"]) == "uint8[N, 3, 4, 6]"
    assert values(source) == [10, 11, 20, 30]
    assert source.column("label").tolist() == [0, 0, 1, 2]
    assert source.rows(np.array([3, 0]))["label"].tolist() == [2, 0]
    validation = ImageFolder(path=folder, split="val")
    assert (values(validation), validation.column("label").tolist()) == ([40], [2])
    assert len(ImageFolder(path=folder, split="test")) == 0


def test_given_classes_are_the_labels(folder: Path) -> None:
    source = ImageFolder(path=folder, classes=["c", "a"])
    assert (values(source), source.column("label").tolist()) == ([30, 10, 11], [0, 1, 1])
    with pytest.raises(DataError, match="d of the class 'd' is missing"):
        len(ImageFolder(path=folder, classes=("a", "d")))


def test_held_out_shares_are_a_rule(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        (tmp_path / "ab"[number % 2] / f"{number}.png").touch()
    settings = {"path": tmp_path, "size": 2, "val_share": 0.2, "test_share": 0.1}
    parts = {split: ImageFolder(split=split, **settings)._listing for split in ("train", "val", "test")}
    names = {split: {part.name(row) for row in range(len(part))} for split, part in parts.items()}
    assert sum(map(len, names.values())) == len(set.union(*names.values())) == 300
    # binomial: deviations of 8 and 5 about 60 and 30
    assert 36 < len(names["val"]) < 84
    assert 14 < len(names["test"]) < 46
    (tmp_path / "a/new.png").touch()
    for split, part in names.items():
        after = ImageFolder(split=split, **settings)._listing
        assert part <= {after.name(row) for row in range(len(after))}, "an image went to another split"
    whole = ImageFolder(path=tmp_path, size=2)
    assert (len(whole), len(ImageFolder(path=tmp_path, size=2, split="val"))) == (301, 0)


def test_shares_where_there_are_splits(folder: Path) -> None:
    with pytest.raises(DataError, match="has folders for its splits already"):
        len(ImageFolder(path=folder, val_share=0.1))
    with pytest.raises(ValueError, match="leave something to train on"):
        ImageFolder(path=folder, val_share=0.5, test_share=0.5)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"<html>", "does not decode as an image"), (b"\x89PNG\r\n\x1a\n", "does not decode")],
)
def test_files_that_are_no_images_are_named(folder: Path, content: bytes, said: str) -> None:
    (folder / "train/b/x.png").write_bytes(content)
    source = ImageFolder(path=folder, size=4)
    assert values(ImageFolder(path=folder, classes=("a", "c"), size=4)) == [10, 11, 30]
    with pytest.raises(DataError, match=rf"train/b/x.png \(row 2 of the split 'train'\) {said}"):
        source.rows(np.arange(4))


def test_other_files(folder: Path) -> None:
    (folder / "train/a/notes.txt").touch()
    (folder / "train/a/.DS_Store").touch()
    (folder / "train/.hidden").mkdir()
    with pytest.warns(AkidWarning, match="Left out of .*/a, as no images by their names: 1 file, such as a/notes.txt"):
        assert len(ImageFolder(path=folder)) == 4


def test_folders_that_are_no_splits(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "validation").mkdir()  # beside a folder 'val'
    assert len(ImageFolder(path=folder)) == 4
    (folder / "Testing").mkdir()
    with pytest.warns(AkidWarning, match="/Testing is left out: one for this split is called 'test'") as told:
        assert len(ImageFolder(path=folder)) == 4
    assert len(told) == 1


def test_images_of_other_sizes_need_a_size(folder: Path) -> None:
    picture(folder / "train/b/x.png", 20, (5, 6))
    with pytest.raises(DataError, match=r"x.png \(row 2 .*has 5 by 6 pixels, but the first has 4 by 6; give a size"):
        values(ImageFolder(path=folder))
    assert values(ImageFolder(path=folder, size=4)) == [10, 11, 20, 30]


def test_folders_that_are_not_as_they_should_be(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere cannot be read: No such file"):
        len(ImageFolder(path=tmp_path / "nowhere"))
    picture(folder / "val/d/1.png", 0)
    with pytest.raises(DataError, match="val/d is of no class that there is in .*train"):
        len(ImageFolder(path=folder, split="val"))
    (folder / "train/e").mkdir()
    with pytest.raises(DataError, match="train/e of the class 'e' has no images"):
        len(ImageFolder(path=folder))
    shutil.rmtree(folder / "val")
    assert len(ImageFolder(path=folder, split="val")) == 0


def test_a_file_that_vanishes(folder: Path) -> None:
    source = ImageFolder(path=folder)
    assert len(source) == 4
    (folder / "train/a/2.png").unlink()
    with pytest.raises(DataError, match="2.png .row 1 .* cannot be read: No such file"):
        source.rows(np.array([1]))


def test_fingerprints_follow_names_and_labels(folder: Path) -> None:
    first = ImageFolder(path=folder).fingerprint()
    assert ImageFolder(path=folder).fingerprint() == first
    assert ImageFolder(path=folder, classes=("b", "a", "c")).fingerprint() != first
    (folder / "train/a/1.PNG").touch()
    assert ImageFolder(path=folder).fingerprint() == first, "the same files, at another time"
    picture(folder / "train/a/3.png", 1)
    assert ImageFolder(path=folder).fingerprint() != first


def test_fingerprints_see_new_content_under_old_names(folder: Path) -> None:
    def known(value: int, size: int) -> str:
        picture(folder / "train/c/deeper/z.bmp", value, (size, 6))
        return ImageFolder(path=folder).fingerprint()

    assert len({known(30, 4), known(31, 4), known(30, 5)}) == 3, "one changed in its bytes alone, one in its size"
    source = ImageFolder(path=folder)
    assert len(source) == 4
    (folder / "train/b/x.png").unlink()
    with pytest.raises(DataError, match="The image .*train/b/x.png cannot be read: No such file"):
        source.fingerprint()


def test_it_travels_to_other_processes(folder: Path) -> None:
    source = ImageFolder(path=folder, size=2)
    assert values(pickle.loads(pickle.dumps(source))) == values(source) == [10, 11, 20, 30]


def test_a_sensor_reads_it(folder: Path) -> None:
    train = sensors(ImageFolder(path=folder), batch_size=3).sensor("train", 0, None)
    assert train is not None
    rows = [row for step in range(train.steps_per_epoch) for row in train.span(step, 1).rows[0].tolist()]
    assert sorted(rows) == [0, 1, 2, 3]
