"""What layers of a user's own give is held to what they promise when a program is traced."""

from __future__ import annotations

import pytest

from akid_core.testing.promises import PromiseSuite
from akid_tf.backend import TensorflowBackend


class TestPromises(PromiseSuite):
    unknown = "?"

    @pytest.fixture
    def backend(self) -> TensorflowBackend:
        return TensorflowBackend()
