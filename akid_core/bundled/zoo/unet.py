"""U-Net: an image in, a mask of the same size out."""

from __future__ import annotations

from akid_core.graph import Brain, Node, System
from akid_core.initializers import HeNormal
from akid_core.layers import BinaryAccuracy, BinaryCrossEntropy, Concat, Conv2d, ConvTranspose2d, MaxPool2d, ReLU
from akid_core.specs import Block, TensorSpec


def unet(*, classes: int = 1, channels: int = 1, size: int = 64, depth: int = 3, width: int = 16) -> Brain:
    """A small U-Net: down `depth` times to half the size and twice the channels, and up again beside it; 481,745
    parameters.

    `width`: the channels of the first level. Convolutions are padded, so that nothing is cut off what goes across, and
    the mask is as large as the image, which the paper's is not; with `width=64, depth=4, classes=2` it is otherwise the
    paper's, of 31,030,658 parameters. Raises `ValueError` for a size that cannot be halved so often.

    Takes image: (batch, channels, size, size) float32. Gives logits: (batch, classes, size, size), each class a
    question of its own at each pixel. Trained on mask: the same shape, 0 to 1. Source: Ronneberger et al., "U-Net:
    convolutional networks for biomedical image segmentation", 2015, figure 1.
    """
    if size % 2**depth:
        raise ValueError(f"size must be a multiple of {2**depth}, since it is halved {depth} times, got {size}")
    blocks: list[Block | Node] = []
    for level in range(depth):
        blocks.append(_level(f"down{level + 1}", width << level))
        blocks.append(MaxPool2d(name=f"pool{level + 1}", kernel=2))
    blocks.append(_level("bottom", width << depth))
    for level in reversed(range(depth)):
        across, raised = f"down{level + 1}", f"raise{level + 1}"
        blocks.append(ConvTranspose2d(name=raised, channels=width << level, kernel=2, stride=2, weight_init=HeNormal()))
        blocks.append(Concat(name=f"join{level + 1}").on(across, raised))
        blocks.append(_level(f"up{level + 1}", width << level))
    blocks.append(Conv2d(name="logits", channels=classes, kernel=1))
    image = TensorSpec(("N", channels, size, size), "float32", "NCHW")
    brain = Brain.sequential(*blocks, inputs={"image": image}, outputs="logits")
    return brain.with_loss(BinaryCrossEntropy(), "logits", "mask").with_metric(BinaryAccuracy(), "logits", "mask")


def _level(name: str, channels: int) -> System:
    """Two convolutions with rectifiers. x: (batch, in, height, width) -> (batch, channels, height, width)."""
    return System.sequential(
        Conv2d(name="conv1", channels=channels, kernel=3, padding="same", weight_init=HeNormal()),
        ReLU(name="relu1"),
        Conv2d(name="conv2", channels=channels, kernel=3, padding="same", weight_init=HeNormal()),
        ReLU(name="relu2"),
        inputs="x",
        name=name,
    )
