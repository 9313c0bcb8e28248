"""Rotated MNIST: digits of MNIST, each turned by a random angle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from akid_core.data.source import About
from akid_core.specs import TensorSpec
from akid_datasets.download import RemoteFile
from akid_datasets.formats.amat import read_amat
from akid_datasets.sources.archive_set import ArchiveSet, Form
from akid_datasets.sources.known import Part


@dataclass(frozen=True, kw_only=True)
class RotatedMnist(ArchiveSet):
    """62,000 turned digits, the corrected version: 12,000 to train, of which `val` to validate, 50,000 to test.

    `image`: (batch, 1, 28, 28) float32, 0 (paper) to 1 (ink), as the turning made it of grey values. `label`: (batch,)
    int64, 0 to 9. The files are texts, which take some seconds to read.
    """

    sizes: ClassVar[Mapping[Part, int]] = {"train": 12_000, "test": 50_000}
    forms = (
        Form(
            archive=RemoteFile(
                name="mnist_rotation_new.zip",
                urls=("http://www.iro.umontreal.ca/~lisa/icml2007data/mnist_rotation_new.zip",),
                digest="md5:0f9a947ff3d30e95cd685462cbf3b847",
            ),
            folder="",
            parts={
                "train": ("mnist_all_rotation_normalized_float_train_valid.amat",),
                "test": ("mnist_all_rotation_normalized_float_test.amat",),
            },
            read=partial(read_amat, shape=(1, 28, 28), classes=10),
        ),
    )
    facts: ClassVar[About] = {
        "title": "Rotated MNIST: 62,000 handwritten digits of 28x28 pixels, each turned by a random angle",
        "home": "https://sites.google.com/a/lisa.iro.umontreal.ca/public_static_twiki/variations-on-the-mnist-digits",
        "licence": "none stated; made of MNIST, see there",
        "citation": (
            "H. Larochelle, D. Erhan, A. Courville, J. Bergstra, Y. Bengio, An empirical evaluation of deep "
            "architectures on problems with many factors of variation, ICML (2007)"
        ),
        "classes": tuple("0123456789"),
    }

    val: int = 2000

    @property
    def spec(self) -> Mapping[str, TensorSpec]:
        return {"image": TensorSpec(("N", 1, 28, 28), "float32", "NCHW"), "label": TensorSpec(("N",), "int64", "N")}
