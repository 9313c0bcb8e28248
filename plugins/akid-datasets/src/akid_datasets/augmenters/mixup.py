"""Mixup: rows that shine through each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from akid_core.data import Draws
from akid_core.data.augmenter import Fields, Specs
from akid_datasets.augmenters.mixing import LabelMixer, blend
from akid_datasets.pictures.values import PICTURES, check_type, restored


@dataclass(frozen=True, kw_only=True)
class Mixup(LabelMixer):
    """Mix each row's fields and label with another's: share * its own + (1 - share) * the other's (H. Zhang, 2018).

    The share is drawn from the beta distribution (`alpha`, `alpha`); the paper's alpha is 0.2 to 1.

    `fields`: each (batch, …) uint8 or floating, such as pictures or columns, of the same type afterwards. `labels`:
    (batch,) integers -> (batch, classes) float32; floating ones keep their shape and type.
    """

    def check(self, spec: Specs) -> None:
        super().check(spec)
        for name in self.fields:
            check_type(spec[name], name, PICTURES)

    def mixed(
        self, fields: Fields, others: Fields, share: np.ndarray, random: Draws
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        blended = {name: blend(fields[name], others[name], share) for name in self.fields}
        return {name: restored(values, fields[name].dtype) for name, values in blended.items()}, share
