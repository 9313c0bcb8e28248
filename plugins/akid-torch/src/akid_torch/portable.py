"""Any layer as an `nn.Module`: its portable definition runs on torch tensors."""

from __future__ import annotations

from typing import Any

from torch import nn

from akid_core.backends.contract import Built, Place
from akid_core.specs.context import Context
from akid_core.specs.layer import Layer
from akid_torch.context import BuildContext, Frame, FrameModule


class Portable(FrameModule):
    """A layer's `forward` in the portable operations; parameters lie in their canonical layout, under their names.

    A native module whose kernel cannot serve every case inherits from it and falls back on its `forward`.
    """

    def __init__(self, layer: Layer, context: BuildContext) -> None:
        super().__init__()
        self.layer, self.context = layer, context
        self._key = context.key
        self._attributes: dict[str, str] = {}
        for spec in context.call.params:
            attribute = self._attributes[spec.name] = spec.name + "_" * hasattr(self, spec.name)
            if spec.trained:
                self.register_parameter(attribute, nn.Parameter(context.empty(spec)))
            else:
                self.register_buffer(attribute, context.empty(spec))

    @property
    def built(self) -> Built:
        """This module, with the places of its parameters."""
        return Built(self, {name: Place(attribute) for name, attribute in self._attributes.items()})

    def forward(self, frame: Frame, *inputs: Any) -> Any:
        tensors = {name: getattr(self, attribute) for name, attribute in self._attributes.items()}
        context = Context(
            call=self.context.call,
            ops=self.context.ops,
            params={name: frame.updates.get(tensor, tensor) for name, tensor in tensors.items()},
            training=frame.training,
            step=frame.step,
            rows=frame.rows,
            key=self._key,
            reductions=self.context.precision.reductions,
        )
        outputs = self.layer.forward(context, *inputs)
        for name, value in context.updates.items():
            frame.updates[tensors[name]] = value.detach()
        return outputs

    def extra_repr(self) -> str:
        return str(self.layer)


def build(layer: Layer, context: BuildContext) -> Built:
    """Wrap the portable definition of a layer that has no native builder."""
    return Portable(layer, context).built
