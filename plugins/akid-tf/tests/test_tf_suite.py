"""The backend suite on TensorFlow."""

from __future__ import annotations

import pytest

from akid_core.testing.backends import BackendSuite
from akid_tf.backend import TensorflowBackend


class TestTensorflow(BackendSuite):
    brief = True

    @pytest.fixture
    def backend(self) -> TensorflowBackend:
        return TensorflowBackend()
