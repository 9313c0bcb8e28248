"""Layouts: what another framework's files call the parameters that akid holds, and how their axes lie there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Names and axes of a file.

    `separator`: between the parts of a path. `leaves`: what a parameter is called there, by its name here. `axes`: the
    order in which axes lie there, by their canonical letters (`{"OIHW": "HWIO"}`); others lie as they do here.
    """

    separator: str = "/"
    leaves: Mapping[str, str] = field(default_factory=dict)
    axes: Mapping[str, str] = field(default_factory=dict)

    def name(self, path: str) -> str:
        """What the parameter at a path of akid's is called there."""
        block, slash, leaf = path.rpartition("/")
        return (block + slash).replace("/", self.separator) + self.leaves.get(leaf, leaf)

    def canonical(self, array: np.ndarray, axes: str) -> np.ndarray:
        """An array of theirs with its axes in the canonical order `axes`, where it has as many."""
        theirs = self.axes.get(axes, axes)
        if theirs == axes or array.ndim != len(axes):
            return array
        return array.transpose([theirs.index(axis) for axis in axes])


LAYOUTS: Mapping[str, Layout] = {
    "akid": Layout(),
    "torch": Layout(
        separator=".",
        leaves={"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"},
        axes={"IO": "OI"},
    ),
    "keras": Layout(
        leaves={
            "weight": "kernel", "scale": "gamma", "shift": "beta", "mean": "moving_mean", "variance": "moving_variance",
        },
        axes={"OIHW": "HWIO", "OIW": "WIO"},
    ),
}  # fmt: skip
"""By name, as `practice.start.layout` has it."""
