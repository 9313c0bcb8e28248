"""Imagenet: the layouts in which its files lie, made small."""

from __future__ import annotations

import base64
import io
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from akid_core.data import Source, Windowed
from akid_core.errors import DataError
from akid_core.testing.sources import SourceSuite
from akid_datasets.formats.decoding import Decoding
from akid_datasets.formats.matlab import read_table
from akid_datasets.sources.imagenet import Imagenet

# What scipy 1.17.1 `io.savemat({"other": …, "synsets": …}, do_compression=True)` wrote for a 3 by 1 structure with the
# fields of the development kit's meta.mat: (1, "n02119789", "kit fox, Vulpes macrotis", no children), (2, "n02100735",
# "Fuchs ä", no children), (1001, "n00001740", "entity", the children 5 and 6).
META = base64.b64decode(
    """
TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IFN1biBOb3YgMjIgMTk6NTM6MTQgMjAyNgAAAAAAAAAAAA
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0PAAAAMAAAAHic42NgYAgAYjYg5oDSIMAK5TMCMTOUBonll2Sk
FgFpTiCWYEAHH+yhDAcAiwQEPA8AAAAYAQAAeJzjY2BgCGBhYGAD0hxAzMQAAaxQPjMQM0IxOxAXV+YVp5YUA+VZGPig4m5A7OkTHBbkbGRgaB
Tv6cIQ7gck4KA8vyilGM5LzsjMSSlKzYPw8kpzGZAByEwLBoR72NDcw4iEQYATKg4BH+xB+h2Q9LNg0c+JpF8Ays8zMDI0tDS3sERyhwcBcyTQ
zAHxszNLFNLyK3QUwkpzClKLFXITk4vySzKLQeYZ4PEXDCD7C+YOZH3cBMKDBRiDjBSHI4MDJeFoYGBubIrkfgsC5rCjmQMSdytNzihWOLyEnu
HGRGm4efRTEG5AYGhuYkBCuLGhmQPip+aVZJZUQvQjuwObP5jQ/CEAD00RBwgt4UBOOL4EFhoA1QowVw==
"""
)


