"""Which distribution brings a component that is not there."""

from __future__ import annotations

import shlex

INSTALL: dict[tuple[str, str], str] = {
    ("backend", "torch"): "akid-torch",
    ("backend", "tensorflow"): "akid-tf[cpu]",
    ("source", "digits"): "akid-datasets",
    ("augmenter", "shift"): "akid-datasets",
    ("recipe", "digits"): "akid-datasets",
    ("observer", "tensorboard"): "akid-core[observe]",
    ("exporter", "onnx"): "akid-torch[onnx]",
    ("exporter", "torch_export"): "akid-torch",
    ("exporter", "saved_model"): "akid-tf[cpu]",
}
"""Components of the project's own distributions by (category, name), and the requirement that installs each."""


def requirement(category: str, name: str) -> str:
    """The requirement that installs a component, or an empty string where none is known."""
    return INSTALL.get((category, name), "")


def installable(category: str) -> dict[str, str]:
    """The known components of a category by name, each with its requirement."""
    return {name: wanted for (of, name), wanted in INSTALL.items() if of == category}


def command(wanted: str) -> str:
    """The command line that installs a requirement."""
    return f"pip install {shlex.quote(wanted)}"
