"""Parts: a batch that is computed in several parts, as if it were whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from akid_core.data.batch import Batch
from akid_core.graph.resolved import Call, Value
from akid_core.specs.layer import Metric
from akid_core.specs.tensor import TensorSpec
from akid_tf.gradient import Aim, Backward, Given, Moment, Slopes, State, differentiate, minimised, needed
from akid_tf.layout import Laid
from akid_tf.measures import Rows, Tensors, Total
from akid_tf.network import TensorflowNetwork
from akid_tf.runtime import tf
from akid_tf.walk import Forward

Sums = list[list[tf.Tensor]]
"""For each aim the gradients so far."""

Means = dict[str, tuple[tf.Tensor, tf.Tensor]]
"""Of each loss by path: the sum of value * weight so far, and that of the weights."""

Arrays = list[tf.TensorArray]

Kind = tuple[str, tuple[int | None, ...]]
"""Type and shape of what a part leaves behind."""


class Met(NamedTuple):
    """What a part leaves behind, a row for each of its rows.

    `losses`: the rows of the losses by path. `taken`: the values that metrics take. `slopes`: gradients by values.
    """

    losses: dict[str, Rows]
    taken: list[tf.Tensor]
    slopes: list[tf.Tensor]


class Parts:
    """The batch in so many parts of nearly equal size, one after the other, so that less memory is needed.

    The gradient is that of the objective over the whole batch. The sum of its weights is known for a loss that weighs
    all rows alike; of any other a first walk over the parts settles it, and the weighted mean, of which TensorFlow
    computes nothing but what they depend on. Metrics see the whole batch.
    """

    def __init__(self, network: TensorflowNetwork, most: int) -> None:
        self._network, self._most = network, most
        graph = network.graph
        self._calls = tuple(call for call in graph.practised if not isinstance(call.layer, Metric))
        taken = dict.fromkeys(value for call in graph.metrics for value in call.inputs)
        self._taken = tuple(value for value in taken if value.source in graph.by_path)

    def first(
        self, given: Given, moment: Moment, aims: Sequence[Aim], *, learning: bool, values: Sequence[Value] = ()
    ) -> Backward:
        """As `Whole.first`; state takes one update for each part."""
        network, losses = self._network, self._network.graph.loss_layers
        kinds: list[Kind] = [(network.module.reduced(path), (None,)) for path in sorted(losses) for _ in Rows._fields]
        kinds += [_kind(network.graph.spec(value)) for value in (*self._taken, *values)]

        def left(forward: Forward, slopes: Slopes) -> list[tf.Tensor]:
            if learning:
                network.settle(forward)
            met = Met(forward.losses, [forward[value] for value in self._taken], slopes.values)
            flat: list[tf.Tensor] = tf.nest.flatten(met)
            return flat

        cut = _Cut.of(given, moment, self._most)
        gradients, rows = self._run(self._calls, cut, aims, kinds, left, values=values)
        blank = Met({path: Rows(0, 0) for path in losses}, [0] * len(self._taken), [0] * len(values))
        met: Met = tf.nest.pack_sequence_as(blank, rows)
        return Backward(Slopes(gradients, met.slopes), met.losses, self._metrics(given, met.taken))

    def again(self, given: Given, moment: Moment, aims: Sequence[Aim], state: State) -> Slopes:
        """As `Whole.again`."""
        cut = _Cut.of(given, moment, self._most)
        gradients, _ = self._run(needed(self._network, aims), cut, aims, [], lambda *_: [], state=state)
        return Slopes(gradients, [])

    def _run(
        self,
        calls: tuple[Call, ...],
        cut: _Cut,
        aims: Sequence[Aim],
        kinds: Sequence[Kind],
        left: Callable[[Forward, Slopes], list[tf.Tensor]],
        *,
        values: Sequence[Value] = (),
        state: State | None = None,
    ) -> tuple[Sums, list[tf.Tensor]]:
        """Part by part: the sums of gradients, and the rows of what is `left` of parts, of these `kinds`.

        `state`: before the first part; each later one sees what the part before made of it.
        """
        network = self._network
        state = network.state if state is None else state
        settled = [path for path in minimised(aims) if path not in cut.whole.shares]
        totals = self._totals(cut, calls, settled, state) if settled else {}

        def part(index: tf.Tensor, sums: Sums, state: State, arrays: Arrays) -> tuple[tf.Tensor, Sums, State, Arrays]:
            forward, slopes = differentiate(
                network, calls, *cut.part(index), aims, totals=totals, state=state, values=values
            )
            pairs = zip(arrays, left(forward, slopes), strict=True)
            arrays = [array.write(index, rows) for array, rows in pairs]
            return index + 1, tf.nest.map_structure(tf.add, sums, slopes.params), _moved(state, forward), arrays

        arrays = [_rows(dtype, shape, cut.count) for dtype, shape in kinds]
        start = [[tf.zeros_like(parameter.variable) for parameter in aim.parameters] for aim in aims]
        _, gradients, _, arrays = tf.while_loop(
            lambda index, *_: index < cut.count, part, (0, start, state, arrays), parallel_iterations=1
        )
        return gradients, [array.concat() for array in arrays]

    def _totals(self, cut: _Cut, calls: tuple[Call, ...], paths: Sequence[str], state: State) -> dict[str, Total]:
        """Of losses that weigh rows by themselves, over the whole batch."""
        network = self._network

        def walk(given: Given, moment: Moment, state: State) -> Forward:
            return network.forward(calls, given.fields, training=True, state=state, **moment._asdict())

        def part(index: tf.Tensor, means: Means, state: State) -> tuple[tf.Tensor, Means, State]:
            forward = walk(*cut.part(index), state)
            found: Means = {}
            for path, (total, count) in means.items():
                rows = forward.losses[path]
                total += tf.reduce_sum(rows.counted() * rows.weight) if path in moving else 0
                found[path] = total, count + tf.reduce_sum(rows.weight)
            return index + 1, found, _moved(state, forward)

        with network.module.watching.away():
            moving = self._moving(cut.whole, paths, lambda given, moment: walk(given, moment, state))
            zeros = {path: tf.zeros([], network.module.reduced(path)) for path in paths}
            start: Means = {path: (zero, zero) for path, zero in zeros.items()}
            _, means, _ = tf.while_loop(
                lambda index, *_: index < cut.count, part, (0, start, state), parallel_iterations=1
            )
        return {path: Total(count, tf.math.divide_no_nan(total, count)) for path, (total, count) in means.items()}

    def _moving(self, whole: Given, paths: Sequence[str], walk: Callable[[Given, Moment], Forward]) -> set[str]:
        """The losses whose weights depend on what is trained: found by a walk that is traced and never run."""
        found = set[str]()

        def probe(fields: Mapping[str, tf.Tensor]) -> None:
            variables = [parameter.variable for parameter in self._network.trained]
            with tf.GradientTape(persistent=True) as tape:
                losses = walk(whole._replace(fields=dict(fields)), Moment(tf.constant(0), tf.constant(0))).losses
            for path in paths:
                if any(each is not None for each in tape.gradient(losses[path].weight, variables)):
                    found.add(path)

        signature = {name: tf.TensorSpec(tensor.shape, tensor.dtype) for name, tensor in whole.fields.items()}
        tf.function(probe, input_signature=[signature], autograph=False).get_concrete_function()
        return found

    def _metrics(self, given: Given, values: list[tf.Tensor]) -> Tensors:
        """The states of metrics over the whole batch."""
        network = self._network
        pairs = zip(self._taken, values, strict=True)
        known = {(value.source, value.output): Laid(tensor) for value, tensor in pairs}
        forward = network.forward(network.graph.metrics, given.fields, training=True, known=known)
        return network.metric_states(forward)


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
        fields, shares = tf.nest.map_structure(lambda tensor: tensor[start:stop], self.whole[:2])
        return Given(fields, shares, self.whole.factors), Moment(self.moment.step, self.moment.first_row + start)


def _moved(state: State, forward: Forward) -> State:
    """State after a part; a loop knows of each tensor that its shape stays."""
    return {path: tf.ensure_shape(forward.updates.get(path, old), old.shape) for path, old in state.items()}


def _kind(spec: TensorSpec) -> Kind:
    return spec.dtype, tuple(size if isinstance(size, int) else None for size in spec.shape)


def _rows(dtype: str, shape: tuple[int | None, ...], count: tf.Tensor) -> tf.TensorArray:
    """Takes rows of each part, as many as it has."""
    return tf.TensorArray(dtype, count, infer_shape=False, element_shape=shape)
