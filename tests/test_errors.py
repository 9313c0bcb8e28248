"""What errors say besides: the name that was probably meant, and the code with which the program ends."""

from __future__ import annotations

import pytest

from akid_core import errors
from akid_core.errors import suggest, whole


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("chanels", ["channels", "kernel"], "channels"),
        ("Conv2D", ["conv2d", "dense"], "conv2d"),
        ("lr", ["learning_rate", "weight_decay"], "learning_rate"),
        ("linear", ["dense", "relu"], "dense"),
        ("linear", ["line", "relu"], "line"),  # what is there comes before what it is called elsewhere
    ],
)
def test_the_name_that_was_meant(name: str, known: list[str], meant: str) -> None:
    assert suggest(name, known) == f" Did you mean '{meant}'?"


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert suggest("wavelet", ["dense", "relu"]) == ""
    assert suggest("lr", ["dense", "relu"]) == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [("AkidError", 1), ("UsageError", 2), ("TryAgainError", 75), ("ConfigurationError", 78), ("PluginError", 78)],
)
def test_exit_codes(error: str, code: int) -> None:
    assert getattr(errors, error).exit_code == code


@pytest.mark.parametrize(
    ("error", "notes", "said"),
    [
        (KeyError("a"), [], "'a'"),
        (
            ValueError("It broke."),
            ["in block 'a'", "while reading step 3"],
            "It broke. It happened in block 'a', while reading step 3.",
        ),
        (ValueError("disk"), ["in block 'a'"], "disk. It happened in block 'a'."),
        (ValueError(), ["in block 'a'"], "It happened in block 'a'."),
        (
            ValueError("No."),
            ["Choose another.", "x asks for it.", "in block 'a'"],
            "No. It happened in block 'a'. Choose another. x asks for it.",
        ),
    ],
)
def test_an_error_with_its_notes_is_a_paragraph(error: Exception, notes: list[str], said: str) -> None:
    for note in notes:
        error.add_note(note)
    assert whole(error) == said
