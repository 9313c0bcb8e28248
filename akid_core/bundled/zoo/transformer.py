"""What the transformers share: a block that normalises before it attends, and again before it thinks."""

from __future__ import annotations

from typing import Literal

from akid_core.graph import Node, System
from akid_core.initializers import GlorotUniform
from akid_core.layers import GELU, Add, Dense, Dropout, LayerNorm, MultiHeadAttention
from akid_core.specs import Layer


def transformer_block(
    name: str,
    *,
    width: int,
    heads: int,
    hidden: int,
    dropout: float,
    causal: bool = False,
    gelu: Literal["none", "tanh"] = "none",
) -> System:
    """The System `name`: y = x + attention(norm(x)), and y + dense(gelu(dense(norm(y)))), with `hidden` in between.

    `causal`: no step sees those after it. `dropout`: the rate of what is added. `gelu`: how it is approximated.
    Sources: Radford et al., "Language models are unsupervised multitask learners", 2019, section 2.3; Dosovitskiy et
    al., "An image is worth 16x16 words", 2021, equations 2 and 3.

    x: (batch, steps, width) -> the same shape.
    """
    thinned = [(Dropout(name=f"dropout{number}", rate=dropout),) if dropout else () for number in (1, 2)]
    attend: tuple[Layer, ...] = (
        LayerNorm(name="norm1"),
        MultiHeadAttention(name="attention", heads=heads, causal=causal),
        *thinned[0],
    )
    think: tuple[Layer, ...] = (
        LayerNorm(name="norm2"),
        Dense(name="dense1", units=hidden, weight_init=GlorotUniform()),
        GELU(name="gelu", approximate=gelu),
        Dense(name="dense2", units=width, weight_init=GlorotUniform()),
        *thinned[1],
    )
    return System.sequential(
        *attend, _add("add1", "x", attend[-1]), *think, _add("add2", "add1", think[-1]), inputs="x", name=name
    )


def _add(name: str, to: str, last: Layer) -> Node:
    return Add(name=name).on(to, last.name or "")
