"""Specs: what tensors, parameters and layers are before anything runs."""

from akid_core.specs.layer import Array, Block, Layer, Loss, Metric, Outputs, State
from akid_core.specs.parameter import ParamSpec
from akid_core.specs.tensor import Dimension, TensorSpec

__all__ = ["Array", "Block", "Dimension", "Layer", "Loss", "Metric", "Outputs", "ParamSpec", "State", "TensorSpec"]
