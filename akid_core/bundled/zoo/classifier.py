"""What the classifying networks share: an image in, the logits of classes out, and what they are trained on."""

from __future__ import annotations

from akid_core.graph import Brain, Node
from akid_core.layers import Accuracy, SoftmaxCrossEntropy
from akid_core.specs import Block, TensorSpec


def classifier(*blocks: Block | Node, channels: int = 3, size: int = 224) -> Brain:
    """The Brain of blocks of which the last is called `logits`, with cross-entropy and accuracy on the field `label`.

    Takes image: (batch, channels, size, size) float32. Gives logits: (batch, classes).
    """
    image = TensorSpec(("N", channels, size, size), "float32", "NCHW")
    brain = Brain.sequential(*blocks, inputs={"image": image}, outputs="logits")
    return brain.with_loss(SoftmaxCrossEntropy(), "logits", "label").with_metric(Accuracy(), "logits", "label")
