"""Recomputing: runs of calls whose values are computed again for the backward pass instead of being kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import groupby

from akid_core.errors import ConfigurationError, suggest
from akid_core.graph.attach import Attach
from akid_core.graph.resolved import Call, Graph
from akid_core.specs.layer import Loss, Metric
from akid_tf.layout import Laid
from akid_tf.runtime import tf

Values = dict[tuple[str, int], Laid]
"""Values by the path of their call (or the name of their field) and the number of its output."""

Tensors = dict[str, tf.Tensor]
"""Parameters by path."""

Once = Callable[[Values, Tensors], Tensors]
"""Walks some calls: takes parameters, adds what the calls give to the values, and gives what becomes of state."""


def runs(calls: Iterable[Call], globs: Sequence[str]) -> Iterator[tuple[bool, tuple[Call, ...]]]:
    """The calls in order, those in a row that match one of `globs` as one run that is recomputed (True)."""
    for glob, run in groupby(calls, lambda call: _matching(call, globs)):
        yield glob is not None, tuple(run)


def _matching(call: Call, globs: Sequence[str]) -> str | None:
    if isinstance(call.layer, Loss | Metric):
        return None
    return next((glob for glob in globs if fnmatchcase(call.path, glob)), None)


def check_recompute(graph: Graph, globs: Sequence[str]) -> None:
    """Raise `ConfigurationError` for a glob that no block matches, or that matches what cannot be computed again."""
    paths = [call.path for call in graph.calls]
    for glob in globs:
        if not any(fnmatchcase(path, glob) for path in paths):
            raise ConfigurationError(
                f"execution.recompute: no block matches {glob!r}.{suggest(glob, paths)} Blocks: {', '.join(paths)}."
            )
    for call in graph.calls:
        if isinstance(call.layer, Attach) and _matching(call, globs) is not None:
            raise ConfigurationError(
                f"execution.recompute matches {call.path!r}, an attached module, which reads variables of its own: "
                "TensorFlow cannot compute it again. Name the blocks around it, or take akid-torch, which can."
            )


def recomputed(graph: Graph, calls: Sequence[Call], values: Values, params: Tensors, once: Once) -> Tensors:
    """Walk the calls of a run such that their gradient walks them again: what becomes of state.

    Everything that a run depends on goes in as a tensor, and what others take of it comes out. The second walk waits
    for the gradients that come back, so that nothing of the first need be there until then; and what it gives goes on
    when all of it is there, or TensorFlow would put off the gradients of parameters, and keep what they need.
    """
    given = {(call.path, number) for call in calls for number in range(len(call.out_specs))}
    sources = sorted(_taken(calls) - given)
    outputs = {(value.source, value.output) for value in graph.outputs.values()}
    wanted = sorted((_taken(call for call in graph.everything if call not in calls) | outputs) & given)
    laid = [values[source].lying for source in sources]
    passes: list[tuple[Values, Tensors]] = []

    def walk(tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        inputs = zip(sources, tensors, laid, strict=False)
        found = {source: Laid(tensor, layout) for source, tensor, (layout, _) in inputs}
        passes.append((found, once(found, dict(zip(params, tensors[len(sources) :], strict=True)))))
        return [found[key].lying[1] for key in wanted]

    @tf.custom_gradient
    def piece(*tensors: tf.Tensor) -> tuple[list[tf.Tensor], Callable[..., list[tf.Tensor | None]]]:
        def gradient(*upstream: tf.Tensor) -> list[tf.Tensor | None]:
            with tf.control_dependencies(upstream):
                again = [tf.identity(tensor) for tensor in tensors]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([tensor for tensor in again if tensor.dtype.is_floating])
                outputs = walk(again)
            gradients = tape.gradient(outputs, again, upstream)
            with tf.control_dependencies([gradient for gradient in gradients if gradient is not None]):
                return [None if gradient is None else tf.identity(gradient) for gradient in gradients]

        return walk(tensors), gradient

    tensors = piece(*(tensor for _, tensor in laid), *params.values())
    found, updates = passes[0]
    values.update((key, Laid(tensor, found[key].lying[0])) for key, tensor in zip(wanted, tensors, strict=True))
    return updates


def _taken(calls: Iterable[Call]) -> set[tuple[str, int]]:
    return {(value.source, value.output) for call in calls for value in call.inputs}
