"""SavedModel: what TensorFlow Serving, TensorFlow Lite's converter and others read."""

from __future__ import annotations

from pathlib import Path

from akid_core.backends.contract import Network
from akid_core.backends.export import draft, fitting, outside
from akid_core.errors import UsageError
from akid_tf.feed import Feed
from akid_tf.network import TensorflowNetwork
from akid_tf.runtime import tf

_REMEDY = (
    "The format wants a network that `tf.function` can trace, and holds variables and constants alone: an attached "
    "module must not call Python code for values, or own tables and other resources."
)


def export(network: Network, path: Path) -> None:
    """Write a directory; `tf.saved_model.load(path).signatures["serving_default"](image=...)` gives outputs by name.

    Any number of rows, and any size that is a symbol.
    """
    if not isinstance(network, TensorflowNetwork):
        raise UsageError(f"The tensorflow backend exports its own networks, not a {type(network).__name__}.")
    predictor = Predictor(network)
    with draft(path) as new, fitting("SavedModel", _REMEDY):
        predict = predictor.predict.get_concrete_function(predictor.signature())
        tf.saved_model.save(predictor, str(new), signatures=predict)


class Predictor(tf.Module):
    """The outputs by name from the inputs by name, in evaluation, with the variables that take part and no others.

    Both are at least float32, in whatever the network computes.
    """

    def __init__(self, network: TensorflowNetwork) -> None:
        super().__init__()
        graph = network.graph
        self._network, self._outputs = network, dict(graph.outputs)
        self._calls = graph.needed(graph.outputs.values())
        self._feed = Feed.of(graph, self._calls, graph.outputs.values())
        owners = {call.owner for call in self._calls}
        self.held = [
            parameter.variable
            for path, parameter in network.module.parameters.items()
            if any(path.startswith(f"{owner}/") for owner in owners)
        ]

    def signature(self) -> dict[str, tf.TensorSpec]:
        """The inputs, each under its own name."""
        outer = Feed({name: outside(spec) for name, spec in self._feed.specs.items()})
        return {name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in outer.signature().items()}

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def predict(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        inside = {name: tf.cast(tensor, self._feed.specs[name].dtype) for name, tensor in inputs.items()}
        forward = self._network.forward(self._calls, inside, training=False, step=tf.zeros([1], tf.int32))
        graph = self._network.graph
        return {
            name: tf.cast(forward[value], outside(graph.spec(value)).dtype) for name, value in self._outputs.items()
        }
