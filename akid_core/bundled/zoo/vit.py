"""The vision transformer: an image read as a sequence of its patches."""

from __future__ import annotations

from akid_core.bundled.zoo.classifier import classifier
from akid_core.bundled.zoo.transformer import transformer_block
from akid_core.graph import Brain
from akid_core.layers import (
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    LayerNorm,
    PadChannels,
    PositionalEmbedding,
    Reshape,
    Slice,
    Transpose,
)


def vit(
    *,
    classes: int = 10,
    channels: int = 3,
    size: int = 32,
    patch: int = 4,
    width: int = 192,
    depth: int = 6,
    heads: int = 3,
    hidden: int | None = None,
    dropout: float = 0.0,
) -> Brain:
    """A vision transformer, small as it stands: for images of 32x32 pixels, 2,692,234 parameters.

    `patch`: rows and columns of a patch; `size` must be a multiple. `hidden`: the width inside the dense layers, four
    times `width` unless stated. `dropout`: of the embedding and of what each block adds. Parameters that would change
    nothing are left out: the bias of keys; and the class token, which is only ever added to its position, so that a
    step of zeros stands in its place. With `classes=1000, size=224, patch=16, width=768, depth=12, heads=12` it is
    ViT-B/16. Raises `ValueError` for a size that patches do not fill.

    Takes image: (batch, channels, size, size) float32. Gives logits: (batch, classes). Source: Dosovitskiy et al., "An
    image is worth 16x16 words", 2021, section 3.1.
    """
    if size % patch:
        raise ValueError(f"size must be a multiple of patch, got {size} and {patch}")
    blocks = (
        transformer_block(
            f"block{number}",
            width=width,
            heads=heads,
            hidden=4 * width if hidden is None else hidden,
            dropout=dropout,
        )
        for number in range(1, depth + 1)
    )
    return classifier(
        Conv2d(name="patches", channels=width, kernel=patch, stride=patch),
        Reshape(shape=(width, (size // patch) ** 2)),
        Transpose(axes=(2, 1)),
        PadChannels(name="class_token", before=1),
        PositionalEmbedding(name="positions"),
        *((Dropout(name="dropout", rate=dropout),) if dropout else ()),
        *blocks,
        LayerNorm(name="norm"),
        Slice(name="class_step", stop=1),
        Flatten(),
        Dense(name="logits", units=classes),
        channels=channels,
        size=size,
    )
