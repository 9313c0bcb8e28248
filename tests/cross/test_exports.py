"""Exports: each format is written from a run of any backend, read back by its own means, and gives the same outputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import akid_core as akid
from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.cli.main import main
from akid_core.errors import ConfigurationError, DataError, UnknownNameError, UsageError
from akid_core.initializers.fill import initial_values
from akid_core.plugins import default_manager
from akid_core.specs.precision import Precision

Kid = akid.Kid
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(32, 1, 6, 6)).astype(np.float32)
Y = RANDOM.integers(0, 3, 32)


def brain() -> akid.Brain:
    """Two outputs, dropout, running statistics, and a branch that only the loss needs."""
    return (
        akid.Brain.graph(
            L.Conv2d(channels=4, kernel=3, padding="same", name="conv").on("image"),
            L.BatchNorm(name="norm").on("conv"),
            L.ReLU(name="relu").on("norm"),
            L.MaxPool2d(kernel=2, name="pool").on("relu"),
            L.Flatten(name="flat").on("pool"),
            L.Dropout(name="dropout").on("flat"),
            L.Dense(units=3, name="logits").on("dropout"),
            L.Sigmoid(name="shares").on("logits"),
            L.Dense(units=3, name="helper").on("flat"),
            inputs="image",
            outputs={"logits": "logits", "shares": "shares"},
        )
        .with_loss(L.SoftmaxCrossEntropy(), "logits", "label")
        .with_loss(L.SoftmaxCrossEntropy(name="other"), "helper", "label")
    )


def exporter(name: str, backend: str) -> Any:
    return default_manager().registry.get("exporter", name, backend)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    """A run of the NumPy backend, and what it predicts: running means of the weights."""
    kid = Kid(
        brain=brain(),
        train={"image": X, "label": Y},
        optimizer=akid.Adam(average=0.5),
        practice=akid.Practice(epochs=1),
        backend="numpy",
    )
    directory = tmp_path_factory.mktemp("run") / "run"
    kid.practice(run_dir=directory)
    return directory, kid.predict(X)


def onnx(path: Path) -> Any:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(path)
    (entry,) = session.get_inputs()
    assert (entry.name, entry.shape, entry.type) == ("image", ["N", 1, 6, 6], "tensor(float)")
    assert [(end.name, end.shape) for end in session.get_outputs()] == [("logits", ["N", 3]), ("shares", ["N", 3])]
    return lambda x: dict(zip(("logits", "shares"), session.run(None, {"image": x}), strict=True))


def torch_export(path: Path) -> Any:
    torch = pytest.importorskip("torch")
    program = torch.export.load(path)
    assert not any(name.startswith("helper") for name in program.state_dict)
    module = program.module()
    return lambda x: {name: value.detach().numpy() for name, value in module({"image": torch.tensor(x)}).items()}


def saved_model(path: Path) -> Any:
    tf = pytest.importorskip("tensorflow")
    model = tf.saved_model.load(str(path))
    assert len(model.held) == 8
    predict = model.signatures["serving_default"]
    return lambda x: {name: value.numpy() for name, value in predict(image=tf.constant(x)).items()}


@pytest.mark.parametrize("read", [onnx, torch_export, saved_model], ids=lambda read: read.__name__)
def test_a_run_is_exported_and_read_back(run: Any, tmp_path: Path, capsys: Any, read: Any) -> None:
    directory, wanted = run
    pytest.importorskip("tensorflow" if read is saved_model else "torch")
    target = tmp_path / "exports" / "model.pt2"
    assert main(["export", str(directory), str(target), "--to", read.__name__]) == 0
    assert (
        f"wrote {target} (step 1): image float32[N, 1, 6, 6] -> logits float32[N, 3], shares" in capsys.readouterr().out
    )
    assert [path.name for path in target.parent.iterdir()] == ["model.pt2"]
    predict = read(target)
    for rows in (32, 1, 2):
        found = predict(X[:rows])
        assert set(found) == {"logits", "shares"}
        for name, values in found.items():
            np.testing.assert_allclose(values, wanted[name][:rows], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("to", "backend"), [("onnx", "torch"), ("torch_export", "torch"), ("saved_model", "tensorflow")]
)
def test_feedback_is_exported(to: str, backend: str, tmp_path: Path) -> None:
    """With beginnings that are learnt, or not zero, whose names no format but ours would take."""
    pytest.importorskip(backend)
    rnn = akid.Unroll.graph(
        L.Dense(name="drive", units=4).on("x"),
        L.Dense(name="echo", units=4).on(akid.Edge("h", delay=1, initial="learned")),
        L.Dense(name="older", units=4).on(akid.Edge("h", delay=2, initial=0.5)),
        L.Add(name="sum").on("drive", "echo", "older"),
        L.Tanh(name="h").on("sum"),
        inputs="x", outputs="h", name="rnn",
    )  # fmt: skip
    made = akid.Brain.sequential(rnn, inputs="x", outputs="rnn").with_loss(L.MeanSquaredError(), "rnn", "t")
    x = RANDOM.normal(size=(4, 3, 2)).astype(np.float32)
    data = {"x": x, "t": np.zeros((4, 3, 4), np.float32)}
    kid = Kid(brain=made, sensors=akid.sensors(train=data, batch_size=4), backend=backend)
    kid.practice()
    target = tmp_path / "model.pt2"
    kid.export(target, to=to)
    if to == "saved_model":
        tf = pytest.importorskip("tensorflow")
        found = tf.saved_model.load(str(target)).signatures["serving_default"](x=tf.constant(x))["rnn"].numpy()
    elif to == "onnx":
        found = pytest.importorskip("onnxruntime").InferenceSession(str(target)).run(["rnn"], {"x": x})[0]
    else:
        torch = pytest.importorskip("torch")
        found = torch.export.load(str(target)).module()({"x": torch.from_numpy(x)})["rnn"].detach().numpy()
    np.testing.assert_allclose(found, kid.predict(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["code", "graph", "forward", "type", "training", "program", "inputs"])
def test_blocks_may_be_called_like_attributes_of_torch(name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    made = akid.Brain.sequential(L.Dense(name=name, units=2), inputs="x").with_loss(L.MeanSquaredError(), name, "t")
    x = RANDOM.normal(size=(4, 3)).astype(np.float32)
    data = {"x": x, "t": np.zeros((4, 2), np.float32)}
    kid = Kid(brain=made, sensors=akid.sensors(train=data, batch_size=4), backend="torch")
    kid.practice()
    kid.export(tmp_path / "model.onnx", to="onnx")
    found = pytest.importorskip("onnxruntime").InferenceSession(str(tmp_path / "model.onnx")).run(None, {"x": x})[0]
    np.testing.assert_allclose(found, kid.predict(x), rtol=1e-4, atol=1e-5)


def test_a_format_of_another_backend(tmp_path: Path) -> None:
    for backend in ("torch", "tensorflow"):
        pytest.importorskip(backend)
    kid = Kid(brain=brain(), train={"image": X, "label": Y}, backend="numpy")
    with pytest.raises(UnknownNameError, match="numpy backend does not export to 'onnx', and torch does"):
        kid.export(tmp_path / "model.onnx", to="onnx")
    with pytest.raises(UnknownNameError, match="Did you mean 'onnx'"):
        kid.export(tmp_path / "model.onnx", to="onxx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("to", "backend"), [("torch_export", "torch"), ("saved_model", "tensorflow")])
def test_a_directory_is_in_the_way(tmp_path: Path, to: str, backend: str) -> None:
    pytest.importorskip(backend)
    kid = Kid(brain=brain(), train={"image": X, "label": Y}, backend=backend)
    with pytest.raises(UsageError, match=r"^\S+ is a directory already: give a path that is still free\.$"):
        kid.export(tmp_path, to=to)


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "file").write_text("in the way")
    kid = Kid(brain=brain(), train={"image": X, "label": Y}, backend="torch")
    with pytest.raises(DataError, match=r"model.pt2 cannot be written: (Not a directory|File exists)"):
        kid.export(tmp_path / "file" / "model.pt2", to="torch_export")


def test_a_module_that_torch_cannot_trace_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")

    class Branching(torch.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, x: Any) -> Any:
            return x if x.sum() > 0 else -x

    attached = akid.Brain.sequential(
        L.Flatten(), akid.Attach(target=Branching(), out=("N", 36), name="strange"), L.Dense(units=3), inputs="image"
    ).with_loss(L.SoftmaxCrossEntropy(), "dense", "label")
    kid = Kid(brain=attached, train={"image": X, "label": Y}, backend="torch")
    with pytest.raises(
        ConfigurationError,
        match=r"torch.export cannot hold block 'strange'.*: its Python branches.*must not branch",
    ):
        kid.export(tmp_path / "model.pt2", to="torch_export")
    assert not any(capfd.readouterr()), "torch prints the program that it has, and warns"
    assert not list(tmp_path.iterdir())


def test_an_operation_that_onnx_lacks(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")

    class Rare(torch.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, x: Any) -> Any:
            return torch.linalg.eigvalsh(x[:, 0] @ x[:, 0].transpose(1, 2))

    attached = akid.Brain.sequential(
        akid.Attach(target=Rare(), out=("N", 6), name="rare"), L.Dense(units=3), inputs="image"
    ).with_loss(L.SoftmaxCrossEntropy(), "dense", "label")
    kid = Kid(brain=attached, train={"image": X, "label": Y}, backend="torch")
    with pytest.raises(ConfigurationError, match="ONNX cannot hold block 'rare': .*eigh.*must know every operation"):
        kid.export(tmp_path / "model.onnx", to="onnx")
    assert not list(tmp_path.iterdir())


NARROW = replace(brain(), precision=Precision(compute="bfloat16"))


@pytest.mark.parametrize("read", [torch_export, saved_model], ids=lambda read: read.__name__)
def test_a_network_that_computes_in_bfloat16_takes_and_gives_float32(tmp_path: Path, read: Any) -> None:
    backend = "tensorflow" if read is saved_model else "torch"
    pytest.importorskip(backend)
    kid = Kid(brain=NARROW, train={"image": X, "label": Y}, practice=akid.Practice(steps=1), backend=backend)
    kid.practice(run_dir=tmp_path / "run")
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "model.pt2"), "--to", read.__name__]) == 0
    found, wanted = read(tmp_path / "model.pt2")(X), kid.predict(X)
    for name, values in found.items():
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, wanted[name], rtol=0.02, atol=0.02)  # bfloat16 has 8 binary digits


def test_bfloat16_goes_to_onnx_by_way_of_float32(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    kid = Kid(brain=NARROW, train={"image": X, "label": Y}, practice=akid.Practice(steps=1), backend="torch")
    kid.practice(run_dir=tmp_path / "run")
    with pytest.raises(ConfigurationError, match=r"computes in bfloat16.*precision float32.*start: {path: RUN_DIR}"):
        kid.export(tmp_path / "model.onnx", to="onnx")
    assert not (tmp_path / "model.onnx").exists()
    practice = akid.Practice(steps=1, start=akid.Start(path=tmp_path / "run"))
    wide = Kid(brain=brain(), train={"image": X, "label": Y}, practice=practice, backend="torch")
    wide.export(tmp_path / "model.onnx", to="onnx")
    found, wanted = onnx(tmp_path / "model.onnx")(X), kid.predict(X)
    np.testing.assert_allclose(found["logits"], wanted["logits"], rtol=0.05, atol=0.05)


def test_a_module_that_tensorflow_cannot_trace_is_named(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")

    class Reading(tf.Module):  # type: ignore[name-defined, misc]
        def __call__(self, x: Any) -> Any:
            return tf.constant(x.numpy())

    attached = akid.Brain.sequential(
        L.Flatten(), akid.Attach(target=Reading(), out=("N", 36), name="strange"), L.Dense(units=3), inputs="image"
    ).with_loss(L.SoftmaxCrossEntropy(), "dense", "label")
    kid = Kid(brain=attached, train={"image": X, "label": Y}, backend="tensorflow")
    with pytest.raises(ConfigurationError, match=r"SavedModel cannot hold block strange.*must not call Python code"):
        kid.export(tmp_path / "model", to="saved_model")
    assert not list(tmp_path.iterdir())


def live(backend_name: str) -> Any:
    """A network over sequences of any length."""
    text = akid.TensorSpec(("N", "T", 4), "float32", "NTC")
    layers = (L.MultiHeadAttention(heads=2, name="attention"), L.LSTM(units=3, name="memory"))
    graph = akid.Brain.sequential(*layers, inputs="text").resolve({"text": text}, losses=False)
    backend = default_manager().registry.get("backend", backend_name)()
    network = backend.network(graph, backend.plan(Execution(), graph), 0)
    network.place("cpu")
    network.fill(initial_values(graph, 0))
    return network


def test_sequences_of_any_length(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    network = live("tensorflow")
    exporter("saved_model", "tensorflow")(network, tmp_path / "model")
    predict = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    for rows, steps in ((2, 5), (1, 1), (3, 9)):
        text = RANDOM.normal(size=(rows, steps, 4)).astype(np.float32)
        (wanted,) = network.values({"text": text}, list(network.graph.outputs.values()))
        np.testing.assert_allclose(predict(text=tf.constant(text))["memory"], wanted, rtol=1e-6)


def test_a_walk_over_a_size_that_is_not_known_is_named(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    network = live("torch")
    with pytest.raises(ConfigurationError, match=r"torch.export cannot hold block 'memory'.*size is a symbol"):
        exporter("torch_export", "torch")(network, tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())
