"""Draws: what several augmenters draw together is what each draws alone."""

from __future__ import annotations

import numpy as np
import pytest

from akid_core.data.draws import Draws, Words
from akid_core.random import derive_key, host_bits, keyed_bits

POSITIONS = np.array([0, 1, 5, 1000, (1 << 32) - 1, 1 << 32, (1 << 39) + 7])
PATHS = ("crop", "flip", "colour/contrast")


def test_words_of_several_keys_and_streams() -> None:
    keys = [derive_key(3, path) for path in PATHS]
    for counters in (POSITIONS, POSITIONS[:4], POSITIONS[:0]):  # the upper halves differ, or not
        words = keyed_bits(keys, counters, range(4))
        assert (words.shape, words.dtype) == ((3, 4, len(counters)), np.uint32)
        for key, streams in zip(keys, words, strict=True):
            for stream, drawn in enumerate(streams):
                np.testing.assert_array_equal(drawn, host_bits(key, counters, stream))


@pytest.mark.parametrize("epoch", [0, 3])
def test_together_or_alone(epoch: int) -> None:
    words = Words(7, PATHS, epoch, POSITIONS)
    for path in PATHS:
        together, alone = Draws(7, path, epoch, POSITIONS, words), Draws(7, path, epoch, POSITIONS)
        for stream in range(4):
            np.testing.assert_array_equal(together.uniform(stream), alone.uniform(stream))
            np.testing.assert_array_equal(together.integers(-3, 9, stream), alone.integers(-3, 9, stream))
            np.testing.assert_array_equal(together.normal(stream, (2, 3)), alone.normal(stream, (2, 3)))
            np.testing.assert_array_equal(together.seeds(stream), alone.seeds(stream))
    drawn = {path: Draws(7, path, epoch, POSITIONS, words).seeds().tolist() for path in PATHS}
    assert len({tuple(seeds) for seeds in drawn.values()}) == len(PATHS)
    assert drawn["crop"] != Draws(7, "crop", epoch + 1, POSITIONS).seeds().tolist()
