"""Parts: a batch that is computed in several parts, as if it were whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from akid_core.data.batch import Batch
from akid_core.specs.layer import Metric
from akid_tf.gradient import Backward, Given, Moment, differentiate
from akid_tf.layout import Laid
from akid_tf.measures import Rows, Tensors, Total
from akid_tf.module import Forward
from akid_tf.network import TensorflowNetwork
from akid_tf.runtime import tf

Sums = dict[str, tuple[tf.Tensor, tf.Tensor]]
"""Of each loss by path: the sum of value * weight so far, and that of the weights."""


class Met(NamedTuple):
    """What a part leaves behind: the rows of the losses by path, and the values that metrics take, by their number."""

    losses: dict[str, Rows]
    values: list[tf.Tensor]


class Parts:
    """The batch in so many parts of nearly equal size, one after the other, so that less memory is needed.

    The gradient is that of the objective over the whole batch. The sum of its weights is known for a loss that weighs
    all rows alike; of any other a first walk over the parts settles it, and the weighted mean, of which TensorFlow
    computes nothing but what they depend on. Metrics see the whole batch.
    """

    def __init__(self, network: TensorflowNetwork, most: int) -> None:
        self._network, self._most = network, most
        graph = network.graph
        self._calls = tuple(call for call in network.measured if not isinstance(call.layer, Metric))
        taken = dict.fromkeys(value for call in graph.metrics for value in call.inputs)
        self._taken = tuple(value for value in taken if value.source in graph.by_path)
        self._settled = tuple(path for path in graph.loss_layers if not network.module.uniform(path))

    def __call__(self, given: Given, moment: Moment, *, learning: bool) -> Backward:
        """As `Whole`; state takes one update for each part."""
        network = self._network
        cut = _Cut.of(given, moment, self._most)
        totals = self._totals(cut) if self._settled else {}

        def part(
            index: tf.Tensor, gradients: list[tf.Tensor], arrays: list[tf.TensorArray]
        ) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.TensorArray]]:
            forward, shares = differentiate(network, self._calls, *cut.part(index), totals)
            if learning:
                network.settle(forward)
            met = tf.nest.flatten(Met(forward.losses, [forward[value] for value in self._taken]))
            gradients = [old + new for old, new in zip(gradients, shares, strict=True)]
            return (index + 1, gradients, [array.write(index, rows) for array, rows in zip(arrays, met, strict=True)])

        arrays = [_rows(dtype, shape, cut.count) for dtype, shape in self._kinds()]
        start = [tf.zeros_like(parameter.variable) for parameter in network.trained]
        _, gradients, arrays = tf.while_loop(
            lambda index, *_: index < cut.count, part, (0, start, arrays), parallel_iterations=1
        )
        met = self._structured([array.concat() for array in arrays])
        return Backward(gradients, met.losses, self._metrics(given, met.values))

    def _totals(self, cut: _Cut) -> dict[str, Total]:
        """Of each loss that weighs rows by itself, over the whole batch."""
        needed = self._moving(cut.whole.fields)

        def part(index: tf.Tensor, sums: Sums) -> tuple[tf.Tensor, Sums]:
            losses = self._walk(*cut.part(index)).losses
            return index + 1, {
                path: (
                    total + tf.reduce_sum(losses[path].counted() * losses[path].weight) if path in needed else total,
                    count + tf.reduce_sum(losses[path].weight),
                )
                for path, (total, count) in sums.items()
            }

        zeros = {path: tf.zeros([], self._network.module.reduced(path)) for path in self._settled}
        start = {path: (zero, zero) for path, zero in zeros.items()}
        _, sums = tf.while_loop(lambda index, _: index < cut.count, part, (0, start), parallel_iterations=1)
        return {path: Total(count, tf.math.divide_no_nan(total, count)) for path, (total, count) in sums.items()}

    def _moving(self, fields: Mapping[str, tf.Tensor]) -> set[str]:
        """The losses whose weights depend on what is trained: found by a walk that is traced and never run."""
        network, found = self._network, set[str]()

        def probe(fields: Mapping[str, tf.Tensor]) -> None:
            variables = [parameter.variable for parameter in network.trained]
            with tf.GradientTape(persistent=True) as tape:
                losses = self._walk(Given(dict(fields), {}), Moment(tf.constant(0), tf.constant(0))).losses
            for path in self._settled:
                if any(each is not None for each in tape.gradient(losses[path].weight, variables)):
                    found.add(path)

        signature = {name: tf.TensorSpec(tensor.shape, tensor.dtype) for name, tensor in fields.items()}
        tf.function(probe, input_signature=[signature], autograph=False).get_concrete_function()
        return found

    def _kinds(self) -> list[tuple[tf.DType, tuple[int | None, ...]]]:
        """Type and shape of what a part leaves behind, flat."""
        graph, module = self._network.graph, self._network.module
        losses = [(module.reduced(path), (None,)) for path in sorted(graph.loss_layers) for _ in Rows._fields]
        specs = [graph.spec(value) for value in self._taken]
        sizes = [tuple(size if isinstance(size, int) else None for size in spec.shape) for spec in specs]
        return losses + [(tf.as_dtype(spec.dtype), size) for spec, size in zip(specs, sizes, strict=True)]

    def _structured(self, flat: list[tf.Tensor]) -> Met:
        blank = Met({path: Rows(0, 0) for path in self._network.graph.loss_layers}, [0] * len(self._taken))
        met: Met = tf.nest.pack_sequence_as(blank, flat)
        return met

    def _metrics(self, given: Given, values: list[tf.Tensor]) -> Tensors:
        """The states of metrics over the whole batch."""
        network = self._network
        pairs = zip(self._taken, values, strict=True)
        known = {(value.source, value.output): Laid(tensor) for value, tensor in pairs}
        forward = network.forward(network.graph.metrics, given.fields, training=True, known=known)
        return network.metric_states(forward)

    def _walk(self, given: Given, moment: Moment) -> Forward:
        return self._network.forward(self._calls, given.fields, training=True, **moment._asdict())


class _Cut(NamedTuple):
    """A batch of `size` rows in `count` parts, the larger ones first; no more than there are rows."""

    whole: Given
    moment: Moment
    size: tf.Tensor
    count: tf.Tensor

    @classmethod
    def of(cls, whole: Given, moment: Moment, most: int) -> _Cut:
        size = tf.shape(whole.fields[Batch.WEIGHTS])[0]
        return cls(whole, moment, size, tf.clip_by_value(size, 1, most))

    def part(self, index: tf.Tensor) -> tuple[Given, Moment]:
        start, stop = (-(-bound * self.size // self.count) for bound in (index, index + 1))
        piece: Given = tf.nest.map_structure(lambda tensor: tensor[start:stop], self.whole)
        return piece, Moment(self.moment.step, self.moment.first_row + start)


def _rows(dtype: tf.DType, shape: tuple[int | None, ...], count: tf.Tensor) -> tf.TensorArray:
    """Takes rows of each part, as many as it has."""
    return tf.TensorArray(dtype, count, infer_shape=False, element_shape=shape)
