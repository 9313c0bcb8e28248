"""Attached modules: their parameters have paths, are trained and saved; what they draw is reproducible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from akid_core import layers as L
from akid_core.errors import ConfigurationError, SpecError
from akid_core.graph.attach import Attach
from akid_core.graph.brain import Brain
from akid_core.graph.resolved import Value
from akid_core.graph.system import System
from akid_core.optimizers import SGD, AdamW


def body() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 5)
    )


def attached(target: Any, out: Any = ("N", 5), **arguments: Any) -> Brain:
    blocks = (Attach(name="body", target=target, arguments=arguments, out=out), L.Dense(name="logits", units=3))
    return Brain.sequential(*blocks, inputs="image", outputs="logits").with_loss(
        L.SoftmaxCrossEntropy(name="loss"), "logits", "label"
    )


NAMES = ["0.weight", "0.bias", "1.weight", "1.bias", "5.weight", "5.bias"]
STATE = ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
SPANS = ((0, 3), (3, 2))


def test_its_parameters_have_paths_and_are_trained(live: Any, make_span: Any) -> None:
    network, trainer = live(attached(body()), AdamW(learning_rate=0.1))
    own = {f"body/{name}" for name in (*NAMES, *STATE)}
    assert own < set(network.read())
    assert set(trainer.gradients(make_span(0, 1).batch(0), 0)) == {
        *(f"body/{name}" for name in NAMES), "logits/weight", "logits/bias",
    }  # fmt: skip
    before, tensor = network.read(), network.native("body/5.weight")
    trainer.run(make_span(0, 3), np.full(3, 0.1))
    after = network.read()
    assert all(not np.array_equal(before[path], after[path]) for path in after)
    assert network.native("body/5.weight") is tensor
    assert after["body/1.num_batches_tracked"] == 3
    assert {"mean:body/0.weight", "square:body/5.bias"} < set(trainer.read_slots())
    np.testing.assert_array_equal(network["body/0.bias"], after["body/0.bias"])


def test_each_live_network_has_its_own(live: Any, make_span: Any) -> None:
    module = body()
    start = module[5].weight.detach().clone()
    networks = [live(attached(module)) for _ in range(2)]
    networks[0].trainer.run(make_span(0, 1), np.ones(1))
    assert torch.equal(module[5].weight, start)
    np.testing.assert_array_equal(networks[1].network["body/5.weight"], start.numpy())


def test_a_path_is_made_by_seed_and_path(live: Any) -> None:
    flat = Brain.sequential(
        L.Flatten(),
        Attach(name="first", target="torch.nn:Linear", arguments={"in_features": 64, "out_features": 3}, out=("N", 3)),
        inputs="image",
    ).with_loss(L.SoftmaxCrossEntropy(), "first", "label")
    state = torch.random.get_rng_state()
    one, two = (live(flat).network["first/weight"] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (3, 64)
    assert torch.equal(torch.random.get_rng_state(), state), "the user's generator was touched"


def test_training_is_reproducible_and_continues(live: Any, make_span: Any) -> None:
    brain, module = attached(body()), SGD(momentum=0.9)
    whole = live(brain, module)
    whole.trainer.run(make_span(0, 5), np.full(5, 0.1))
    parts = live(brain, module)
    for first, steps in SPANS:
        torch.manual_seed(first)  # what the user draws does not matter
        continued = live(brain, module)
        continued.network.fill(parts.network.read())
        continued.trainer.fill_slots(parts.trainer.read_slots())
        continued.trainer.run(make_span(first, steps), np.full(steps, 0.1))
        parts = continued
    for path, value in whole.network.read().items():
        np.testing.assert_array_equal(parts.network[path], value)


def test_only_a_run_changes_its_statistics(live: Any, make_span: Any) -> None:
    network, trainer = live(attached(body()))
    before, batch = network.read(), make_span(0, 1).batch(0)
    trainer.gradients(batch, 0)
    outputs = [network.values(batch.fields, [Value("body")], training=True, step=step)[0] for step in (0, 0, 1)]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])
    network.measure(batch)
    for path, value in network.read().items():
        np.testing.assert_array_equal(value, before[path])


class Tied(nn.Module):
    """Two layers that use one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(64, 64), nn.Linear(64, 64)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x.flatten(1)))  # type: ignore[no-any-return]


def test_tied_parameters_stay_tied(live: Any, make_span: Any) -> None:
    network, trainer = live(attached(Tied(), out=("N", 64)))
    assert set(network.read()) >= {"body/first.weight", "body/first.bias", "body/second.bias"}
    assert "body/second.weight" not in network.read()
    trainer.run(make_span(0, 1), np.ones(1))
    inside = network.module.body.module
    assert inside.second.weight is inside.first.weight


def linear(name: str) -> Attach:
    return Attach(name=name, target="torch.nn:Linear", arguments={"in_features": 64, "out_features": 64})


@pytest.mark.parametrize(
    ("one", "two", "owner"),
    [
        (linear("one"), linear("two"), "one"),
        (System.sequential(linear("own"), name="one"), System.sequential(linear("own"), name="two"), "one/own"),
    ],
    ids=["block", "system"],
)
def test_blocks_that_share_run_one_module(live: Any, make_span: Any, one: Any, two: Any, owner: str) -> None:
    nodes = (L.Flatten(name="flat").on("image"), one.on("flat"), two.on("one", share="one"))
    brain = Brain.graph(*nodes, inputs="image").with_loss(L.SoftmaxCrossEntropy(), "two", "label")
    network, trainer = live(brain)
    start, image = network.read(), make_span(0, 1).fields["image"][0]
    assert set(start) == {f"{owner}/weight", f"{owner}/bias"}
    weight, bias = start[f"{owner}/weight"].T, start[f"{owner}/bias"]
    twice = (image.reshape(6, 64) @ weight + bias) @ weight + bias
    target = Value(owner.replace("one", "two"))
    np.testing.assert_allclose(network.values({"image": image}, [target])[0], twice, rtol=1e-4, atol=1e-5)
    trainer.run(make_span(0, 1), np.ones(1))
    assert not np.array_equal(network[f"{owner}/weight"], start[f"{owner}/weight"])
    after = {path: module.module for path, module in network.module.by_path.items() if path.startswith(("one", "two"))}
    assert len({id(module.weight) for module in after.values()}) == 1


def test_frozen_parameters_are_saved_and_not_trained(live: Any, make_span: Any) -> None:
    module = body()
    module[0].requires_grad_(False)
    network, trainer = live(attached(module))
    before = network.read()
    trainer.run(make_span(0, 2), np.ones(2))
    np.testing.assert_array_equal(network["body/0.weight"], before["body/0.weight"])
    assert "velocity:body/0.weight" not in trainer.read_slots()


def test_what_does_not_fit(live: Any) -> None:
    with pytest.raises(SpecError, match=r"output for each row is \[5\], not \[7\].*out="):
        live(attached(body(), out=("N", 7)))
    with pytest.raises(SpecError, match="'body' attaches Linear, which does not take"):
        live(attached(nn.Linear(3, 5)))
    with pytest.raises(ConfigurationError, match="attaches an object of OrderedDict"):
        live(attached("collections:OrderedDict"))


def test_float64(live: Any, make_span: Any) -> None:
    network, trainer = live(attached(body()), precision="float64")
    trainer.run(make_span(0, 1), np.ones(1))
    assert network["body/0.weight"].dtype == np.float64
