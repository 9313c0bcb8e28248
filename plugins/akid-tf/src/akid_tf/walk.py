"""What a walk over the calls of a graph is told, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from akid_core.graph.resolved import Value
from akid_tf.layout import Layout
from akid_tf.measures import Rows
from akid_tf.recompute import Values
from akid_tf.runtime import tf

Bent = Callable[[Value, tf.Tensor], tf.Tensor]
"""What the outputs of calls pass through, as they lie."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How a walk runs. `step`: int32 (1,), its number. `rows`: int32 (batch,), of rows in the global batch.

    `recompute`: globs of the calls whose values are computed again for the gradient. `bent`: what every output passes
    through, such as what puts it on a tape.
    """

    training: bool
    step: tf.Tensor
    rows: tf.Tensor
    recompute: tuple[str, ...] = ()
    bent: Bent | None = None


@dataclass(frozen=True, slots=True)
class Forward:
    """What one walk gave.

    `losses`: the rows of each loss by path, of which the gradient is taken. `updates`: new values of state parameters,
    as their variables lie.
    """

    values: Values
    losses: dict[str, Rows] = field(default_factory=dict)
    updates: dict[str, tf.Tensor] = field(default_factory=dict)

    def __getitem__(self, value: Value) -> tf.Tensor:
        """One value, in the canonical layout."""
        return self.values[value.source, value.output].lay(Layout.CANONICAL)
