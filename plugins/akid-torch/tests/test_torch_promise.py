"""What layers of a user's own give is held to what they promise, in evaluation and in training, once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from akid_core.errors import DataError
from akid_core.graph.resolved import Value
from akid_core.testing.promises import PromiseSuite, brain
from akid_torch.backend import TorchBackend

IMAGES = np.ones((6, 1, 8, 8), np.float32)


class TestPromises(PromiseSuite):
    @pytest.fixture
    def backend(self) -> TorchBackend:
        return TorchBackend()

    def test_a_field_that_is_not_as_its_spec_is_not_the_fault_of_a_layer(self, live: Any) -> None:
        network, _ = live(brain(lambda ops, x: x))
        message = r"'flatten' \(Flatten\) takes float32\[N, 1, 8, 8\], and was given float32\[6, 1, 4, 8\]"
        with pytest.raises(DataError, match=message):
            network.values({"image": IMAGES[:, :, :4]}, [Value("out")])

    def test_one_pass_is_proof(self, live: Any) -> None:
        seen = []

        def given(ops: Any, x: Any) -> Any:
            seen.append(x.shape)
            return x if len(seen) == 1 else x.sum(1)

        network, _ = live(brain(given))
        (first,) = network.values({"image": IMAGES}, [Value("out")])
        (second,) = network.values({"image": IMAGES}, [Value("out")])
        assert (first.shape, second.shape) == ((6, 3), (6,))
