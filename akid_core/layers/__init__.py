"""Layers, losses and metrics: `from akid_core import layers as L`."""

from akid_core.layers.activation import GELU, LeakyReLU, PReLU, ReLU, ReLU6, Sigmoid, SiLU, Softmax, Tanh
from akid_core.layers.attention import MultiHeadAttention
from akid_core.layers.conv import Conv1d, Conv2d
from akid_core.layers.conv_transpose import ConvTranspose2d
from akid_core.layers.cut import Slice, Split
from akid_core.layers.dense import Dense
from akid_core.layers.dropout import Dropout, SpatialDropout
from akid_core.layers.embedding import Embedding
from akid_core.layers.fill import Fill
from akid_core.layers.losses.cross_entropy import BinaryCrossEntropy, SoftmaxCrossEntropy
from akid_core.layers.losses.distillation import Distillation
from akid_core.layers.losses.divergence import KLDivergence
from akid_core.layers.losses.hinge import Hinge
from akid_core.layers.losses.ranking import HardRanking, MarginRanking, TripletMargin
from akid_core.layers.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError
from akid_core.layers.lrn import LRN
from akid_core.layers.maxout import Maxout, MeanOut
from akid_core.layers.merge import Add, Concat, Multiply
from akid_core.layers.metrics.binary import BinaryAccuracy
from akid_core.layers.metrics.classes import Accuracy, ConfusionMatrix, Perplexity, TopK
from akid_core.layers.metrics.error import AbsoluteError, SquaredError
from akid_core.layers.metrics.ranking import AUC, MeanAveragePrecision
from akid_core.layers.norm import BatchNorm
from akid_core.layers.pool import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from akid_core.layers.pool_global import GlobalAvgPool1d, GlobalAvgPool2d, GlobalMaxPool1d, GlobalMaxPool2d
from akid_core.layers.positional import PositionalEmbedding
from akid_core.layers.recurrent import GRU, LSTM
from akid_core.layers.resize import Pad, PadChannels, Upsample
from akid_core.layers.row_norm import GroupNorm, L2Normalize, LayerNorm, RMSNorm
from akid_core.layers.shape import Flatten, Reshape, Transpose
from akid_core.layers.stack import Stack, Unstack

__all__ = [
    "AUC",
    "GELU",
    "GRU",
    "LRN",
    "LSTM",
    "AbsoluteError",
    "Accuracy",
    "Add",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "BinaryAccuracy",
    "BinaryCrossEntropy",
    "Concat",
    "ConfusionMatrix",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "Dense",
    "Distillation",
    "Dropout",
    "Embedding",
    "Fill",
    "Flatten",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "GlobalMaxPool1d",
    "GlobalMaxPool2d",
    "GroupNorm",
    "HardRanking",
    "Hinge",
    "Huber",
    "KLDivergence",
    "L2Normalize",
    "LayerNorm",
    "LeakyReLU",
    "MarginRanking",
    "MaxPool1d",
    "MaxPool2d",
    "Maxout",
    "MeanAbsoluteError",
    "MeanAveragePrecision",
    "MeanOut",
    "MeanSquaredError",
    "MultiHeadAttention",
    "Multiply",
    "PReLU",
    "Pad",
    "PadChannels",
    "Perplexity",
    "PositionalEmbedding",
    "RMSNorm",
    "ReLU",
    "ReLU6",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Slice",
    "Softmax",
    "SoftmaxCrossEntropy",
    "SpatialDropout",
    "Split",
    "SquaredError",
    "Stack",
    "Tanh",
    "TopK",
    "Transpose",
    "TripletMargin",
    "Unstack",
    "Upsample",
]
