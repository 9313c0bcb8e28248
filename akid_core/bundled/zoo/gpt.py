"""GPT: a transformer that reads a text and says, at each character, which one follows."""

from __future__ import annotations

from akid_core.bundled.zoo.text import language_model
from akid_core.bundled.zoo.transformer import transformer_block
from akid_core.graph import Brain
from akid_core.initializers import GlorotUniform, Normal
from akid_core.layers import Dense, Dropout, Embedding, LayerNorm, PositionalEmbedding


def char_gpt(
    *,
    characters: int = 128,
    length: int = 64,
    width: int = 128,
    depth: int = 4,
    heads: int = 4,
    hidden: int | None = None,
    dropout: float = 0.0,
) -> Brain:
    """A character-level GPT: the decoder of GPT-2, small; 833,792 parameters.

    `hidden`: the width inside the dense layers, four times `width` unless stated. `dropout`: of the embedding and of
    what each block adds; GPT-2's dropout of the attention is left out. The read-out has weights of its own, where GPT-2
    takes those of the embedding: of a hundred characters there is little to save. Keys have no bias, since it would
    change nothing. Source: Radford et al., "Language models are unsupervised multitask learners", 2019, section 2.3.

    Takes text: (batch, length) int64, characters by index. Gives logits: (batch, length, characters), those at step t
    for the character after it, from the steps 0 to t. Trained on next: (batch, length) int64.
    """
    blocks = (
        transformer_block(
            f"block{number}",
            width=width,
            heads=heads,
            hidden=4 * width if hidden is None else hidden,
            dropout=dropout,
            causal=True,
            gelu="tanh",
        )
        for number in range(1, depth + 1)
    )
    return language_model(
        Embedding(name="embedding", entries=characters, units=width, weight_init=Normal(stddev=0.02)),
        PositionalEmbedding(name="positions"),
        *((Dropout(name="dropout", rate=dropout),) if dropout else ()),
        *blocks,
        LayerNorm(name="norm"),
        Dense(name="logits", units=characters, bias=False, weight_init=GlorotUniform()),
        length=length,
    )
