"""The suite for promises of layers, on the NumPy backend."""

from __future__ import annotations

import pytest

from akid_core.backends.contract import Backend
from akid_core.plugins import default_manager
from akid_core.testing.promises import PromiseSuite


class TestPromises(PromiseSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        backend: Backend = default_manager().registry.get("backend", "numpy")()
        return backend
