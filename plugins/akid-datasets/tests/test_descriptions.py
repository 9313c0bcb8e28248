"""What sources of files and tables say in YAML is what they say in Python."""

from __future__ import annotations

from typing import Any

import pytest

import akid_datasets.plugin
from akid_core.config import decode, dump_yaml, encode, load_yaml
from akid_core.data import Source
from akid_core.plugins import PluginManager
from akid_datasets.sources.npz import Npz
from akid_datasets.sources.numpy import Numpy
from akid_datasets.sources.synthetic import Synthetic
from akid_datasets.sources.table import Table
from akid_datasets.sources.text import Text

REGISTRY = PluginManager(discover=False, plugins=[akid_datasets.plugin]).registry


@pytest.mark.parametrize(
    ("source", "written"),
    [
        (Npz(path="a.npz"), {"npz": {"path": "a.npz"}}),
        (
            Npz(path={"train": "a.npz", "val": "b.npz"}, fields={"image": "x"}, classes={"y": 3}, missing=0.0),
            {
                "npz": {
                    "path": {"train": "a.npz", "val": "b.npz"},
                    "fields": {"image": "x"},
                    "classes": {"y": 3},
                    "missing": 0.0,
                }
            },
        ),
        (
            Numpy(path="data/{split}", channels_last=["image"]),
            {"numpy": {"path": "data/{split}", "channels_last": ["image"]}},
        ),
        (
            Table(path="a.csv", fields={"x": ["a", "b"], "y": "c"}, classes={"c": ["u", 1]}, columns=["a", "b", "c"]),
            {
                "table": {
                    "path": "a.csv",
                    "fields": {"x": ["a", "b"], "y": "c"},
                    "classes": {"c": ["u", 1]},
                    "columns": ["a", "b", "c"],
                }
            },
        ),
        (Text(path="a.txt", length=3, val=0.1), {"text": {"path": "a.txt", "length": 3, "val": 0.1}}),
        (
            Text(path=("a.txt", "b*.txt"), length=3, streams=2),
            {"text": {"path": ["a.txt", "b*.txt"], "length": 3, "streams": 2}},
        ),
        (
            Text(path={"train": ("a.txt",), "test": "b.txt"}, length=3),
            {"text": {"path": {"train": ["a.txt"], "test": "b.txt"}, "length": 3}},
        ),
        (Synthetic(), "synthetic"),
        (Synthetic(shape=[4], dtype="float32"), {"synthetic": {"shape": [4], "dtype": "float32"}}),
    ],
)
def test_yaml_and_python_are_the_same(source: Source, written: Any) -> None:
    assert encode(source, REGISTRY) == written
    assert decode("source", load_yaml(dump_yaml({"source": written}))["source"], REGISTRY) == source
