"""YAML 1.2: values by the core schema, positions, and every way in which a text is none."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akid_core.config import LocatedList, Where, dump_yaml, load_yaml
from akid_core.errors import ConfigurationError

TEXT = """\
# a comment
sensors:
  source: digits
  batch_size: 64
brain:
  blocks:
    - conv2d: {channels: 32,
               kernel: 5}
    - relu
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # YAML 1.2.2, 10.3.2: the core schema, with the examples of its table.
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("0o7", 7),
        ("0x3A", 58),
        ("-19", -19),
        ("0.", 0.0),
        ("-0.0", -0.0),
        (".5", 0.5),
        ("+12e03", 12000.0),
        ("-2E+05", -200000.0),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("+.INF", math.inf),
        # what it does not name is text, also where YAML 1.1 knew better
        ("1e-3", 0.001),
        ("012", 12),
        ("yes", "yes"),
        ("off", "off"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("<<", "<<"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 12", "12"),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    found = load_yaml(f"key: {text}\n")["key"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number() -> None:
    assert math.isnan(load_yaml("key: .nan\n")["key"])


def test_positions() -> None:
    data = load_yaml(TEXT)
    assert data.places == {"sensors": "text, line 2", "brain": "text, line 5"}
    blocks = data["brain"]["blocks"]
    assert isinstance(blocks, LocatedList)
    assert blocks.places == ["text, line 7", "text, line 9"]
    assert blocks[0]["conv2d"].places == {"channels": "text, line 7", "kernel": "text, line 8"}
    where = Where().at(data, "brain").at(data["brain"], "blocks").at(blocks, 0).at(blocks[0], "conv2d")
    assert str(where.at(blocks[0]["conv2d"], "kernel")) == "text, line 8, brain.blocks[0].conv2d.kernel"
    assert str(where.at(blocks[0]["conv2d"], "missing")) == "text, line 7, brain.blocks[0].conv2d.missing"


def test_what_was_made_in_python_has_no_line() -> None:
    assert str(Where("brain").at({"blocks": []}, "blocks").at([], 3)) == "brain.blocks[3]"


def test_located_data_is_ordinary_data() -> None:
    assert load_yaml(TEXT) == {
        "sensors": {"source": "digits", "batch_size": 64},
        "brain": {"blocks": [{"conv2d": {"channels": 32, "kernel": 5}}, "relu"]},
    }


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "train.yaml"
    file.write_text(TEXT, encoding="utf-8")
    for source in (file, str(file)):
        assert load_yaml(source).places["brain"] == f"{file}, line 5"
    with pytest.raises(FileNotFoundError):
        load_yaml(tmp_path / "other.yaml")
    file.write_bytes(b"key: \xff\n")
    with pytest.raises(ConfigurationError, match=re.escape(f"{file} is not text in UTF-8")):
        load_yaml(file)


def test_anchors() -> None:
    data = load_yaml("first: &here {units: 3}\nsecond: *here\n")
    assert data == {"first": {"units": 3}, "second": {"units": 3}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "text, line 3: the key 'a' stands here for the second time; the first is in line 1."),
        (
            "a:\n  b: {c: 1,\n   c: 2}\n",
            "text, line 3: the key 'c' stands here for the second time; the first is in line 2.",
        ),
        ("a: [1, 2\nb: 3\n", "text, line 2, column 2: this is not YAML"),
        ("a: b: c\n", "text, line 1, column 5: this is not YAML: mapping values are not allowed here."),
        (
            "a:\n\tb: 1\n",
            "text, line 2, column 1: this is not YAML: while scanning for the next token, found character",
        ),
        ("a: 1\n--- \nb: 2\n", "text, line 2, column 1: this is not YAML: expected a single document"),
        ("a: 'x\n", "this is not YAML: while scanning a quoted scalar"),
        ("a: *nowhere\n", "text, line 1, column 4: this is not YAML: found undefined alias 'nowhere'."),
        ("a: !python/object:os.system x\n", "text, line 1: the tag !python/object:os.system has no meaning here"),
        ("a: &b [*b]\n", "text, line 1: this contains itself."),
        ("a: \x00\n", "text: this is not YAML:"),
        ("1: x\n", "text, line 1: a key must be text, got 1: write it in quotes."),
        ("{a: 1}: x\n", "text, line 1: a key must be text, got {'a': 1}"),
        ("- a\n", "text: expected a mapping (key: value), got ['a']."),
        ("", "text: expected a mapping (key: value), got nothing."),
        ("a: " + "[" * 3000 + "\n", "text: this is nested too deeply."),
    ],
)
def test_messages(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        load_yaml(text)


def test_it_is_written_as_one_would_write_it() -> None:
    data = {
        "akid": 1,
        "brain": {"inputs": "image", "blocks": [{"conv2d": {"channels": 3, "kernel": (5, 5)}}, "relu"]},
        "practice": {"epochs": None},
    }
    assert dump_yaml(data) == (
        "akid: 1\n"
        "brain:\n"
        "  inputs: image\n"
        "  blocks:\n"
        "  - conv2d:\n"
        "      channels: 3\n"
        "      kernel: [5, 5]\n"
        "  - relu\n"
        "practice: {epochs: null}\n"
    )


def test_what_is_nested_too_deeply_to_be_written() -> None:
    data: Any = []
    for _ in range(500):
        data = [data]
    with pytest.raises(ConfigurationError, match="nested too deeply to be written"):
        dump_yaml({"a": data})


def test_nothing_is_written_as_an_alias() -> None:
    same = [1, 2]
    assert dump_yaml({"a": same, "b": same}) == "a: [1, 2]\nb: [1, 2]\n"


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12),
    st.sampled_from(
        [
            "1e3",
            "null",
            "~",
            "yes",
            "2024-01-01",
            "=",
            "<<",
            "- a",
            "a: b",
            "#x",
            "1_000",
            ".inf",
            " x ",
            "\n",
            "a\nb",
            "?a",
            ":a",
            "-",
            "---",
            "...",
        ]
    ),
)
KEYS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=8)
DATA = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, DATA, max_size=4))
def test_all_data_survive(data: dict[str, Any]) -> None:
    assert load_yaml(dump_yaml(data) + "\n") == data
