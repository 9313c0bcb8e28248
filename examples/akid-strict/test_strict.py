"""The backend suite on the strict backend."""

import pytest

from akid_core.testing.backends import BackendSuite
from akid_strict.backend import StrictBackend


class TestStrict(BackendSuite):
    trains = False

    @pytest.fixture
    def backend(self) -> StrictBackend:
        return StrictBackend()
