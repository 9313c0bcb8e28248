"""Forward and backward: what one batch gives, whole or in parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from akid_core.data.batch import Batch
from akid_core.graph.resolved import Call, Value
from akid_tf.layout import Laid, Layout
from akid_tf.measures import Rows, Tensors, Total, derivatives, shares
from akid_tf.network import TensorflowNetwork
from akid_tf.parameter import Parameter
from akid_tf.runtime import tf
from akid_tf.walk import Forward

State = dict[str, tf.Tensor]
"""What stands for state parameters, by path."""


class Given(NamedTuple):
    """What a step takes: the fields of its batch, and of each loss that weighs all rows alike the `shares` by path.

    Both (batch, ...), or (k, batch, ...) of k steps; so shares are formed once for a whole span. `factors`: by path
    what the weights of losses are multiplied by, each a scalar, or (k,); shares mind them already.
    """

    fields: dict[str, tf.Tensor]
    shares: dict[str, tf.Tensor]
    factors: dict[str, tf.Tensor]

    @classmethod
    def of(
        cls, network: TensorflowNetwork, fields: Mapping[str, tf.Tensor], factors: Mapping[str, tf.Tensor] | None = None
    ) -> Given:
        module, found = network.module, dict(factors or {})
        alike = {}
        for path, loss in network.graph.loss_layers.items():
            if module.uniform(path):
                alike[path] = shares(tf.cast(fields[Batch.WEIGHTS], module.reduced(path)), loss.weight)
                if path in found:
                    alike[path] *= tf.cast(found[path], alike[path].dtype)[..., None]
        return cls(dict(fields), alike, found)


class Moment(NamedTuple):
    """When a batch is met: the number of the step, and that of its first row; int32 scalars."""

    step: tf.Tensor
    first_row: tf.Tensor


class Aim(NamedTuple):
    """Whose gradient is wanted: by these parameters, of the sum of these losses."""

    parameters: tuple[Parameter, ...]
    losses: tuple[str, ...]

    @classmethod
    def whole(cls, network: TensorflowNetwork) -> Aim:
        """That of the objective, by all that is trained."""
        return cls(tuple(network.trained), tuple(network.graph.loss_layers))


class Slopes(NamedTuple):
    """Gradients: for each aim one by each of its parameters, and those by `values`, canonical."""

    params: list[list[tf.Tensor]]
    values: list[tf.Tensor]


class Backward(NamedTuple):
    """What the first pass of a step gave. `losses`: the rows of each loss by path. `metrics`: their states."""

    slopes: Slopes
    losses: dict[str, Rows]
    metrics: Tensors


class Whole:
    """Forward and backward passes over all rows."""

    def __init__(self, network: TensorflowNetwork) -> None:
        self._network = network

    def first(
        self, given: Given, moment: Moment, aims: Sequence[Aim], *, learning: bool, values: Sequence[Value] = ()
    ) -> Backward:
        """The pass in which all is measured. `learning`: state takes its new values; else nothing changes.

        `values`: outputs of calls; of the first aim the gradient by them is taken, too.
        """
        network = self._network
        forward, slopes = differentiate(network, network.graph.practised, given, moment, aims, values=values)
        if learning:
            network.settle(forward)
        return Backward(slopes, forward.losses, network.metric_states(forward))

    def again(self, given: Given, moment: Moment, aims: Sequence[Aim], state: State) -> Slopes:
        """A later pass of a step: nothing is measured, and state is as it was before the first one."""
        calls = needed(self._network, aims)
        return differentiate(self._network, calls, given, moment, aims, state=state)[1]


def needed(network: TensorflowNetwork, aims: Sequence[Aim]) -> tuple[Call, ...]:
    """The calls that the losses of some aims depend on, and these."""
    return network.graph.needed(Value(path) for path in minimised(aims))


def minimised(aims: Sequence[Aim]) -> list[str]:
    """The losses of some aims, each once."""
    return list(dict.fromkeys(path for aim in aims for path in aim.losses))


def differentiate(
    network: TensorflowNetwork,
    calls: tuple[Call, ...],
    given: Given,
    moment: Moment,
    aims: Sequence[Aim],
    *,
    totals: Mapping[str, Total] | None = None,
    state: State | None = None,
    values: Sequence[Value] = (),
) -> tuple[Forward, Slopes]:
    """Walk the calls in training, and the gradients that are wanted: one sweep for the aims of the same losses.

    `totals`: of the losses without shares, where these rows are a part of a batch; else they are the whole of it.
    """
    sweeps = dict[tuple[str, ...], dict[str, tf.Variable]]()
    for aim in aims:
        sweeps.setdefault(aim.losses, {}).update((each.path, each.variable) for each in aim.parameters)

    with tf.GradientTape(persistent=len(sweeps) > 1, watch_accessed_variables=False) as tape:
        tape.watch([variable for variables in sweeps.values() for variable in variables.values()])

        def bent(value: Value, tensor: tf.Tensor) -> tf.Tensor:
            if value in values and tensor.dtype.is_floating:
                tensor = tf.identity(tensor)  # a layer may give what it took: its own consumers alone count
                tape.watch(tensor)
            return tensor

        forward = network.forward(
            calls,
            given.fields,
            training=True,
            state=state,
            recompute=not values,
            bent=bent if values else None,
            **moment._asdict(),
        )
    means = {path: totals[path] if totals else Total.of(forward.losses[path]) for path in _weighed(given, aims)}
    by_path = list[dict[str, tf.Tensor]]()
    slopes = list[tf.Tensor]()
    for number, (losses, variables) in enumerate(sweeps.items()):
        targets, upstream = _ends(network, forward, given, losses, means)
        taken = [_source(forward, value) for value in values] if number == 0 else []
        sources = [*variables.values(), *(laid.lying[1] for laid in taken)]
        zero = tf.UnconnectedGradients.ZERO
        found = tape.gradient(targets, sources, upstream, unconnected_gradients=zero)
        by_path.append(dict(zip(variables, map(tf.convert_to_tensor, found), strict=False)))
        pairs = zip(taken, found[len(variables) :], strict=True)
        slopes += [Laid(slope, laid.lying[0]).lay(Layout.CANONICAL) for laid, slope in pairs]
    swept = dict(zip(sweeps, by_path, strict=True))
    return forward, Slopes([[swept[aim.losses][each.path] for each in aim.parameters] for aim in aims], slopes)


def _weighed(given: Given, aims: Sequence[Aim]) -> list[str]:
    """The losses whose weighted mean must be known, as they weigh rows by themselves."""
    return [path for path in minimised(aims) if path not in given.shares]


def _ends(
    network: TensorflowNetwork, forward: Forward, given: Given, losses: Collection[str], totals: Mapping[str, Total]
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """What the sum of some losses depends on, and its derivatives by that: where a backward pass begins."""
    targets, upstream = list[tf.Tensor](), list[tf.Tensor]()
    for path in losses:
        rows = forward.losses[path]
        if path in given.shares:
            targets.append(rows.value)
            upstream.append(tf.cast(given.shares[path], rows.value.dtype))
        else:
            targets.extend(rows)
            importance = tf.constant(network.graph.loss_layers[path].weight, tf.float64)
            upstream.extend(derivatives(rows, totals[path], importance * given.factors.get(path, 1.0)))
    return targets, upstream


def _source(forward: Forward, value: Value) -> Laid:
    """A value as a source of gradients; of a loss, what the backward pass begins at."""
    rows = forward.losses.get(value.source)
    return forward.values[value.source, value.output] if rows is None else Laid(rows[value.output])
