"""The Elman network: a hidden layer that sees itself one step ago."""

from __future__ import annotations

from akid_core.bundled.zoo.text import language_model
from akid_core.graph import Brain
from akid_core.graph.unroll import Unroll
from akid_core.initializers import GlorotUniform, Orthogonal
from akid_core.layers import Add, Dense, Embedding, Tanh


def char_elman(
    *,
    characters: int = 128,
    length: int = 64,
    embedding: int = 64,
    units: int = 256,
    bptt: int | None = None,
    carry: bool = False,
) -> Brain:
    """An Elman network that reads text; its hidden layer feeds back into itself; 123,264 parameters.

    `bptt`, `carry`: as of `Unroll`; with `bptt=1` nothing is learnt through the feedback, as in the source: Elman,
    "Finding structure in time", 1990, here with an embedding, a tanh and logits.

    Takes text: (batch, length) int64, characters by index. Gives logits: (batch, length, characters), those at step t
    for the character after it. Trained on next: (batch, length) int64.
    """
    return language_model(
        Embedding(name="embedding", entries=characters, units=embedding),
        Dense(name="entering", units=units, weight_init=GlorotUniform()),
        elman_cell(name="rnn", units=units, bptt=bptt, carry=carry),
        Dense(name="logits", units=characters),
        length=length,
    )


def elman_cell(*, name: str, units: int, bptt: int | None = None, carry: bool = False) -> Unroll:
    """h(t) = tanh(x(t) + h(t - 1) @ weight), h(-1) being zeros.

    What an input becomes is computed for all steps at once, before: x: (batch, steps, units) -> the same shape.
    """
    return Unroll.graph(
        Dense(name="recurrent", units=units, bias=False, weight_init=Orthogonal()).on("h@-1"),
        Add(name="sum").on("x", "recurrent"),
        Tanh(name="h").on("sum"),
        inputs="x",
        outputs="h",
        name=name,
        bptt=bptt,
        carry=carry,
    )
