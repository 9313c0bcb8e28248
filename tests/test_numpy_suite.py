"""The backend suite on NumPy, whose float32 is compared with its float64."""

from __future__ import annotations

import pytest

from akid_core.backends.contract import Backend
from akid_core.testing.backends import BackendSuite
from akid_core.testing.referee import referee


class TestNumpy(BackendSuite):
    @pytest.fixture
    def backend(self) -> Backend:
        return referee()
