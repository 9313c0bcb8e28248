"""The plugin: what importing it pulls in, what it declares, and how it settles a plan."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from akid_core import layers as L
from akid_core.backends.plan import Execution
from akid_core.errors import ConfigurationError
from akid_core.graph.brain import Brain
from akid_core.plugins import default_manager
from akid_core.specs.precision import Precision
from akid_core.specs.tensor import TensorSpec
from akid_core.testing.hygiene import found, modules_after_import
from akid_tf.backend import TensorflowBackend
from akid_tf.devices import use_threads
from akid_tf.runtime import tf

ROWS = {"x": TensorSpec(("N", 4), "float32", "NC")}


@pytest.fixture
def dense() -> Brain:
    return Brain.sequential(L.Dense(units=2, name="out"), inputs="x", outputs="out")


def test_declaring_imports_nothing() -> None:
    assert found(modules_after_import("akid_tf.plugin")) == []


def test_starting_writes_nothing() -> None:
    """TensorFlow's notices at start are held back; what the user asks for by the variable still comes."""
    code = "import akid_tf.backend, sys; sys.stderr.write('mine')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "mine")


def test_everything_declared_exists() -> None:
    registry = default_manager().registry
    assert registry.get("backend", "tensorflow") is TensorflowBackend
    mine = [item.info for item in registry.infos("layer_builder") if item.info.target.startswith("akid_tf.")]
    assert len(mine) >= 14
    for info in mine:
        assert callable(registry.get("layer_builder", info.name, "tensorflow"))
        assert registry.has("layer", info.name), f"there is no layer {info.name}"


def test_the_plan(backend: TensorflowBackend, dense: Brain, brain: Brain) -> None:
    plan = backend.plan(Execution(), dense.resolve(ROWS))
    settled = (plan.backend, plan.device, plan.layout, plan.bundle, plan.fused)
    assert settled == ("tensorflow", "cpu", "channels_last", 256, True)
    assert not backend.plan(Execution(fused=False), dense.resolve(ROWS)).fused
    assert set(plan.versions) == {"tensorflow", "numpy"}
    images = {"image": TensorSpec(("N", 2, 8, 8), "float32", "NCHW"), "label": TensorSpec(("N",), "int64", "N")}
    assert backend.plan(Execution(), brain.resolve(images)).bundle == 16
    assert backend.plan(Execution(bundle=5), dense.resolve(ROWS)).bundle == 5


@pytest.mark.parametrize(
    ("execution", "message"),
    [
        (Execution(layout="channels_first"), "layout is 'channels_first'"),
        (Execution(device="cuda:7"), "does not see the device 'cuda:7'; it sees cpu"),
        (Execution(device="tpu"), "does not see the device 'tpu'"),
        (Execution(threads=77), "threads is 77, but TensorFlow already runs"),
    ],
)
def test_what_cannot_be_planned(backend: TensorflowBackend, dense: Brain, execution: Execution, message: str) -> None:
    tf.zeros(())
    with pytest.raises(ConfigurationError, match=message):
        backend.plan(execution, dense.resolve(ROWS))


def test_threads_that_are_there_already_may_be_asked_for() -> None:
    tf.zeros(())  # from here on TensorFlow runs
    use_threads(tf.config.threading.get_intra_op_parallelism_threads())


def test_what_cannot_run(backend: TensorflowBackend, dense: Brain) -> None:
    for precision in (Precision("float32", "float64", "float64"), Precision("bfloat16", "bfloat16", "float32")):
        with pytest.raises(ConfigurationError, match=f"in {precision.params} and computation in {precision.compute}"):
            backend.plan(Execution(), replace(dense, precision=precision).resolve(ROWS))
