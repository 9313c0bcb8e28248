"""Names: how classes, blocks and values are called."""

from __future__ import annotations

import re

BLOCK_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
"""A block's own name; paths join them with `/`."""

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")


def snake_case(class_name: str) -> str:
    """`Conv2d` -> `conv2d`, `MaxPool2d` -> `max_pool2d`, `ReLU` -> `relu`, `SoftmaxCrossEntropy` -> with underscores."""
    return _BOUNDARY.sub("_", class_name).lower()
