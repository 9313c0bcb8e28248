"""What errors say besides: the name that was probably meant, and the code with which the program ends."""

from __future__ import annotations

import pytest

from akid_core import errors
from akid_core.errors import suggest


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
