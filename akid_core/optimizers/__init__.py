"""Optimizers: how parameters move."""

from akid_core.optimizers.adam import Adam, AdamW
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
