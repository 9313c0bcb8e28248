"""Live networks: their parameters, what they compute, and that several live side by side."""

from __future__ import annotations

import numpy as np
import pytest

from akid_core.backends.contract import Arrays, Backend, Network
from akid_core.data.batch import Batch
from akid_core.errors import AkidError, DataError, UnknownNameError
from akid_core.graph.resolved import Graph, Value
from akid_core.specs.precision import Precision
from akid_core.testing.backends.brains import images, live_network, span
from akid_core.testing.backends.flags import Flags
from akid_core.testing.group import errors
from akid_core.testing.referee import referee


def fields(graph: Graph, step: int = 0) -> Arrays:
    """A batch of the graph, weights included."""
    batch = span(graph, step, 1).batch(0)
    return {**batch.fields, Batch.WEIGHTS: batch.weights}


class NetworkTests(Flags):
    """What `Network` promises."""

    @pytest.fixture
    def graph(self) -> Graph:
        return images(self.precision)

    @pytest.fixture
    def network(self, backend: Backend, graph: Graph) -> Network:
        return live_network(backend, graph)

    def test_parameters_are_read_as_they_were_filled(self, network: Network, graph: Graph) -> None:
        random = np.random.default_rng(3)
        values = {path: random.normal(size=spec.shape) for path, spec in graph.params.items()}
        network.fill(values)
        read = network.read()
        assert list(read) == list(graph.params) == list(network)
        for path, spec in graph.params.items():
            assert read[path].shape == spec.shape, path
            np.testing.assert_array_equal(read[path], values[path].astype(read[path].dtype), err_msg=path)
            np.testing.assert_array_equal(network[path], read[path])
        assert list(network.read(["norm/mean"])) == ["norm/mean"]

    def test_parameters_have_the_type_of_the_brain(self, backend: Backend, dtype: str) -> None:
        read = live_network(backend, images(Precision.of(dtype))).read()
        assert {str(value.dtype) for value in read.values()} == {dtype}

    def test_what_is_read_is_a_copy(self, network: Network) -> None:
        before = network["conv/weight"].copy()
        network["conv/weight"][...] = 7
        network.read()["conv/weight"][...] = 7
        np.testing.assert_array_equal(network["conv/weight"], before)

    def test_the_live_tensor_stays_the_same(self, network: Network) -> None:
        native = network.native("conv/weight")
        network["conv/weight"] = np.ones_like(network["conv/weight"])
        assert network.native("conv/weight") is native

    def test_unknown_paths_are_refused(self, network: Network) -> None:
        with pytest.raises(UnknownNameError, match="conv/weight"):
            network["conv/wieght"]
        with pytest.raises(UnknownNameError, match="conv/weight"):
            network.fill({"conv/wieght": np.zeros(1)})

    def test_other_shapes_are_refused(self, network: Network) -> None:
        with pytest.raises(DataError, match="norm/scale"):
            network["norm/scale"] = np.zeros(5)

    def test_missing_fields_are_named(self, network: Network, graph: Graph) -> None:
        given = {name: value for name, value in fields(graph).items() if name != "label"}
        network.values(given, [Value("logits")])
        with pytest.raises(AkidError, match="label"):
            network.values(given, [Value("loss")])

    def test_values_are_those_of_the_referee(self, backend: Backend, network: Network, graph: Graph) -> None:
        judge = live_network(referee(), images(self.precision))
        calls = graph.calls + graph.losses
        targets = [Value(call.path, number) for call in calls for number in range(len(call.out_specs))]
        for training in (False, True):
            got, wanted = (
                dict(
                    zip(map(str, targets), each.values(fields(graph), targets, training=training, step=3), strict=True)
                )
                for each in (network, judge)
            )
            self.assert_small(errors(got, wanted), self.dtypes[-1], self.forward_tolerance)

    @pytest.mark.parametrize("training", [False, True])
    def test_values_are_taken_as_they_are_given(self, network: Network, graph: Graph, training: bool) -> None:
        judge, norm, targets = live_network(referee(), graph), Value("norm"), [Value("logits"), Value("loss")]
        everything = fields(graph)
        fewer = {name: value for name, value in everything.items() if name != "image"}
        before, *wanted = network.values(everything, [norm, *targets], training=training, step=3)
        found = network.values(fewer, targets, training=training, step=3, given={norm: before})
        for got, expected in zip(found, wanted, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
        other = {norm: 1 - before}
        mine, theirs = (
            each.values(fewer, [norm, *targets], training=training, step=3, given=other) for each in (network, judge)
        )
        for got, expected in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)

    def test_a_given_value_of_another_shape_is_refused(self, network: Network, graph: Graph) -> None:
        with pytest.raises(DataError, match="norm"):
            network.values(fields(graph), [Value("logits")], given={Value("norm"): np.zeros((6, 4, 6, 5))})

    def test_who_watches_sees_what_blocks_take_and_give(self, network: Network, graph: Graph) -> None:
        seen: dict[str, tuple[np.ndarray, ...]] = {}

        def note(path: str, arrays: tuple[np.ndarray, ...]) -> None:
            assert path not in seen, "shown twice"
            seen[path] = arrays

        paths, everything = [call.path for call in graph.calls + graph.losses], fields(graph)
        targets = [Value(path, output) for path in paths for output in range(len(graph.by_path[path].out_specs))]
        wanted = network.values(everything, targets)
        with network.watch("*", after=note):
            again = network.values(everything, targets)
        assert list(seen) == paths
        shown = [array for path in paths for array in seen[path]]
        for before, after, array in zip(wanted, again, shown, strict=True):
            assert type(array) is np.ndarray
            np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(array, before, rtol=1e-5, atol=1e-6)

        outputs = dict(seen)
        seen.clear()
        with network.watch("*pool*", before=note), network.watch("conv", before=note):
            network.values(everything, [Value("logits")])
        assert list(seen) == ["conv", "max_pool2d"]
        np.testing.assert_allclose(seen["conv"][0], everything["image"], rtol=1e-6)
        np.testing.assert_allclose(seen["max_pool2d"][0], outputs["relu"][0], rtol=1e-5, atol=1e-6)

        seen.clear()
        network.values(everything, [Value("logits")])
        assert not seen, "somebody is shown something who does not watch any more"

    def test_who_watches_nothing_is_told(self, network: Network) -> None:
        with pytest.raises(UnknownNameError, match="conv"), network.watch("cnov"):
            pass

    def test_values_change_nothing(self, network: Network, graph: Graph) -> None:
        before = network.read()
        first = network.values(fields(graph), [Value("logits")], training=True)
        again = network.values(fields(graph), [Value("logits")], training=True)
        np.testing.assert_array_equal(first, again)
        for path, value in network.read().items():
            np.testing.assert_array_equal(value, before[path], err_msg=path)

    def test_measures_are_sums_over_the_batch(self, network: Network, graph: Graph) -> None:
        batch = span(graph, 0, 1).batch(0)
        states = network.measure(batch)
        value, weight = network.values(fields(graph), [Value("loss", 0), Value("loss", 1)])
        assert states["loss"]["sum"] == pytest.approx(float(np.sum(value * weight)), rel=1e-5)
        assert states["loss"]["count"] == pytest.approx(float(np.sum(batch.weights)), rel=1e-6)
        (logits,) = network.values(fields(graph), [Value("logits")])
        right = np.argmax(logits, axis=1) == batch.fields["label"]
        assert states["accuracy"]["sum"] == pytest.approx(float(np.sum(batch.weights[right])), rel=1e-6)

    def test_training_is_not_evaluation(self, network: Network, graph: Graph) -> None:
        evaluating, training = (
            network.values(fields(graph), [Value("norm"), Value("drop")], training=training)
            for training in (False, True)
        )
        for name, one, other in zip(("statistics of the batch", "dropout"), evaluating, training, strict=True):
            assert not np.array_equal(one, other), f"in training there is no {name}"

    def test_masks_have_the_bits_of_the_referee(self, backend: Backend, network: Network, graph: Graph) -> None:
        ones = {path: np.ones(spec.shape) for path, spec in graph.params.items()}
        judge = live_network(referee(), images(self.precision))
        masks = []
        for step in (0, 1, 1_000_003):
            kept = []
            for each in (network, judge):
                each.fill(ones)
                before, after = each.values(
                    {**fields(graph), "image": np.ones((6, 2, 6, 6), np.float32)},
                    [Value("max_pool2d"), Value("drop")],
                    training=True,
                    step=step,
                )
                kept.append((after != 0) | (before == 0))
            np.testing.assert_array_equal(kept[0], kept[1], err_msg=f"mask of step {step}")
            masks.append(kept[0])
        assert not np.array_equal(masks[0], masks[1]), "the same mask at every step"

    def test_two_networks_live_side_by_side(self, backend: Backend, graph: Graph) -> None:
        one, other = live_network(backend, graph), live_network(backend, graph)
        (before,) = one.values(fields(graph), [Value("logits")])
        other.fill({path: np.zeros_like(value) for path, value in other.read().items()})
        (after,), (zeros,) = (each.values(fields(graph), [Value("logits")]) for each in (one, other))
        np.testing.assert_array_equal(after, before)
        assert not zeros.any()

    def test_what_is_saved_is_what_is_loaded(self, backend: Backend, graph: Graph) -> None:
        one = live_network(backend, graph, seed=1)
        other = live_network(backend, graph, seed=1)
        other.fill({path: np.full_like(value, 2) for path, value in other.read().items()})
        other.fill(one.read())
        before, after = (each.values(fields(graph), [Value("logits")], training=True) for each in (one, other))
        np.testing.assert_array_equal(after, before)
