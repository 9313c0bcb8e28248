"""Layers, losses and metrics: `from akid_core import layers as L`."""

from akid_core.layers.activation import GELU, LeakyReLU, PReLU, ReLU, Sigmoid, SiLU, Softmax, Tanh
from akid_core.layers.attention import MultiHeadAttention
from akid_core.layers.conv import Conv2d
from akid_core.layers.cut import Slice, Split
from akid_core.layers.dense import Dense
from akid_core.layers.dropout import Dropout
from akid_core.layers.embedding import Embedding
from akid_core.layers.loss import MeanSquaredError, SoftmaxCrossEntropy
from akid_core.layers.maxout import Maxout, MeanOut
from akid_core.layers.merge import Add, Concat, Multiply
from akid_core.layers.metric import Accuracy
from akid_core.layers.norm import BatchNorm
from akid_core.layers.pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from akid_core.layers.positional import PositionalEmbedding
from akid_core.layers.recurrent import GRU, LSTM
from akid_core.layers.row_norm import GroupNorm, L2Normalize, LayerNorm, RMSNorm
from akid_core.layers.shape import Flatten, Reshape, Transpose

__all__ = [
    "GELU",
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
    "Embedding",
    "Flatten",
    "GlobalAvgPool2d",
    "GroupNorm",
    "L2Normalize",
    "LayerNorm",
    "LeakyReLU",
    "MaxPool2d",
    "Maxout",
    "MeanOut",
    "MeanSquaredError",
    "MultiHeadAttention",
    "Multiply",
    "PReLU",
    "PositionalEmbedding",
    "RMSNorm",
    "ReLU",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Slice",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Split",
    "Tanh",
    "Transpose",
]
