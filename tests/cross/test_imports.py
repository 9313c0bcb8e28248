"""Weights of torch and Keras models taken into a network: it computes what they computed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.backends.contract import Network
from akid_core.backends.plan import Execution
from akid_core.checkpoints import write_weights
from akid_core.errors import CheckpointError
from akid_core.plugins import default_manager
from akid_core.specs.precision import Precision

RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.normal(size=(3, 2, 6, 5))
TEXT = RANDOM.normal(size=(3, 4, 6))
WORDS = RANDOM.integers(0, 9, (3, 4))


def network(brain: akid.Brain, **fields: np.ndarray) -> Network:
    """A brain in NumPy, float64, of inputs like these."""
    axes = {"image": "NCHW", "text": "NTC", "words": "NT"}
    specs = {
        name: akid.TensorSpec(("N", *value.shape[1:]), str(value.dtype), axes[name]) for name, value in fields.items()
    }
    graph = replace(brain, precision=Precision.of("float64")).resolve(specs, losses=False)
    backend = default_manager().registry.get("backend", "numpy")()
    live: Network = backend.network(graph, backend.plan(Execution(), graph), 0)
    live.place("cpu")
    return live


def outputs(live: Network, **fields: np.ndarray) -> np.ndarray:
    return live.values(fields, list(live.graph.outputs.values()))[0]


IMAGES = akid.Brain.sequential(
    L.Conv2d(channels=4, kernel=3, name="conv"),
    L.BatchNorm(name="norm"),
    L.ReLU(),
    L.Flatten(),
    L.BatchNorm(name="flat_norm"),
    L.Dense(units=3, name="head"),
    inputs="image",
)

SEQUENCES = akid.Brain.graph(
    L.Embedding(entries=9, units=6, name="table").on("words"),
    L.Add(name="sum").on("table", "text"),
    L.MultiHeadAttention(heads=2, name="attention").on("sum"),
    L.LSTM(units=5, return_sequences=True, name="lstm").on("attention"),
    L.GRU(units=4, name="gru").on("lstm"),
    inputs=("text", "words"),
    outputs="gru",
)


def test_images_of_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from akid_torch import weights

    nn = torch.nn
    theirs = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.BatchNorm1d(48), nn.Linear(48, 3)
    ).double()
    for value in theirs.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.tensor(RANDOM.uniform(0.5, 1.5, value.shape)))
    wanted = theirs.eval()(torch.tensor(IMAGE)).detach().numpy()
    names = {"conv": "0", "norm": "1", "flat_norm": "4", "head": "5"}
    file = tmp_path / "model.pt"
    torch.save({"epoch": 3, "state_dict": theirs.state_dict()}, file)
    for source in (theirs, theirs.state_dict(), file):
        live = network(IMAGES, image=IMAGE)
        found = live.load(weights.read(source), names=names, layout="torch")
        assert found.report.startswith("taken are 12 of 12 parameters")
        assert found.unused == ("1.num_batches_tracked", "4.num_batches_tracked")
        np.testing.assert_allclose(outputs(live, image=IMAGE), wanted, rtol=1e-10)


def test_sequences_of_torch() -> None:
    torch = pytest.importorskip("torch")
    from akid_torch import weights

    nn = torch.nn

    class Theirs(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(9, 6)
            self.att = nn.MultiheadAttention(6, 2, batch_first=True)
            self.rnn = nn.ModuleDict({"a": nn.LSTM(6, 5, batch_first=True), "b": nn.GRU(5, 4, batch_first=True)})

        def forward(self, text: Any, words: Any) -> Any:
            x = self.embed(words) + text
            x, _ = self.att(x, x, x)
            x, _ = self.rnn["a"](x)
            return self.rnn["b"](x)[1][0]

    theirs = Theirs().double()
    for value in theirs.parameters():
        value.data.copy_(torch.tensor(RANDOM.normal(size=tuple(value.shape))))
    live = network(SEQUENCES, text=TEXT, words=WORDS)
    names = {"table": "embed", "attention": "att", "lstm": "rnn.a", "gru": "rnn.b"}
    found = live.load(weights.read(theirs), names=names, layout="torch")
    assert not found.missing
    assert not found.unused
    wanted = theirs(torch.tensor(TEXT), torch.tensor(WORDS)).detach().numpy()
    np.testing.assert_allclose(outputs(live, text=TEXT, words=WORDS), wanted, rtol=1e-10)


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolutions_of_torch(groups: int) -> None:
    torch = pytest.importorskip("torch")
    from akid_torch import weights

    theirs = torch.nn.ConvTranspose2d(2, 4, 3, stride=2, groups=groups).double()
    brain = akid.Brain.sequential(
        L.ConvTranspose2d(channels=4, kernel=3, stride=2, groups=groups, padding="valid", name="up"), inputs="image"
    )
    live = network(brain, image=IMAGE)
    live.load(weights.read(theirs), names={"up/weight": "weight", "up/bias": "bias"}, layout="torch")
    wanted = theirs(torch.tensor(IMAGE)).detach().numpy()
    np.testing.assert_allclose(outputs(live, image=IMAGE), wanted, rtol=1e-10)


def test_images_of_keras(tmp_path: Path) -> None:
    keras = pytest.importorskip("tensorflow").keras
    from akid_tf import weights

    layers = [
        keras.layers.Conv2D(4, 3, name="conv"),
        keras.layers.BatchNormalization(epsilon=1e-5, name="norm"),
        keras.layers.ReLU(),
        keras.layers.Flatten(),
        keras.layers.BatchNormalization(epsilon=1e-5, name="flat_norm"),
        keras.layers.Dense(3, name="logits"),
    ]
    theirs = keras.Sequential([keras.Input((6, 5, 2)), *layers])
    for variable in theirs.variables:
        variable.assign(RANDOM.uniform(0.5, 1.5, variable.shape))
    wanted = theirs(IMAGE.transpose(0, 2, 3, 1).astype(np.float32)).numpy()
    theirs.save(tmp_path / "model.keras")
    theirs.save_weights(tmp_path / "model.weights.h5")
    for source in (theirs, tmp_path / "model.keras", tmp_path / "model.weights.h5"):
        live = network(IMAGES, image=IMAGE)
        found = live.load(weights.read(source), names={"head": "logits"}, layout="keras")
        assert not found.missing
        assert not found.unused
        np.testing.assert_allclose(outputs(live, image=IMAGE), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("groups", [1, 2])
def test_depthwise_convolutions_of_keras(tmp_path: Path, groups: int) -> None:
    keras = pytest.importorskip("tensorflow").keras
    from akid_tf import weights

    apart = [keras.layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")]
    apart += [keras.layers.Conv2D(4, 3, groups=groups, name="grouped")]
    theirs = keras.Sequential([keras.Input((6, 5, 2)), *apart])
    for variable in theirs.variables:
        variable.assign(RANDOM.normal(size=variable.shape))
    theirs.save_weights(tmp_path / "model.weights.h5")
    brain = akid.Brain.sequential(
        L.Conv2d(channels=4, kernel=3, groups=2, padding="valid", name="depthwise"),
        L.Conv2d(channels=4, kernel=3, groups=groups, padding="valid", name="grouped"),
        inputs="image",
    )
    wanted = theirs(IMAGE.transpose(0, 2, 3, 1).astype(np.float32)).numpy().transpose(0, 3, 1, 2)
    for source in (theirs, tmp_path / "model.weights.h5"):
        live = network(brain, image=IMAGE)
        assert not live.load(weights.read(source), layout="keras").missing
        np.testing.assert_allclose(outputs(live, image=IMAGE), wanted, rtol=1e-4, atol=1e-4)


def test_a_keras_model_with_random_layers_has_the_paths_of_its_file(tmp_path: Path) -> None:
    keras = pytest.importorskip("tensorflow").keras
    from akid_tf import weights

    layers = [keras.layers.Embedding(9, 6, name="table"), keras.layers.Dropout(0.1)]
    layers += [
        keras.layers.Bidirectional(keras.layers.LSTM(3, dropout=0.1), name="both"),
        keras.layers.Dense(2, name="d"),
    ]
    layers += [keras.layers.PReLU(name="slopes")]
    theirs = keras.Sequential([keras.Input((4,)), *layers])
    theirs.save_weights(tmp_path / "model.weights.h5")
    assert set(weights.read(theirs)) == set(weights.read(tmp_path / "model.weights.h5"))
    brain = akid.Brain.graph(
        L.Embedding(entries=9, units=6, name="table").on("words"),
        L.LSTM(units=3, name="there").on("table"),
        L.LSTM(units=3, reverse=True, name="back").on("table"),
        L.Concat(name="both").on("there", "back"),
        L.Dense(units=2, name="d").on("both"),
        L.PReLU(name="slopes").on("d"),
        inputs="words",
        outputs="slopes",
    )
    live = network(brain, words=WORDS)
    found = live.load(
        weights.read(theirs), names={"there": "both/forward_lstm", "back": "both/backward_lstm"}, layout="keras"
    )
    assert (found.missing, found.unused) == ({}, ())
    np.testing.assert_allclose(outputs(live, words=WORDS), theirs(WORDS).numpy(), rtol=1e-4, atol=1e-5)


def test_sequences_of_keras(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    keras = tf.keras
    from akid_tf import weights

    text, words = keras.Input((4, 6), name="text"), keras.Input((4,), name="words", dtype="int64")
    x = keras.layers.Embedding(9, 6, name="table")(words) + text
    x = keras.layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    x = keras.layers.LSTM(5, return_sequences=True, name="lstm")(x)
    theirs = keras.Model([text, words], keras.layers.GRU(4, name="gru")(x))
    for variable in theirs.trainable_variables:
        variable.assign(RANDOM.normal(size=variable.shape))
    wanted = theirs([tf.constant(TEXT, tf.float32), tf.constant(WORDS)]).numpy()
    theirs.save_weights(tmp_path / "model.weights.h5")
    for source in (theirs, tmp_path / "model.weights.h5"):
        live = network(SEQUENCES, text=TEXT, words=WORDS)
        found = live.load(weights.read(source), layout="keras")
        assert not found.missing
        assert found.unused == ("attention/key/bias",)
        np.testing.assert_allclose(outputs(live, text=TEXT, words=WORDS), wanted, rtol=1e-4, atol=1e-5)


def test_a_run_starts_from_converted_weights(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from akid_torch import weights

    theirs = torch.nn.LSTM(6, 5)
    write_weights(weights.read(theirs), tmp_path / "lstm.safetensors")
    brain = akid.Brain.sequential(L.LSTM(units=5, name="memory"), L.Dense(units=2, name="logits"), inputs="text")
    start = akid.Start(
        path=tmp_path / "lstm.safetensors",
        params=("memory/*",),
        names={f"memory/{leaf}": leaf for leaf in ("weight", "recurrent_weight", "bias")},
        layout="torch",
    )
    kid = akid.Kid(
        brain=brain.with_loss(L.SoftmaxCrossEntropy(), "logits", "label"),
        train={"text": np.tile(TEXT, (11, 1, 1)).astype(np.float32), "label": np.zeros(33, np.int64)},
        practice=akid.Practice(steps=1, start=start),
        backend="torch",
    )
    bias = (theirs.bias_ih_l0 + theirs.bias_hh_l0).detach().numpy()
    np.testing.assert_allclose(kid.network["memory/bias"], bias, rtol=1e-6)
    np.testing.assert_array_equal(kid.network["memory/weight"], theirs.weight_ih_l0.detach().numpy().T)


def test_files_that_hold_something_else(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("tensorflow")
    import akid_tf.weights
    import akid_torch.weights

    whole, other, text = tmp_path / "whole.pt", tmp_path / "other.pt", tmp_path / "text.keras"
    torch.save(torch.nn.Linear(2, 3), whole)
    torch.save({"epoch": 3, "loss": 0.5}, other)
    text.write_text("nothing")
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(other.read_bytes()[:200])
    with pytest.raises(CheckpointError, match=r"of torch: it holds a torch\S*\.Linear, .*save its state_dict\(\)\.$"):
        akid_torch.weights.read(whole)
    for junk in (text, damaged):
        with pytest.raises(CheckpointError, match=r"as weights of torch: it is no file of torch.save, or a damaged"):
            akid_torch.weights.read(junk)
    with pytest.raises(CheckpointError, match=r"other.pt holds no tensors by name, but epoch, loss"):
        akid_torch.weights.read(other)
    with pytest.raises(CheckpointError, match=r"gone.pt cannot be read: No such file"):
        akid_torch.weights.read(tmp_path / "gone.pt")
    with pytest.raises(CheckpointError, match=r"text.keras cannot be read as weights of Keras"):
        akid_tf.weights.read(text)
    with pytest.raises(CheckpointError, match=r"gone.weights.h5 cannot be read as weights of Keras.*No such file"):
        akid_tf.weights.read(tmp_path / "gone.weights.h5")
    with pytest.raises(CheckpointError, match=r"whole.pt is no file of Keras's"):
        akid_tf.weights.read(whole)
