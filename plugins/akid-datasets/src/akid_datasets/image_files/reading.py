"""Reading images by row."""

from __future__ import annotations

import numpy as np

from akid_core.errors import DataError
from akid_core.specs import TensorSpec
from akid_datasets.formats.decoding import Decoding
from akid_datasets.image_files.listing import Listing


def image_spec(listing: Listing, decoding: Decoding, split: str) -> TensorSpec:
    """What all images look like: as large as is wanted, or as the first."""
    size = decoding.height_and_width
    if size is None:
        if not len(listing):
            raise DataError(f"The folder {listing.root} has no images.")
        size = _decoded(listing, 0, decoding, split).shape[1:]
    return TensorSpec(("N", decoding.channels, *size), "uint8", "NCHW")


def read_images(listing: Listing, rows: np.ndarray, decoding: Decoding, spec: TensorSpec, split: str) -> np.ndarray:
    """The images of `rows` (n,), in that order: (n, channels, height, width) uint8.

    Raises `DataError`, naming file and row, for what cannot be read or decoded, or has another size.
    """
    images = np.empty((len(rows), *spec.row), np.uint8)
    for place, row in enumerate(rows.tolist()):
        image = _decoded(listing, row, decoding, split)
        if image.shape != spec.row:
            raise DataError(
                f"The image {listing.path(row)} (row {row} of the split '{split}') has {image.shape[1]} by "
                f"{image.shape[2]} pixels, but the first has {spec.row[1]} by {spec.row[2]}; give a size, to which all "
                "are brought."
            )
        images[place] = image
    return images


def _decoded(listing: Listing, row: int, decoding: Decoding, split: str) -> np.ndarray:
    path = listing.path(row)
    try:
        return decoding.decode(path)
    except (ValueError, OSError) as error:
        unread = isinstance(error, OSError)
        reason = f"cannot be read: {error.strerror or error}." if unread else f"{error}. Replace or remove the file."
        raise DataError(f"The image {path} (row {row} of the split '{split}') {reason}") from error
