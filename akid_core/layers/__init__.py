"""Layers, losses and metrics: `from akid_core import layers as L`."""

from akid_core.layers.activation import ReLU, Sigmoid, Tanh
from akid_core.layers.attention import MultiHeadAttention
from akid_core.layers.conv import Conv2d
from akid_core.layers.dense import Dense
from akid_core.layers.dropout import Dropout
from akid_core.layers.loss import MeanSquaredError, SoftmaxCrossEntropy
from akid_core.layers.merge import Add, Concat
from akid_core.layers.metric import Accuracy
from akid_core.layers.norm import BatchNorm
from akid_core.layers.pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from akid_core.layers.positional import PositionalEmbedding
from akid_core.layers.recurrent import GRU, LSTM
from akid_core.layers.shape import Flatten

__all__ = [
    "GRU",
    "LSTM",
    "Accuracy",
    "Add",
    "AvgPool2d",
    "BatchNorm",
    "Concat",
    "Conv2d",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "MaxPool2d",
    "MeanSquaredError",
    "MultiHeadAttention",
    "PositionalEmbedding",
    "ReLU",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "Tanh",
]