def jpeg(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, 30, 3), value, np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def put(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg(value))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes; n02100735 comes first when sorted, though its number in the kit is 2."""
    monkeypatch.setenv("AKID_DATA_DIR", str(tmp_path / "cache"))
    put(tmp_path / "train/n02119789/n02119789_1.JPEG", 200)
    put(tmp_path / "train/n02100735/n02100735_1.JPEG", 100)
    for number, value in ((1, 50), (2, 60), (3, 70)):
        put(tmp_path / f"val/ILSVRC2012_val_{number:08}.JPEG", value)
    return tmp_path


def kit(folder: Path, truth: str) -> None:
    data = folder / "ILSVRC2012_devkit_t12/data"
    data.mkdir(parents=True)
    (data / "ILSVRC2012_validation_ground_truth.txt").write_text(truth)
    (data / "meta.mat").write_bytes(META)


class TestImagenet(SourceSuite):
    splits = ("train", "val")

    @pytest.fixture(autouse=True)
    def _where(self, folder: Path) -> None:
        kit(folder, "1\n2\n2\n")
        self.folder = folder

    def source(self) -> Source:
        return Imagenet(path=self.folder, size=16)


def test_validation_by_the_development_kit(folder: Path) -> None:
    kit(folder, "1\n2\n2\n")
    train, val = (Imagenet(path=folder, split=split) for split in ("train", "val"))
    assert str(train.spec["image"]) == str(val.spec["image"]) == "uint8[N, 3, 256, 256]"
    assert (train.column("label").tolist(), val.column("label").tolist()) == ([0, 1], [1, 0, 0])
    assert np.abs(val.rows(np.arange(3))["image"][:, 0, 0, 0] - [50, 60, 70]).max() <= 1
    assert len(Imagenet(path=folder, split="test")) == 0
    assert train.fingerprint() != val.fingerprint()
    assert train.about()["folder"] == str(folder)


def test_a_column_of_labels_decodes_no_images(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decoding, "decode", lambda *_: pytest.fail("decoded an image"))
    assert Imagenet(path=folder).column("label").tolist() == [0, 1]


def test_validation_by_the_table_of_solutions(folder: Path) -> None:
    (folder / "LOC_val_solution.csv").write_text(
        "ImageId,PredictionString\n"
        "ILSVRC2012_val_00000003,n02119789 85 1 499 272 n02119789 1 2 3 4 \n"
        "ILSVRC2012_val_00000001,n02100735 1 1 2 2 \n"
        "ILSVRC2012_val_00000002,n02100735 1 1 2 2 \n"
    )
    assert Imagenet(path=folder, split="val").column("label").tolist() == [0, 0, 1]


def test_validation_in_folders(folder: Path) -> None:
    for path in (folder / "val").iterdir():
        path.unlink()
    put(folder / "val/n02119789/x.JPEG", 1)
    assert Imagenet(path=folder, split="val").column("label").tolist() == [1]


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        (None, "validation_ground_truth.txt is missing, .* Put the development kit"),
        ("1\n2\n", "has 2 lines for 3 images"),
        ("1\n2\n7\n", "has the class number 7, which train does not have for the image ILSVRC2012_val_00000003"),
        ("1\n2\n1001\n", "has the class n00001740, which train does not have"),
    ],
)
def test_unknown_classes(folder: Path, truth: str | None, said: str) -> None:
    if truth is not None:
        kit(folder, truth)
    with pytest.raises(DataError, match=said):
        len(Imagenet(path=folder, split="val"))


def test_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKID_DATA_DIR", str(tmp_path / "cache"))
    for split, labels in (("train", ["999", "3"]), ("val", ["1000"])):
        with tarfile.open(tmp_path / f"imagenet-{split}-000000.tar", "w") as archive:
            for row, label in enumerate(labels):
                for ending, data in (("jpg", jpeg(90 + row)), ("cls", label.encode()), ("json", b'{"name": "x"}')):
                    info = tarfile.TarInfo(f"{row}.{ending}")
                    info.size = len(data)
                    archive.addfile(info, io.BytesIO(data))
    train = Imagenet(path=tmp_path, size=8)
    assert train.rows(np.arange(2))["label"].tolist() == [999, 3]
    assert isinstance(train.order(), Windowed)
    with pytest.raises(
        DataError, match=r"val-000000.tar, the member '0.cls' \(row 0 .* the label 1000; valid are 0 to 999"
    ):
        Imagenet(path=tmp_path, split="val").rows(np.arange(1))


def test_matlab_tables(tmp_path: Path) -> None:
    path = tmp_path / "meta.mat"
    path.write_bytes(META)
    rows = read_table(path, "synsets")
    assert [(row["ILSVRC2012_ID"].tolist(), row["WNID"], row["words"]) for row in rows] == [
        ([1.0], "n02119789", "kit fox, Vulpes macrotis"),
        ([2.0], "n02100735", "Fuchs ä"),
        ([1001.0], "n00001740", "entity"),
    ]
    with pytest.raises(DataError, match="has no structure 'others'"):
        read_table(path, "others")


def test_damaged_matlab_tables(tmp_path: Path) -> None:
    path = tmp_path / "meta.mat"
    for size in (0, 100, 130, 200, len(META) - 20):
        path.write_bytes(META[:size])
        with pytest.raises(DataError, match="meta.mat (is damaged|is no file of MATLAB's)"):
            read_table(path, "synsets")
    packed = META.index(b"x\x9c", 190)  # the second element: cut its unpacked content
    short = zlib.compress(zlib.decompress(META[packed:])[:-30])
    path.write_bytes(META[: packed - 8] + b"\x0f\0\0\0" + len(short).to_bytes(4, "little") + short)
    with pytest.raises(DataError, match="is damaged"):
        read_table(path, "synsets")
