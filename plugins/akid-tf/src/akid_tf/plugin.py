"""What akid-tf contributes, as text: importing this module imports no TensorFlow."""

from __future__ import annotations

from akid_core.plugin_api import BackendInfo, LayerBuilderInfo, hookimpl

BACKEND = "tensorflow"

_BUILDERS = {
    "attach": "akid_tf.layers.attach:build",
    "conv2d": "akid_tf.layers.conv:build",
    "max_pool2d": "akid_tf.layers.pool:build_max",
    "avg_pool2d": "akid_tf.layers.pool:build_average",
    "global_avg_pool2d": "akid_tf.layers.pool:build_global_average",
    "batch_norm": "akid_tf.layers.norm:build",
    "dense": "akid_tf.layers.dense:build",
    "concat": "akid_tf.layers.pointwise:build_concat",
    "relu": "akid_tf.layers.pointwise:build_relu",
    "tanh": "akid_tf.layers.pointwise:build",
    "sigmoid": "akid_tf.layers.pointwise:build",
    "add": "akid_tf.layers.pointwise:build",
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
