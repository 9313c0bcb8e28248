"""Initializers: how parameters start."""

from akid_core.initializers.base import Initializer
from akid_core.initializers.constant import Constant, Ones, Zeros
from akid_core.initializers.fan_in import Default, UniformUnitScaling
from akid_core.initializers.glorot import GlorotNormal, GlorotUniform
from akid_core.initializers.he import HeNormal, HeUniform
from akid_core.initializers.normal import Normal, TruncatedNormal
from akid_core.initializers.orthogonal import Orthogonal
from akid_core.initializers.uniform import Uniform

__all__ = [
    "Constant",
    "Default",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "Normal",
    "Ones",
    "Orthogonal",
    "TruncatedNormal",
    "Uniform",
    "UniformUnitScaling",
    "Zeros",
]
