"""Where TensorFlow is imported, without the log lines that it writes at every start.

`TF_CPP_MIN_LOG_LEVEL` silences most of them, unless the user has set it; the notice that oneDNN is on is written
before that setting is read, so standard error is held back during the import and let go without it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_NOISE = (b"oneDNN custom operations are on", b"All log messages before absl::InitializeLog()")


@contextmanager
def _without_noise() -> Iterator[None]:
    """Hold back what C++ writes to standard error; in the end let all go but the lines known to say nothing."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without standard error: nothing to hold back
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if not any(noise in line for noise in _NOISE):
                    os.write(2, line)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

if "tensorflow" in sys.modules:
    import tensorflow as tf
else:
    with _without_noise():
        import tensorflow as tf


def host(tensor: tf.Tensor) -> np.ndarray:
    """A tensor as NumPy knows it: bfloat16, which it does not, becomes float32."""
    return (tf.cast(tensor, tf.float32) if tensor.dtype == tf.bfloat16 else tensor).numpy()


__all__ = ["host", "tf"]
