"""The core's own parts, declared through the same hooks as everybody's; names only, nothing is imported."""

from __future__ import annotations

from collections.abc import Iterator

from akid_core.plugin_api import (
    AugmenterInfo,
    CommandInfo,
    InitializerInfo,
    KidInfo,
    LayerInfo,
    ObserverInfo,
    OptimizerInfo,
    SamplerInfo,
    ScheduleInfo,
    SourceInfo,
    StrategyInfo,
    hookimpl,
)

_LAYERS = (
    ("conv1d", "conv:Conv1d", "convolution over sequences"),
    ("conv2d", "conv:Conv2d", "convolution over two dimensions"),
    ("conv_transpose2d", "conv_transpose:ConvTranspose2d", "gradient of a convolution, which enlarges images"),
    ("dense", "dense:Dense", "weighted sums of all inputs"),
    ("max_pool1d", "pool:MaxPool1d", "largest value of each window of a sequence"),
    ("max_pool2d", "pool:MaxPool2d", "largest value of each window"),
    ("avg_pool1d", "pool:AvgPool1d", "mean of each window of a sequence"),
    ("avg_pool2d", "pool:AvgPool2d", "mean of each window"),
    ("global_avg_pool1d", "pool_global:GlobalAvgPool1d", "mean of each channel of a sequence"),
    ("global_avg_pool2d", "pool_global:GlobalAvgPool2d", "mean of each channel"),
    ("global_max_pool1d", "pool_global:GlobalMaxPool1d", "largest value of each channel of a sequence"),
    ("global_max_pool2d", "pool_global:GlobalMaxPool2d", "largest value of each channel"),
    ("pad", "resize:Pad", "a value around images and sequences"),
    ("pad_channels", "resize:PadChannels", "channels of one value before and after those there are"),
    ("upsample", "resize:Upsample", "larger images and sequences"),
    ("lrn", "lrn:LRN", "each value divided by its neighbours in other channels"),
    ("relu", "activation:ReLU", "max(x, 0)"),
    ("relu6", "activation:ReLU6", "min(max(x, 0), 6)"),
    ("leaky_relu", "activation:LeakyReLU", "x, below 0 a small part of it"),
    ("prelu", "activation:PReLU", "x, below 0 a learnt part of it"),
    ("gelu", "activation:GELU", "x times the normal probability below it"),
    ("silu", "activation:SiLU", "x times its sigmoid, or swish"),
    ("softmax", "activation:Softmax", "shares that sum to 1 along an axis"),
    ("maxout", "maxout:Maxout", "largest of each group of channels"),
    ("mean_out", "maxout:MeanOut", "mean of each group of channels"),
    ("tanh", "activation:Tanh", "hyperbolic tangent"),
    ("sigmoid", "activation:Sigmoid", "1 / (1 + exp(-x))"),
    ("flatten", "shape:Flatten", "one dimension per row"),
    ("reshape", "shape:Reshape", "each row in another shape"),
    ("transpose", "shape:Transpose", "the axes of a row in another order"),
    ("fill", "fill:Fill", "one number wherever something is"),
    ("split", "cut:Split", "parts along an axis, each an output"),
    ("slice", "cut:Slice", "a stretch along an axis"),
    ("stack", "stack:Stack", "values side by side along a new axis"),
    ("unstack", "stack:Unstack", "each position along an axis, each an output"),
    ("dropout", "dropout:Dropout", "zero at random while training"),
    ("spatial_dropout", "dropout:SpatialDropout", "zero whole channels at random while training"),
    ("batch_norm", "norm:BatchNorm", "zero mean and unit variance over the batch"),
    ("layer_norm", "row_norm:LayerNorm", "zero mean and unit variance in each row"),
    ("group_norm", "row_norm:GroupNorm", "the same in groups of channels"),
    ("rms_norm", "row_norm:RMSNorm", "root mean square 1 in each row"),
    ("l2_normalize", "row_norm:L2Normalize", "length 1 in each row"),
    ("embedding", "embedding:Embedding", "a vector for each index"),
    ("add", "merge:Add", "sum of the inputs"),
    ("multiply", "merge:Multiply", "product of the inputs"),
    ("concat", "merge:Concat", "inputs side by side"),
    ("positional_embedding", "positional:PositionalEmbedding", "which step of a sequence it is"),
    ("multi_head_attention", "attention:MultiHeadAttention", "weighted means over the steps of a sequence"),
    ("lstm", "recurrent:LSTM", "long short-term memory"),
    ("gru", "recurrent:GRU", "gated recurrent unit"),
)

