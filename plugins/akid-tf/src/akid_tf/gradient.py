"""Forward and backward: what one batch gives, whole or in parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from akid_core.data.batch import Batch
from akid_core.graph.resolved import Call
from akid_tf.measures import Rows, Tensors, Total, derivatives, shares
from akid_tf.module import Forward
from akid_tf.network import TensorflowNetwork
from akid_tf.runtime import tf


class Given(NamedTuple):
    """What a step takes: the fields of its batch, and of each loss that weighs all rows alike the `shares` by path.

    Each (batch, ...), or (k, batch, ...) of k steps; so shares are formed once for a whole span.
    """

    fields: dict[str, tf.Tensor]
    shares: dict[str, tf.Tensor]

    @classmethod
    def of(cls, network: TensorflowNetwork, fields: Mapping[str, tf.Tensor]) -> Given:
        losses = {path: loss for path, loss in network.graph.loss_layers.items() if network.module.uniform(path)}
        weights = {path: tf.cast(fields[Batch.WEIGHTS], network.module.reduced(path)) for path in losses}
        return cls(dict(fields), {path: shares(weights[path], loss.weight) for path, loss in losses.items()})


class Moment(NamedTuple):
    """When a batch is met: the number of the step, and that of its first row; int32 scalars."""

    step: tf.Tensor
    first_row: tf.Tensor


class Backward(NamedTuple):
    """What a forward and a backward pass gave.

    `gradients`: one for each trained parameter. `losses`: the rows of each loss by path. `metrics`: their states.
    """

    gradients: list[tf.Tensor]
    losses: dict[str, Rows]
    metrics: Tensors


class Whole:
    """One forward and one backward pass over all rows."""

    def __init__(self, network: TensorflowNetwork) -> None:
        self._network = network

    def __call__(self, given: Given, moment: Moment, *, learning: bool) -> Backward:
        """`learning`: state takes its new values; else nothing changes."""
        network = self._network
        forward, gradients = differentiate(network, network.measured, given, moment)
        if learning:
            network.settle(forward)
        return Backward(gradients, forward.losses, network.metric_states(forward))


def differentiate(
    network: TensorflowNetwork,
    calls: tuple[Call, ...],
    given: Given,
    moment: Moment,
    totals: Mapping[str, Total] | None = None,
) -> tuple[Forward, list[tf.Tensor]]:
    """Walk the calls in training, and the gradient of the objective for each trained parameter.

    `totals`: of the losses without shares, where these rows are a part of a batch; else they are the whole of it.
    """
    variables = [parameter.variable for parameter in network.trained]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(variables)
        forward = network.forward(calls, given.fields, training=True, differentiated=True, **moment._asdict())
    targets, upstream = list[tf.Tensor](), list[tf.Tensor]()
    for path, loss in network.graph.loss_layers.items():
        rows = forward.losses[path]
        if path in given.shares:
            targets.append(rows.value)
            upstream.append(tf.cast(given.shares[path], rows.value.dtype))
        else:
            targets.extend(rows)
            upstream.extend(derivatives(rows, totals[path] if totals else Total.of(rows), loss.weight))
    gradients = tape.gradient(targets, variables, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return forward, [tf.convert_to_tensor(gradient) for gradient in gradients]
