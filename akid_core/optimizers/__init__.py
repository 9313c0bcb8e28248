"""Optimizers: how parameters move."""

from akid_core.optimizers.adagrad import Adagrad
from akid_core.optimizers.adam import Adam, AdamW
from akid_core.optimizers.base import Optimizer
from akid_core.optimizers.lion import Lion
from akid_core.optimizers.phase import Phase
from akid_core.optimizers.regime import Regime
from akid_core.optimizers.regularizer import Regularizer
from akid_core.optimizers.rmsprop import RMSprop
from akid_core.optimizers.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Lion", "Optimizer", "Phase", "RMSprop", "Regime", "Regularizer"]
