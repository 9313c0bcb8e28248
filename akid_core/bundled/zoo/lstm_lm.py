"""A language model of long short-term memory, whose cells are wired of plain layers that see themselves a step ago."""

from __future__ import annotations

from akid_core.bundled.zoo.text import language_model
from akid_core.graph import Brain
from akid_core.graph.unroll import Unroll
from akid_core.initializers import GlorotUniform, Orthogonal
from akid_core.layers import Add, Dense, Dropout, Embedding, Multiply, Sigmoid, Split, Tanh
from akid_core.specs import Block


def char_lstm(
    *,
    characters: int = 128,
    length: int = 64,
    embedding: int = 64,
    units: int = 256,
    depth: int = 1,
    dropout: float = 0.0,
    bptt: int | None = None,
    carry: bool = False,
) -> Brain:
    """A language model of `depth` layers of long short-term memory, built with feedback edges; 369,792 parameters.

    `dropout`: of what each layer of cells gives. `bptt`, `carry`: as of `Unroll`. Sources: Hochreiter and Schmidhuber,
    "Long short-term memory", 1997; Gers et al., "Learning to forget", 2000; as a language model of characters Graves,
    "Generating sequences with recurrent neural networks", 2013, without its peepholes.

    Takes text: (batch, length) int64, characters by index. Gives logits: (batch, length, characters), those at step t
    for the character after it. Trained on next: (batch, length) int64.
    """
    layers: list[Block] = []
    for number in range(1, depth + 1):
        layers.append(Dense(name=f"entering{number}", units=4 * units, weight_init=GlorotUniform()))
        layers.append(lstm_cell(name=f"lstm{number}", units=units, bptt=bptt, carry=carry))
        layers += [Dropout(name=f"dropout{number}", rate=dropout)] if dropout else []
    return language_model(
        Embedding(name="embedding", entries=characters, units=embedding),
        *layers,
        Dense(name="logits", units=characters),
        length=length,
    )


def lstm_cell(*, name: str, units: int, bptt: int | None = None, carry: bool = False) -> Unroll:
    """c(t) = f c(t - 1) + i g and h(t) = o tanh(c(t)), gates and g being of x(t) + h(t - 1) @ weight.

    Gates in the order of columns: input i, forget f, cell g, output o; h(-1) and c(-1) are zeros. What an input becomes
    is computed for all steps at once, before: x: (batch, steps, 4 * units) -> (batch, steps, units).
    """
    return Unroll.graph(
        Dense(name="recurrent", units=4 * units, bias=False, weight_init=Orthogonal()).on("h@-1"),
        Add(name="sum").on("x", "recurrent"),
        Split(name="gates", parts=4).on("sum"),
        Sigmoid(name="input").on("gates"),
        Sigmoid(name="forget").on("gates:1"),
        Tanh(name="cell").on("gates:2"),
        Sigmoid(name="output").on("gates:3"),
        Multiply(name="kept").on("forget", "c@-1"),
        Multiply(name="added").on("input", "cell"),
        Add(name="c").on("kept", "added"),
        Tanh(name="shown").on("c"),
        Multiply(name="h").on("output", "shown"),
        inputs="x",
        outputs="h",
        name=name,
        bptt=bptt,
        carry=carry,
    )