_LOSSES = (
    ("softmax_cross_entropy", "losses.cross_entropy:SoftmaxCrossEntropy", "loss of class scores"),
    ("binary_cross_entropy", "losses.cross_entropy:BinaryCrossEntropy", "loss of yes or no"),
    ("kl_divergence", "losses.divergence:KLDivergence", "loss of a distribution"),
    ("distillation", "losses.distillation:Distillation", "loss of a student against its teacher"),
    ("mean_squared_error", "losses.regression:MeanSquaredError", "loss of real values"),
    ("mean_absolute_error", "losses.regression:MeanAbsoluteError", "loss of real values, steady far away"),
    ("huber", "losses.regression:Huber", "loss of real values with outliers"),
    ("hinge", "losses.hinge:Hinge", "loss of scores that must lead by a margin"),
    ("margin_ranking", "losses.ranking:MarginRanking", "loss of the order of two scores"),
    ("hard_ranking", "losses.ranking:HardRanking", "loss of the order of a batch"),
    ("triplet_margin", "losses.ranking:TripletMargin", "loss of distances in a batch"),
)

_METRICS = (
    ("accuracy", "metrics.classes:Accuracy", "share of rows whose class is right"),
    ("top_k", "metrics.classes:TopK", "share of rows whose class is among the first k"),
    ("confusion_matrix", "metrics.classes:ConfusionMatrix", "which class is taken for which"),
    ("perplexity", "metrics.classes:Perplexity", "exp of the cross-entropy"),
    ("binary_accuracy", "metrics.binary:BinaryAccuracy", "share of right yes and no"),
    ("auc", "metrics.ranking:AUC", "area under the ROC curve"),
    ("mean_average_precision", "metrics.ranking:MeanAveragePrecision", "area under precision and recall"),
    ("squared_error", "metrics.error:SquaredError", "mean of squared differences"),
    ("absolute_error", "metrics.error:AbsoluteError", "mean of absolute differences"),
)


@hookimpl
def akid_layers() -> Iterator[LayerInfo]:
    for name, place, summary in (*_LAYERS, *_LOSSES, *_METRICS):
        yield LayerInfo(name=name, target=f"akid_core.layers.{place}", summary=summary)
    yield LayerInfo(name="attach", target="akid_core.graph.attach:Attach", summary="a module of torch or TensorFlow")


@hookimpl
def akid_initializers() -> Iterator[InitializerInfo]:
    for name, attribute, summary in (
        ("constant", "Constant", "one value"),
        ("zeros", "Zeros", "0"),
        ("ones", "Ones", "1"),
        ("default", "Default", "uniform within 1 / sqrt(fan_in)"),
        ("uniform", "Uniform", "equally likely within a range"),
        ("uniform_unit_scaling", "UniformUnitScaling", "uniform, keeps the scale of the inputs"),
        ("normal", "Normal", "Gaussian"),
        ("truncated_normal", "TruncatedNormal", "Gaussian within two deviations"),
        ("orthogonal", "Orthogonal", "random rotation, Saxe et al., 2014"),
        ("glorot_uniform", "GlorotUniform", "Glorot and Bengio, 2010"),
        ("glorot_normal", "GlorotNormal", "Glorot and Bengio, 2010"),
        ("he_uniform", "HeUniform", "He et al., 2015"),
        ("he_normal", "HeNormal", "He et al., 2015"),
    ):
        yield InitializerInfo(name=name, target=f"akid_core.initializers:{attribute}", summary=summary)


@hookimpl
def akid_optimizers() -> Iterator[OptimizerInfo]:
    for name, attribute, summary in (
        ("sgd", "SGD", "gradient descent, with momentum if wanted"),
        ("adam", "Adam", "Kingma and Ba, 2015"),
        ("adamw", "AdamW", "Adam with decoupled weight decay"),
        ("rmsprop", "RMSprop", "steps scaled by the running size of the gradient, Hinton, 2012"),
        ("adagrad", "Adagrad", "Duchi et al., 2011"),
        ("lion", "Lion", "Chen et al., 2023"),
    ):
        yield OptimizerInfo(name=name, target=f"akid_core.optimizers:{attribute}", summary=summary)


