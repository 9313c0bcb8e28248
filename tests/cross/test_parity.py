"""Random configurations of every family of layers on torch and TensorFlow; `bench/parity.py` tries many more."""

from __future__ import annotations

import pytest

from akid_core.plugins import default_manager
from akid_core.testing.draw import FAMILIES
from akid_core.testing.sweep import sweep

pytest.importorskip("torch")
pytest.importorskip("tensorflow")

COUNT = {"torch": 30, "tensorflow": 12}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", COUNT)
def test_a_family_agrees_with_the_referee(name: str, family: str) -> None:
    found = sweep(default_manager().registry.get("backend", name)(), family, COUNT[name], seed=7)
    assert not found.failures()
