"""The zoo's networks for images against independent implementations: random weights copied over, equal outputs.

Keras's applications and transformers have some of them; the others are written down here once more, in torch alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import pytest

from akid_core.backends.plan import Execution
from akid_core.bundled.zoo import resnet, vgg
from akid_core.bundled.zoo.cifar_resnet import cifar_resnet
from akid_core.bundled.zoo.maxout import maxout_mnist
from akid_core.bundled.zoo.mobilenet import STAGES, mobilenet_v2
from akid_core.bundled.zoo.wide_resnet import wide_resnet
from akid_core.graph import Brain
from akid_core.plugins import default_manager

os.environ.setdefault("USE_TF", "0")  # transformers need not look for it
torch = pytest.importorskip("torch")
tensorflow = pytest.importorskip("tensorflow")
transformers = pytest.importorskip("transformers")
F = torch.nn.functional
keras = tensorflow.keras

RANDOM = np.random.default_rng(5)
Weights = Mapping[str, np.ndarray]
BACKENDS = pytest.mark.parametrize("backend", ["torch", "tensorflow"])


def images(size: int, channels: int = 3) -> np.ndarray:
    return RANDOM.normal(size=(2, channels, size, size)).astype(np.float32)


def drawn(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values of a parameter that all count: statistics, scales and variances around 1, the others around 0."""
    if kind in ("scale", "variance"):
        return RANDOM.uniform(0.5, 1.5, shape).astype(np.float32)
    if kind != "weight":
        return RANDOM.normal(0, 0.1, shape).astype(np.float32)
    inputs = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
    return RANDOM.normal(0, (2 / inputs) ** 0.5, shape).astype(np.float32)


def weights_of(brain: Brain) -> dict[str, np.ndarray]:
    """Values for all parameters, in canonical layout."""
    return {path: drawn(param.name, param.shape) for path, param in brain.resolve(losses=False).params.items()}


def outputs(brain: Brain, backend: str, weights: Weights, image: np.ndarray) -> np.ndarray:
    """What the brain gives, live on a backend, with exactly these weights."""
    graph = brain.resolve(losses=False)
    assert set(weights) == set(graph.params)
    made = default_manager().registry.get("backend", backend)()
    live = made.network(graph, made.plan(Execution(), graph), 0)
    live.place("cpu")
    live.fill(weights)
    [found] = live.values({"image": image}, [graph.outputs["logits"]])
    return np.asarray(found)


def agree(found: np.ndarray, wanted: np.ndarray) -> None:
    """Within 1e-4 of the largest output, and not by all being alike."""
    assert wanted.std() > 1e-2
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


# --- Keras ---

LEAVES = {"kernel": "weight", "gamma": "scale", "beta": "shift", "moving_mean": "mean", "moving_variance": "variance"}


def into_keras(model: object, weights: Weights, names: Mapping[str, str]) -> None:
    """Fill a Keras model by names of blocks, Keras's by ours: HWIO of OIHW, of depthwise ones the channels third."""
    ours = {theirs: name for name, theirs in names.items()}
    for variable in model.variables:  # type: ignore[attr-defined]
        layer, leaf = variable.path.split("/")[-2:]
        if leaf == "seed_generator_state":
            continue
        value = weights[f"{ours[layer]}/{LEAVES.get(leaf, leaf)}"]
        if value.ndim == 4:
            value = value.transpose((2, 3, 0, 1) if "depthwise" in layer else (2, 3, 1, 0))
        variable.assign(value)


