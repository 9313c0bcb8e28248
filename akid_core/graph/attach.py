"""Attach: a module of torch or TensorFlow as a layer."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from akid_core.errors import ConfigurationError
from akid_core.specs.context import Context
from akid_core.specs.layer import Array, Layer
from akid_core.specs.target import call_target, check_target
from akid_core.specs.tensor import Dimension, TensorSpec


@dataclass(frozen=True, kw_only=True)
class Attach(Layer):
    """A native module as it is: `Attach(target="torch.nn:Linear", arguments={"in_features": 8, "out_features": 4}, …)`.

    `target`: the import path of a class or function that makes the module from `arguments`; or a module itself, of
    which each live network gets a copy, and then the Brain cannot be written to a file. `out`: the spec of its output,
    or its shape, in which the first dimension is the batch (`("N", 4)`); without it the output looks like the first
    input. A floating type follows the precision of the Brain.

    It runs on the framework that it belongs to alone. Its parameters are its own: they begin as it makes them, and are
    trained and saved under the names that it gives them (`attach/weight`).
    """

    target: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)
    out: TensorSpec | tuple[Dimension, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "arguments", {name: _frozen(value) for name, value in self.arguments.items()})
        if self.out is not None and not isinstance(self.out, TensorSpec):
            object.__setattr__(self, "out", TensorSpec(tuple(self.out)))
        check_target(self.target)
        if not isinstance(self.target, str) and self.arguments:
            raise ValueError("arguments are for a target that is an import path; this one is made already")

    @property
    def live_only(self) -> bool:
        """Whether the target is a module, which no file can hold."""
        return not isinstance(self.target, str)

    def make(self) -> Any:
        """A new module. Raises `ConfigurationError` where the target does not import or refuses its arguments."""
        if not isinstance(self.target, str):
            return copy.deepcopy(self.target)
        return call_target(self.target, self.arguments, "attach")

    def outputs(self, first: TensorSpec, *others: TensorSpec) -> TensorSpec:
        if not isinstance(self.out, TensorSpec):
            return first
        return self.out.with_dtype(first.dtype) if self.out.floating and first.floating else self.out

    def forward(self, context: Context, *inputs: Array) -> Array:
        raise self.elsewhere(context.call.path)

    def elsewhere(self, path: str) -> ConfigurationError:
        """What a backend answers that does not know the framework of the block at `path`."""
        name = self.target if isinstance(self.target, str) else type(self.target).__name__
        return ConfigurationError(
            f"Block '{path}' attaches {name}, which runs on the framework that it belongs to alone: choose that "
            "backend, for example --backend torch."
        )


def _frozen(value: Any) -> Any:
    """Lists as tuples, so that what YAML says equals what Python says."""
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return {key: _frozen(item) for key, item in value.items()} if isinstance(value, Mapping) else value
