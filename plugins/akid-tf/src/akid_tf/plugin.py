"""What akid-tf contributes, as text: importing this module imports no TensorFlow."""

from __future__ import annotations

from akid_core.plugin_api import BackendInfo, ExporterInfo, LayerBuilderInfo, SourceInfo, hookimpl

BACKEND = "tensorflow"

_BUILDERS = {
    "attach": "akid_tf.layers.attach:build",
    "conv1d": "akid_tf.layers.conv:build",
    "conv2d": "akid_tf.layers.conv:build",
    "conv_transpose2d": "akid_tf.layers.conv:build_transpose",
    "max_pool1d": "akid_tf.layers.pool:build_max",
    "max_pool2d": "akid_tf.layers.pool:build_max",
    "avg_pool1d": "akid_tf.layers.pool:build_average",
    "avg_pool2d": "akid_tf.layers.pool:build_average",
    "global_avg_pool1d": "akid_tf.layers.pool:build_global_average",
    "global_avg_pool2d": "akid_tf.layers.pool:build_global_average",
    "global_max_pool1d": "akid_tf.layers.pool:build_global_max",
    "global_max_pool2d": "akid_tf.layers.pool:build_global_max",
    "pad": "akid_tf.layers.spatial:build_pad",
    "upsample": "akid_tf.layers.spatial:build_upsample",
    "lrn": "akid_tf.layers.spatial:build_lrn",
    "spatial_dropout": "akid_tf.layers.spatial:build_spatial_dropout",
    "batch_norm": "akid_tf.layers.norm:build",
    "dense": "akid_tf.layers.dense:build",
    "concat": "akid_tf.layers.axis:build_concat",
    "relu": "akid_tf.layers.pointwise:build_relu",
    "relu6": "akid_tf.layers.pointwise:build_relu6",
    "leaky_relu": "akid_tf.layers.pointwise:build_leaky_relu",
    "prelu": "akid_tf.layers.pointwise:build_prelu",
    "gelu": "akid_tf.layers.pointwise:build",
    "silu": "akid_tf.layers.pointwise:build",
    "softmax": "akid_tf.layers.axis:build_softmax",
    "maxout": "akid_tf.layers.axis:build_maxout",
    "slice": "akid_tf.layers.axis:build",
    "split": "akid_tf.layers.axis:build_split",
    "stack": "akid_tf.layers.stack:build_stack",
    "unstack": "akid_tf.layers.stack:build_unstack",
    "l2_normalize": "akid_tf.layers.axis:build",
    "layer_norm": "akid_tf.layers.row_norm:build_layer_norm",
    "rms_norm": "akid_tf.layers.row_norm:build_rms_norm",
    "group_norm": "akid_tf.layers.row_norm:build_group_norm",
    "tanh": "akid_tf.layers.pointwise:build",
    "sigmoid": "akid_tf.layers.pointwise:build",
    "add": "akid_tf.layers.pointwise:build",
    "multiply": "akid_tf.layers.pointwise:build",
    "gru": "akid_tf.layers.recurrent:build",
    "lstm": "akid_tf.layers.recurrent:build",
    "multi_head_attention": "akid_tf.layers.attention:build",
    "dropout": "akid_tf.layers.pointwise:build",
    "softmax_cross_entropy": "akid_tf.layers.loss:build",
}


@hookimpl
def akid_backends() -> list[BackendInfo]:
    return [
        BackendInfo(
            name=BACKEND,
            target="akid_tf.backend:TensorflowBackend",
            priority=10,
            modules=("tensorflow",),
            requires=("akid-tf[cpu]",),
            summary="TensorFlow: spans of steps compiled into one call, channels last",
        )
    ]


@hookimpl
def akid_layer_builders() -> list[LayerBuilderInfo]:
    return [LayerBuilderInfo(name=name, target=target, backend=BACKEND) for name, target in _BUILDERS.items()]


@hookimpl
def akid_sources() -> list[SourceInfo]:
    return [
        SourceInfo(
            name="tf_dataset",
            target="akid_tf.sources.dataset:TfDataset",
            summary="wraps a tf.data.Dataset, read in its own order",
        )
    ]


@hookimpl
def akid_exporters() -> list[ExporterInfo]:
    return [
        ExporterInfo(
            name="saved_model",
            backend=BACKEND,
            target="akid_tf.exporter:export",
            summary="a directory that TensorFlow Serving reads",
        )
    ]