@pytest.mark.parametrize(("name", "depths"), [("VGG16", (2, 2, 3, 3, 3)), ("VGG19", (2, 2, 4, 4, 4))])
def test_vgg(name: str, depths: tuple[int, ...]) -> None:
    brain, image = getattr(vgg, name.lower())(classes=10, size=32), images(32)
    model = getattr(keras.applications, name)(
        weights=None, input_shape=(32, 32, 3), classes=10, classifier_activation=None
    )
    names = {"dense1": "fc1", "dense2": "fc2", "logits": "predictions"}
    for stage, depth in enumerate(depths, start=1):
        names |= {f"stage{stage}/conv{number}": f"block{stage}_conv{number}" for number in range(1, depth + 1)}
    weights = weights_of(brain)
    into_keras(model, weights, names)
    wanted = np.asarray(model(image.transpose(0, 2, 3, 1), training=False))
    for backend in ("torch", "tensorflow"):
        agree(outputs(brain, backend, weights, image), wanted)


def test_mobilenet_v2() -> None:
    brain, image = mobilenet_v2(classes=10, size=64), images(64)
    model = keras.applications.MobileNetV2(
        weights=None, input_shape=(64, 64, 3), classes=10, classifier_activation=None
    )
    names = {
        "conv1": "Conv1", "norm1": "bn_Conv1", "conv2": "Conv_1", "norm2": "Conv_1_bn", "logits": "predictions",
    }  # fmt: skip
    for number in range(1, 1 + sum(depth for _, _, depth, _ in STAGES)):
        there = "expanded_conv" if number == 1 else f"block_{number - 1}"
        for part in ("expand", "depthwise", "project"):
            names[f"block{number}/{part}"] = f"{there}_{part}"
            names[f"block{number}/{part}_norm"] = f"{there}_{part}_BN"
    weights = weights_of(brain)
    into_keras(model, weights, names)
    wanted = np.asarray(model(image.transpose(0, 2, 3, 1), training=False))
    for backend in ("torch", "tensorflow"):
        agree(outputs(brain, backend, weights, image), wanted)


# --- transformers ---

TORCH_LEAVES = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}


@pytest.mark.parametrize(
    ("name", "block", "depths", "convs"),
    [("resnet18", "basic", (2, 2, 2, 2), 2), ("resnet50", "bottleneck", (3, 4, 6, 3), 3)],
)
def test_resnet(name: str, block: str, depths: tuple[int, ...], convs: int) -> None:
    brain, image = getattr(resnet, name)(classes=10, size=64), images(64)
    widths = [64 * 2**stage * (4 if convs == 3 else 1) for stage in range(4)]
    config = transformers.ResNetConfig(
        embedding_size=64, hidden_sizes=widths, depths=list(depths), layer_type=block, num_labels=10
    )
    model = transformers.ResNetForImageClassification(config).eval()
    weights = weights_of(brain)
    theirs = {_of_transformers(path): _transposed(value) for path, value in weights.items()}
    missing = model.load_state_dict({path: torch.tensor(value) for path, value in theirs.items()}, strict=False)
    assert not missing.unexpected_keys
    assert all(path.endswith("num_batches_tracked") for path in missing.missing_keys)
    with torch.no_grad():
        wanted = model(torch.tensor(image)).logits.numpy()
    for backend in ("torch", "tensorflow"):
        agree(outputs(brain, backend, weights, image), wanted)


def _of_transformers(path: str) -> str:
    """`stage2/block1/norm3/scale` as `resnet.encoder.stages.1.layers.0.layer.2.normalization.weight`, and so on."""
    *blocks, layer, leaf = path.split("/")
    leaf = TORCH_LEAVES.get(leaf, leaf)
    if layer == "logits":
        return f"classifier.1.{leaf}"
    part = "normalization" if "norm" in layer else "convolution"
    if not blocks:
        return f"resnet.embedder.embedder.{part}.{leaf}"
    stage, block = (int(name[-1]) - 1 for name in blocks)
    inside = "shortcut" if layer.startswith("shortcut") else f"layer.{int(layer[-1]) - 1}"
    return f"resnet.encoder.stages.{stage}.layers.{block}.{inside}.{part}.{leaf}"


def _transposed(value: np.ndarray) -> np.ndarray:
    return value.T if value.ndim == 2 else value


# --- written down in torch ---


