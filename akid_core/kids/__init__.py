"""Kids that learn in other ways than from labels: each says what becomes of a Brain when it practises."""

from akid_core.kids.autoencoder import Autoencoder
from akid_core.kids.denoise import Denoise
from akid_core.kids.distill import Distill
from akid_core.kids.gan import Gan

__all__ = ["Autoencoder", "Denoise", "Distill", "Gan"]