@hookimpl
def akid_schedules() -> Iterator[ScheduleInfo]:
    for name, attribute, summary in (
        ("constant", "Constant", "one rate"),
        ("step_decay", "StepDecay", "lower by a factor now and then"),
        ("exponential", "Exponential", "lower by a factor all the time"),
        ("cosine", "Cosine", "half a cosine down"),
        ("one_cycle", "OneCycle", "up, then down below the start"),
        ("plateau", "Plateau", "lower when validation stops getting better"),
    ):
        yield ScheduleInfo(name=name, target=f"akid_core.schedules:{attribute}", summary=summary)


@hookimpl
def akid_sources() -> Iterator[SourceInfo]:
    for name, attribute, summary in (
        ("subset", "Subset", "some of the rows of a source"),
        ("held_out", "HeldOut", "a source with validation and test rows cut out of those to train on"),
        ("mixed", "Mixed", "the rows of several sources, mixed by weight"),
        ("zipped", "Zipped", "the fields of several sources side by side"),
    ):
        yield SourceInfo(name=name, target=f"akid_core.data.combined:{attribute}", summary=summary)


@hookimpl
def akid_samplers() -> Iterator[SamplerInfo]:
    for name, place, summary in (
        ("shuffled", "sampler:Shuffled", "a new order every epoch"),
        ("sequential", "sampler:Sequential", "as the rows lie"),
        ("windowed", "windowed:Windowed", "a new order every epoch, read from front to back"),
        ("stratified", "samplers:Stratified", "a new order every epoch, the classes in proportion everywhere"),
        ("weighted", "samplers:Weighted", "drawn with replacement, by weight or with equal classes"),
        ("streams", "samplers:Streams", "as the rows lie, in several streams side by side"),
        ("repeated", "samplers:Repeated", "several epochs of another sampler as one"),
    ):
        yield SamplerInfo(name=name, target=f"akid_core.data.{place}", summary=summary)


@hookimpl
def akid_augmenters() -> Iterator[AugmenterInfo]:
    for name, place, summary in (
        ("chain", "augmenter:Chain", "augmenters one after another, as one"),
        ("copy", "added:Copy", "a field once more, for what shall stay as it is"),
        ("latent", "added:Latent", "normally distributed numbers, as a field to make something of"),
    ):
        yield AugmenterInfo(name=name, target=f"akid_core.data.{place}", summary=summary)


@hookimpl
def akid_strategies() -> Iterator[StrategyInfo]:
    yield StrategyInfo(name="single", target="akid_core.strategies.single:Single", summary="one process")


@hookimpl
def akid_observers() -> Iterator[ObserverInfo]:
    yield ObserverInfo(
        name="progress", target="akid_core.observers.progress:Progress", summary="a bar on a terminal, lines elsewhere"
    )


@hookimpl
def akid_kids() -> Iterator[KidInfo]:
    for name, target, summary in (
        ("kid", "training.kid:Kid", "practises on its sensors"),
        ("autoencoder", "kids.autoencoder:Autoencoder", "learns to give what it was given"),
        ("denoise", "kids.denoise:Denoise", "learns to give clean what it was given spoilt"),
        ("distill", "kids.distill:Distill", "learns from a Brain that has learnt before"),
        ("gan", "kids.gan:Gan", "makes pictures that it cannot tell from real ones"),
    ):
        yield KidInfo(name=name, target=f"akid_core.{target}", summary=summary)


@hookimpl
def akid_commands() -> Iterator[CommandInfo]:
    for name, summary in (
        ("practice", "train a recipe or a configuration"),
        ("check", "check a configuration without running it"),
        ("validate", "measure a run on its data"),
        ("predict", "outputs of a run for given inputs"),
        ("export", "write a run's network in another format"),
        ("show", "print a network with shapes and counts"),
        ("find-rate", "look for a learning rate"),
        ("render", "print the YAML that a template gives"),
        ("zoo", "list recipes and ready brains"),
        ("data", "list, fetch, check and look at data sets"),
        ("plugins", "list and check plugins"),
    ):
        yield CommandInfo(name=name, target=f"akid_core.cli.{name.replace('-', '_')}:main", summary=summary)
