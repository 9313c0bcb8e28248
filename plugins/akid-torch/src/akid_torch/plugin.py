"""The light module: what this distribution declares. Nothing here imports torch."""

from __future__ import annotations

from akid_core.plugin_api import BackendInfo, ExporterInfo, LayerBuilderInfo, SourceInfo, hookimpl

BACKEND = "torch"

_BUILDERS = {
    "absolute_error": "akid_torch.layers.metric:build_error",
    "accuracy": "akid_torch.layers.metric:build_accuracy",
    "add": "akid_torch.layers.merge:build_add",
    "attach": "akid_torch.layers.attach:build",
    "avg_pool1d": "akid_torch.layers.pool:build_avg",
    "avg_pool2d": "akid_torch.layers.pool:build_avg",
    "batch_norm": "akid_torch.layers.norm:build",
    "binary_accuracy": "akid_torch.layers.metric:build_binary_accuracy",
    "binary_cross_entropy": "akid_torch.layers.loss:build_binary_cross_entropy",
    "concat": "akid_torch.layers.merge:build_concat",
    "conv1d": "akid_torch.layers.conv:build",
    "conv2d": "akid_torch.layers.conv:build",
    "conv_transpose2d": "akid_torch.layers.conv:build_transpose",
    "dense": "akid_torch.layers.dense:build",
    "dropout": "akid_torch.layers.dropout:build",
    "embedding": "akid_torch.layers.embedding:build",
    "flatten": "akid_torch.layers.shape:build_flatten",
    "gelu": "akid_torch.layers.activation:build_gelu",
    "global_avg_pool1d": "akid_torch.layers.pool:build_global_avg",
    "global_avg_pool2d": "akid_torch.layers.pool:build_global_avg",
    "global_max_pool1d": "akid_torch.layers.pool:build_global_max",
    "global_max_pool2d": "akid_torch.layers.pool:build_global_max",
    "group_norm": "akid_torch.layers.row_norm:build_group_norm",
    "gru": "akid_torch.layers.recurrent:build",
    "huber": "akid_torch.layers.loss:build_regression",
    "layer_norm": "akid_torch.layers.row_norm:build_layer_norm",
    "leaky_relu": "akid_torch.layers.activation:build_leaky_relu",
    "lstm": "akid_torch.layers.recurrent:build",
    "max_pool1d": "akid_torch.layers.pool:build_max",
    "max_pool2d": "akid_torch.layers.pool:build_max",
    "mean_absolute_error": "akid_torch.layers.loss:build_regression",
    "mean_squared_error": "akid_torch.layers.loss:build_regression",
    "multi_head_attention": "akid_torch.layers.attention:build",
    "multiply": "akid_torch.layers.merge:build_multiply",
    "prelu": "akid_torch.layers.activation:build_prelu",
    "relu": "akid_torch.layers.activation:build_relu",
    "relu6": "akid_torch.layers.activation:build_relu6",
    "rms_norm": "akid_torch.layers.row_norm:build_rms_norm",
    "sigmoid": "akid_torch.layers.activation:build_sigmoid",
    "silu": "akid_torch.layers.activation:build_silu",
    "softmax": "akid_torch.layers.activation:build_softmax",
    "softmax_cross_entropy": "akid_torch.layers.loss:build_softmax_cross_entropy",
    "split": "akid_torch.layers.cut:build_split",
    "squared_error": "akid_torch.layers.metric:build_error",
    "stack": "akid_torch.layers.merge:build_stack",
    "tanh": "akid_torch.layers.activation:build_tanh",
    "unstack": "akid_torch.layers.cut:build_unstack",
    "upsample": "akid_torch.layers.resize:build",
}


@hookimpl
def akid_backends() -> list[BackendInfo]:
    return [
        BackendInfo(
            name=BACKEND,
            target="akid_torch.backend:TorchBackend",
            priority=20,
            modules=("torch",),
            summary="PyTorch: native layers, fused optimizers, channels-last images.",
        )
    ]


@hookimpl
def akid_layer_builders() -> list[LayerBuilderInfo]:
    return [LayerBuilderInfo(name=name, backend=BACKEND, target=target) for name, target in _BUILDERS.items()]


@hookimpl
def akid_sources() -> list[SourceInfo]:
    return [
        SourceInfo(
            name="torch_dataset",
            target="akid_torch.sources.dataset:TorchDataset",
            summary="wraps a torch Dataset, map-style or iterable",
        )
    ]


@hookimpl
def akid_exporters() -> list[ExporterInfo]:
    return [
        ExporterInfo(
            name="onnx",
            backend=BACKEND,
            target="akid_torch.exporters.onnx:export",
            summary="ONNX, what many runtimes read",
            requires=("akid-torch[onnx]",),
        ),
        ExporterInfo(
            name="torch_export",
            backend=BACKEND,
            target="akid_torch.exporters.program:export",
            summary="a program of torch.export (.pt2)",
        ),
    ]
