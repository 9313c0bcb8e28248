"""What the language models share: characters in, the logits of those that follow out, and what they are trained on."""

from __future__ import annotations

from akid_core.graph import Brain, Node
from akid_core.layers import Perplexity, SoftmaxCrossEntropy
from akid_core.specs import Block, TensorSpec


def language_model(*blocks: Block | Node, length: int) -> Brain:
    """The Brain of blocks of which the last is called `logits`, with cross-entropy and perplexity on the field `next`.

    Takes text: (batch, length) int64. Gives logits: (batch, length, characters). So the source `text` gives its rows.
    """
    text = TensorSpec(("N", length), "int64", "NT")
    brain = Brain.sequential(*blocks, inputs={"text": text}, outputs="logits")
    return brain.with_loss(SoftmaxCrossEntropy(), "logits", "next").with_metric(Perplexity(), "logits", "next")
