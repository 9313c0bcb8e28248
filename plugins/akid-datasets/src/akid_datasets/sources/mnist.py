"""MNIST: handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from akid_core.data.source import About
from akid_datasets.sources.idx_set import Digests, IdxSet, remote_files


@dataclass(frozen=True, kw_only=True)
class Mnist(IdxSet):
    """70,000 handwritten digits by some 500 writers: 60,000 to train, of which `val` to validate, 10,000 to test.

    `image`: (batch, 1, 28, 28) uint8, 0 (paper) to 255 (ink). `label`: (batch,) int64, 0 to 9.
    """

    files = remote_files(
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        (
            Digests(
                packed="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                raw="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                size=9_912_422,
            ),
            Digests(
                packed="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                raw="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                size=28_881,
            ),
            Digests(
                packed="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                raw="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                size=1_648_877,
            ),
            Digests(
                packed="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                raw="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                size=4_542,
            ),
        ),
    )
    facts: ClassVar[About] = {
        "title": "MNIST: 70,000 handwritten digits of 28x28 pixels",
        "home": "http://yann.lecun.com/exdb/mnist/",
        "licence": "CC BY-SA 3.0, as Keras states it",
        "citation": (
            "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, "
            "Proceedings of the IEEE 86 (1998)"
        ),
        "classes": tuple("0123456789"),
    }