class Parts:
    """The layers of a network by path, each of torch's function and our weights."""

    def __init__(self, weights: Weights) -> None:
        self.weights = {path: torch.tensor(_transposed(value)) for path, value in weights.items()}

    def conv(self, path: str, x: object, **settings: object) -> object:
        return F.conv2d(x, self.weights[f"{path}/weight"], self.weights.get(f"{path}/bias"), **settings)

    def norm(self, path: str, x: object) -> object:
        mean, variance, scale, shift = (
            self.weights.get(f"{path}/{name}") for name in ("mean", "variance", "scale", "shift")
        )
        return F.batch_norm(x, mean, variance, scale, shift, eps=1e-5)

    def dense(self, path: str, x: object) -> object:
        return F.linear(x, self.weights[f"{path}/weight"], self.weights[f"{path}/bias"])


@BACKENDS
def test_cifar_resnet_with_shortcuts_without_parameters(backend: str) -> None:
    brain, image = cifar_resnet(depth=14), images(32)
    weights = weights_of(brain)
    parts = Parts(weights)
    x = F.relu(parts.norm("norm1", parts.conv("conv1", torch.tensor(image), padding=1)))
    for stage in (1, 2, 3):
        for block in (1, 2):
            here, stride = f"stage{stage}/block{block}", 2 if stage > 1 and block == 1 else 1
            main = F.relu(parts.norm(f"{here}/norm1", parts.conv(f"{here}/conv1", x, padding=1, stride=stride)))
            main = parts.norm(f"{here}/norm2", parts.conv(f"{here}/conv2", main, padding=1))
            if stride == 2:
                x = x[:, :, ::2, ::2]
                x = torch.cat([x, torch.zeros_like(x)], dim=1)
            x = F.relu(main + x)
    wanted = parts.dense("logits", x.mean((2, 3))).numpy()
    agree(outputs(brain, backend, weights, image), wanted)


@BACKENDS
@pytest.mark.parametrize("shortcut", ["projection", "padding"])
def test_wide_resnet(backend: str, shortcut: str) -> None:
    brain, image = wide_resnet(depth=16, width=2, shortcut=shortcut), images(32)  # type: ignore[arg-type]
    weights = weights_of(brain)
    parts = Parts(weights)
    x = parts.conv("conv1", torch.tensor(image), padding=1)
    for stage in (1, 2, 3):
        for block in (1, 2):
            here, stride = f"stage{stage}/block{block}", 2 if stage > 1 and block == 1 else 1
            active = F.relu(parts.norm(f"{here}/norm1", x))
            main = F.relu(parts.norm(f"{here}/norm2", parts.conv(f"{here}/conv1", active, padding=1, stride=stride)))
            main = parts.conv(f"{here}/conv2", main, padding=1)
            if block == 1 and shortcut == "projection":
                x = parts.conv(f"{here}/shortcut", active, stride=stride)
            elif block == 1:
                x = F.avg_pool2d(x, stride)
                x = F.pad(x, (0, 0, 0, 0, 0, main.shape[1] - x.shape[1]))
            x = main + x
    wanted = parts.dense("logits", F.relu(parts.norm("norm", x)).mean((2, 3))).numpy()
    agree(outputs(brain, backend, weights, image), wanted)


@BACKENDS
def test_maxout(backend: str) -> None:
    brain, image = maxout_mnist(norm=True), images(28, channels=1)
    weights = weights_of(brain)
    parts, x = Parts(weights), torch.tensor(image)
    for number, (padding, pool, pieces) in enumerate(((0, 4, 2), (3, 4, 2), (3, 2, 4)), start=1):
        x = F.max_pool2d(parts.conv(f"conv{number}", x, padding=padding), pool, stride=2, ceil_mode=True)
        x = parts.norm(f"norm{number}", x)
        x = torch.stack([x[:, first::pieces] for first in range(pieces)]).amax(0)
    wanted = parts.dense("logits", x.flatten(1)).numpy()
    agree(outputs(brain, backend, weights, image), wanted)
