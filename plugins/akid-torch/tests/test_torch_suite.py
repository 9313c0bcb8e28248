"""The backend suite on torch."""

from __future__ import annotations

import pytest

from akid_core.testing.backends import BackendSuite
from akid_torch.backend import TorchBackend


class TestTorch(BackendSuite):
    @pytest.fixture
    def backend(self) -> TorchBackend:
        return TorchBackend()
