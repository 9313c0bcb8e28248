"""`torch.export`: a program that torch alone can run, in Python or C++."""

from __future__ import annotations

from pathlib import Path

import torch

from akid_core.backends.contract import Network
from akid_core.backends.export import draft
from akid_torch.exporters.trace import Predictor, made, quiet


def export(network: Network, path: Path) -> None:
    """Write `.pt2`; `torch.export.load(path).module()({"image": ...})` gives the outputs by name."""
    program = made(network, "torch.export", Predictor.trace)
    with draft(path) as new, quiet():
        torch.export.save(program, new)
