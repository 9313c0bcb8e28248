"""Table: columns of CSV and Parquet, by kind, with classes and missing values, and what is wrong with files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from akid_core.data import Source
from akid_core.errors import DataError
from akid_core.specs import TensorSpec
from akid_core.testing.sources import SourceSuite
from akid_datasets.formats import csv_file
from akid_datasets.sources.table import Table

FLOWERS = "length,width,leaves,species\n1.5,2,5,rose\n3,4,6,iris\n5.5,,7,tulip\n7,8,8,iris\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("flowers.csv", FLOWERS)


def write(name: str, text: str | bytes) -> str:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def everything(source: Source) -> dict[str, list[Any]]:
    return {name: values.tolist() for name, values in source.rows(np.arange(len(source))).items()}


class TestTable(SourceSuite):
    splits = ("train", "val")

    def source(self) -> Source:
        write("val.csv", "species,length\nrose,3\n")
        return Table(path={"train": "flowers.csv", "val": "val.csv"}, fields={"size": ["length"], "label": "species"})


def test_kinds_of_columns() -> None:
    fields = {"size": ["length", "width"], "leaves": "leaves", "length": "length", "label": "species"}
    source = Table(path="flowers.csv", fields=fields, missing=-1)
    assert source.spec == {
        "size": TensorSpec(("N", 2), "float32"),
        "leaves": TensorSpec(("N",), "int64"),
        "length": TensorSpec(("N",), "float32"),
        "label": TensorSpec(("N",), "int64"),
    }
    assert everything(source) == {
        "size": [[1.5, 2], [3, 4], [5.5, -1], [7, 8]],
        "leaves": [5, 6, 7, 8],
        "length": [1.5, 3, 5.5, 7],
        "label": [1, 0, 2, 0],  # iris, rose, tulip
    }
    assert source.classes_of("species") == ("iris", "rose", "tulip")
    assert source.about()["classes of species"] == ("iris", "rose", "tulip")
    assert source.column("leaves").tolist() == [5, 6, 7, 8]


def test_stated_classes_keep_their_order() -> None:
    source = Table(path="flowers.csv", fields={"y": "species"}, classes={"species": ("tulip", "rose", "iris")})
    assert everything(source) == {"y": [1, 2, 0, 2]}
    numbers = Table(path="flowers.csv", fields={"y": "leaves"}, classes={"leaves": (8, 7, 6, 5)})
    assert everything(numbers) == {"y": [3, 2, 1, 0]}
    by_field = Table(path="flowers.csv", fields={"y": "species"}, classes={"y": ("tulip", "rose", "iris")})
    assert by_field == source
    assert by_field.classes_of("y") == source.classes_of("species") == ("tulip", "rose", "iris")


def test_a_class_may_be_called_as_missing_values_are() -> None:
    write("a.csv", "a\nmild\nNone\n")
    source = Table(path="a.csv", fields={"y": "a"}, classes={"a": ("None", "mild")})
    assert everything(source) == {"y": [1, 0]}


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ('﻿a,b\r\n1,"x"\r\n2,"y ""z"", w"\r\n', {}),  # a mark, quotes, and the line ends of Windows
        ('a;b\n1;x\n\n2;"y ""z"", w"', {"delimiter": ";"}),  # an empty line, and no end of the last
        ('1\tx\n2\t"y ""z"", w"\n', {"delimiter": "\t", "columns": ["a", "b"]}),
    ],
)
def test_forms_of_csv(text: str, settings: dict[str, Any]) -> None:
    source = Table(path=write("a.csv", text), fields={"a": "a", "b": "b"}, **settings)
    assert everything(source) == {"a": [1, 2], "b": [0, 1]}
    assert source.classes_of("b") == ("x", 'y "z", w')


def test_a_quoted_cell_may_go_on_in_the_next_line() -> None:
    write("a.csv", 'a,b\n"x\ny",1\nz,2\n"z",oops\n')
    with pytest.raises(DataError, match=r"a\.csv, line 5: the column 'b' has 'oops', which is no number"):
        Table(path="a.csv", fields={"b": ["b"]}).rows(np.arange(1))


def test_rows_are_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "_PIECE", 3)
    lines = [f"{row},{row / 2},{'ba'[row % 2]}" for row in range(10)]
    write("a.csv", "\n".join(["i,f,t", *lines]))
    source = Table(path="a.csv", fields={"i": "i", "f": "f", "t": "t"})
    assert everything(source) == {
        "i": list(range(10)),
        "f": [row / 2 for row in range(10)],
        "t": [1, 0] * 5,
    }


def test_kinds_are_found_over_all_rows() -> None:
    write("a.csv", "a,b,c,d,e\n1,1,1,1,1_0\n2,2.5,x,NA,20\n3,nan,2,4,30\n")
    fields = {name: name for name in "abcde"}
    assert {name: spec.dtype for name, spec in Table(path="a.csv", fields=fields, missing=0).spec.items()} == {
        "a": "int64",
        "b": "float32",
        "c": "int64",  # classes
        "d": "int64",
        "e": "int64",  # classes: 1_0 is no number
    }
    assert everything(Table(path="a.csv", fields={"b": "b", "d": "d", "e": "e"}, missing=9)) == {
        "b": [1, 2.5, 9],
        "d": [1, 9, 4],
        "e": [0, 1, 2],
    }


def test_a_file_for_each_split() -> None:
    write("test.csv", "species,length\nrose,3\n")
    write("train.csv", FLOWERS)
    fields = {"x": ["length"], "y": "species"}
    assert [len(Table(path="{split}.csv", fields=fields, split=split)) for split in ("train", "val", "test")] == [
        4,
        0,
        1,
    ]
    assert everything(Table(path="{split}.csv", fields=fields, split="test")) == {"x": [[3]], "y": [1]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c\n1,2,x\n\n1,2\n", r"line 4 has 2 cells, but there are 3 columns: a, b, c. The delimiter is ','"),
        ("", "is empty; a table begins with a line of column names"),
        ("a,b,c\n", "has no rows"),
        ('a,b,c\n1,2,x\n1,2,"y\n', "line 3 is no line of a table: unexpected end of data"),
        ('a,b,c\n1,2,"x"y\n', "line 2 is no line of a table"),
        (b"a,b,c\n1,2,\xe4\n", r"line 2 is not text in UTF-8: byte 10 of the file is 0xe4. Save it as UTF-8"),
        ("a,c\n1,2\n", "has no column 'b'.*Its columns: a, c"),
        ("a,b,b,c\n1,2,3,4\n", "has several columns 'b'"),
        ("a,b,c\n1,2,x\n3,,y\n", "line 3: the column 'b' has a missing value, .* as missing: 0"),
        ("a,b,c\n1,2,x\n3,NaN,y\n", "line 3: the column 'b' has a missing value"),
        ("a,b,c\n1,2,x\n3,-inf,y\n", "line 3: the column 'b' has a missing value, or one that is not finite"),
        ("a,b,c\n1,2,x\n3,1e39,y\n", "line 3: the column 'b' has a missing value, or one that is not finite"),
        ("a,b,c\n1,2,x\n3,4,\n", "line 3: the column 'c' has no text; `missing` is for numbers alone"),
        ("a,b,c\n1,2,x\n3,4,NA\n", r"line 3: the column 'c' has no text, but 'NA'; .* as classes: {c: \['NA', …\]}"),
        ("a,b,c\n1,1_000,x\n", "line 2: the column 'b' has '1_000', which is no number"),
        ("a;b;c\n1;2;x\n", "has no column 'a'. Is its delimiter ';'?"),
        ("a,b,c\n1,z,x\n", "line 2: the column 'b' has 'z', which is no number"),
    ],
)
def test_files_that_are_no_such_table(text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Table(path=write("a.csv", text), fields={"x": ["a", "b"], "y": "c"}).rows(np.arange(1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,x\n2,z\n", "line 3: the column 'b' has 'z', which is no class. Classes: x, y"),
        ("a,b\n1.5,x\n", "line 2: the column 'a' has '1.5', which is no whole number, as others are: a field of"),
        ("a,b\n,x\n", "line 2: the column 'a' has a missing value, and 0.5, .* is no whole number"),
    ],
)
def test_splits_hold_what_training_does(text: str, message: str) -> None:
    write("train.csv", "a,b\n1,x\n2,y\n")
    write("val.csv", text)
    with pytest.raises(DataError, match=message):
        Table(path="{split}.csv", fields={"a": "a", "b": "b"}, missing=0.5, split="val").rows(np.arange(1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fields": {}}, "fields must name a column"),
        ({"fields": {"x": ()}}, "fields must name a column"),
        ({"fields": {"x": "a"}, "delimiter": ", "}, "delimiter must be one character"),
        ({"fields": {"x": ("a", "b")}, "classes": {"a": ("x",)}}, "classes are given for 'a', which is neither a"),
        ({"fields": {"x": ("a", "b")}, "classes": {"x": ("x",)}}, "classes are given for 'x', which is neither a"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Table(path="flowers.csv", **settings)


class TestParquet:
    @pytest.fixture(autouse=True)
    def _file(self) -> None:
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        columns = {
            "size": pa.array([1.5, 2.5, None, 4.5, 5.5]),
            "whole": pa.array([1, 2, None, 4, 5], pa.int16()),
            "kind": pa.array(["b", "a", "b", "a", "b"]).dictionary_encode(),
            "truth": pa.array([True, False, True, False, True]),
            "vector": pa.array([[row, row + 0.5] for row in range(5)], pa.list_(pa.float32())),
            "ragged": pa.array([[1], [1], [1], [1, 2], [1]]),
            "day": pa.array([1, 2, 3, 4, 5], pa.date32()),
        }
        parquet.write_table(pa.table(columns), "a.parquet", row_group_size=2)

    def test_kinds_of_columns(self) -> None:
        fields = {"x": ["size", "whole"], "y": "kind", "z": "truth", "v": "vector", "n": "whole"}
        source = Table(path="a.parquet", fields=fields, missing=0)
        assert {name: spec.dtype for name, spec in source.spec.items()} == {
            "x": "float32",
            "y": "int64",
            "z": "bool",
            "v": "float32",
            "n": "int64",
        }
        assert everything(source) == {
            "x": [[1.5, 1], [2.5, 2], [0, 0], [4.5, 4], [5.5, 5]],
            "y": [1, 0, 1, 0, 1],
            "z": [True, False, True, False, True],
            "v": [[row, row + 0.5] for row in range(5)],
            "n": [1, 2, 0, 4, 5],
        }

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"x": ["size"]}, "a.parquet, row 2: the column 'size' has a missing value"),
            ({"x": "whole"}, "a.parquet, row 2: the column 'whole' has a missing value"),
            ({"x": "ragged"}, "The column 'ragged' of a.parquet has a list of 2 in row 3, but one of 1 in row 2"),
            ({"x": "day"}, r"holds values of the type date32\[day\], which are no numbers"),
            ({"x": ["kind"]}, "holds values of the type string, which are no numbers"),
            ({"x": ["vector"]}, "The column 'vector' of a.parquet holds lists; give it a field of its own"),
            ({"x": "sizes"}, "has no column 'sizes'. Did you mean 'size'?"),
        ],
    )
    def test_columns_that_do_not_serve(self, fields: dict[str, Any], message: str) -> None:
        with pytest.raises(DataError, match=message):
            Table(path="a.parquet", fields=fields).rows(np.arange(1))

    def test_a_file_that_is_cut_short(self) -> None:
        Path("cut.parquet").write_bytes(Path("a.parquet").read_bytes()[:-20])
        with pytest.raises(DataError, match="cut.parquet cannot be read as a Parquet file"):
            Table(path="cut.parquet", fields={"x": "size"}).rows(np.arange(1))
