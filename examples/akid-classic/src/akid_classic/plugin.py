"""What akid-classic declares. Imports nothing of it, so that starting akid stays quick."""

from collections.abc import Iterable

from akid_core.plugin_api import LayerInfo, hookimpl


@hookimpl
def akid_layers() -> Iterable[LayerInfo]:
    for name, place, summary in (
        ("balanced_hinge", "hinge:BalancedHinge", "hinge loss in which both classes count alike"),
        ("colorization_relu", "colorization:ColorizationReLU", "rectified features in three colours"),
        ("equivariant_projection", "projection:EquivariantProjection", "each group of channels by its own matrix"),
        ("fixed_dense", "dense:FixedDense", "a matrix that is given, not learned"),
        ("group_softmax", "group_softmax:GroupSoftmax", "softmax within groups, each free to choose none"),
        ("group_softmax_cross_entropy", "group_softmax:GroupSoftmaxCrossEntropy", "loss of one choice in each group"),
        ("memory_max_pool2d", "memory:MemoryMaxPool2d", "pool where another image had its maxima"),
        ("memory_relu", "memory:MemoryReLU", "pass where another value was positive"),
        ("self_normalized_conv2d", "conv:SelfNormalizedConv2d", "convolution whose outputs are normalised"),
        ("tripod_hinge", "hinge:TripodHinge", "hinge loss with a third class at zero"),
    ):
        yield LayerInfo(name=name, target=f"akid_classic.{place}", summary=summary)
