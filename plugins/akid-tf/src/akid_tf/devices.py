"""Devices and threads, as a run names them."""

from __future__ import annotations

import re

from akid_core.errors import ConfigurationError
from akid_tf.runtime import tf


def device_name(device: str) -> str:
    """TensorFlow's name: `"cpu"` -> `"/CPU:0"`, `"cuda:1"` -> `"/GPU:1"`.

    Raises `ConfigurationError` for a device that TensorFlow does not see.
    """
    match = re.fullmatch(r"(?P<family>cpu|cuda|gpu)(?::(?P<number>\d+))?", device)
    family = "CPU" if match and match["family"] == "cpu" else "GPU"
    number = int(match["number"] or 0) if match else 0
    if match is None or number >= len(tf.config.list_physical_devices(family)):
        seen = ["cpu", *(f"cuda:{index}" for index in range(len(tf.config.list_physical_devices("GPU"))))]
        raise ConfigurationError(f"TensorFlow does not see the device {device!r}; it sees {', '.join(seen)}.")
    return f"/{family}:{number}"


def use_threads(count: int | None) -> None:
    """Let TensorFlow's arithmetic use `count` threads; None leaves it as it is.

    Raises `ConfigurationError` where TensorFlow is already running with another number: it cannot change it then.
    """
    threading = tf.config.threading
    if count is None or count == threading.get_intra_op_parallelism_threads():
        return
    try:
        threading.set_intra_op_parallelism_threads(count)
        threading.set_inter_op_parallelism_threads(count)
    except RuntimeError as error:
        there = threading.get_intra_op_parallelism_threads() or "its own choice of"
        raise ConfigurationError(
            f"execution.threads is {count}, but TensorFlow already runs with {there} threads and cannot change that: "
            "ask for the threads before anything in this process uses TensorFlow, or start a new process."
        ) from error
