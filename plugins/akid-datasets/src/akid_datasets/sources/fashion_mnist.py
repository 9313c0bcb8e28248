"""Fashion-MNIST: pieces of clothing, in the form of MNIST."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from akid_core.data.source import About
from akid_datasets.sources.idx_set import Digests, IdxSet, remote_files


@dataclass(frozen=True, kw_only=True)
class FashionMnist(IdxSet):
    """70,000 pieces of clothing: 60,000 to train, of which `val` to validate, 10,000 to test, 10 classes of equal size.

    `image`: (batch, 1, 28, 28) uint8, 0 (background) to 255. `label`: (batch,) int64, 0 to 9.
    """

    files = remote_files(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        (
            Digests(
                packed="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                raw="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                size=26_421_880,
            ),
            Digests(
                packed="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                raw="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                size=29_515,
            ),
            Digests(
                packed="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                raw="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                size=4_422_102,
            ),
            Digests(
                packed="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                raw="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                size=5_148,
            ),
        ),
    )
    places = (Path("/usr/share/datasets/fashion-mnist"),)  # Debian's package dataset-fashion-mnist
    facts: ClassVar[About] = {
        "title": "Fashion-MNIST: 70,000 pieces of clothing of 28x28 pixels",
        "home": "https://github.com/zalandoresearch/fashion-mnist",
        "licence": "MIT",
        "citation": (
            "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning "
            "algorithms, arXiv:1708.07747 (2017)"
        ),
        "classes": (
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
    }
