"""Properties of graphs that hypothesis makes: names, order, YAML, equality, and what an output needs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akid_core.config import dump_yaml, load_yaml
from akid_core.graph import Brain, Edge, Graph, Node, System, Value
from akid_core.layers import Accuracy, Add, Concat, Dense, MeanSquaredError, ReLU, SoftmaxCrossEntropy, Tanh
from akid_core.plugins import PluginManager, Registry
from akid_core.specs import Block, TensorSpec

WIDTH = 4
FIELDS = {
    "x": TensorSpec(("N", WIDTH)),
    "y": TensorSpec(("N", WIDTH)),
    "target": TensorSpec(("N", WIDTH)),
    "label": TensorSpec(("N",), "int64"),
}
NAMES = st.one_of(st.none(), st.from_regex(r"[a-c]", fullmatch=True), st.sampled_from(["relu_2", "tanh", "dense_3"]))

moderate = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def registry() -> Registry:
    return PluginManager(discover=False).registry


@st.composite
def systems(draw: st.DrawFn, depth: int = 0) -> System:
    """A System whose blocks all give (N, WIDTH), so that every wiring of earlier blocks fits."""
    inputs = draw(st.sampled_from([("x",), ("x", "y")]))
    nodes: list[Node] = []
    known = list(inputs)
    for _ in range(draw(st.integers(0, 6))):
        block, takes = draw(blocks(depth))
        free = [name for name in (draw(NAMES),) if name is not None and name not in known]
        block = replace(block, name=free[0] if free else None)
        edges = tuple(Edge(draw(st.sampled_from(known))) for _ in range(takes))
        if takes == 1 and draw(st.booleans()):
            edges = ()
        nodes.append(Node(block.name, block, edges))
        known = [*inputs, *_names(inputs, nodes)]
    outputs = draw(st.sampled_from([(), *((name,) for name in known)]))
    return System(nodes=tuple(nodes), inputs=inputs, outputs=outputs)


@st.composite
def blocks(draw: st.DrawFn, depth: int) -> tuple[Block, int]:
    """A block and the number of its inputs."""
    choices: list[tuple[Block, int]] = [
        (ReLU(), 1),
        (Tanh(), 1),
        (Dense(units=WIDTH), 1),
        (Dense(units=WIDTH, bias=False), 1),
        (Add(), 2),
        (Add(), 3),
    ]
    inside = [systems(depth + 1).map(lambda system: (system, len(system.input_names)))] if depth < 2 else []
    chosen: tuple[Block, int] = draw(st.one_of(st.sampled_from(choices), *inside))
    return chosen


@st.composite
def brains(draw: st.DrawFn) -> Brain:
    system = draw(systems())
    brain = Brain(nodes=system.nodes, inputs=system.inputs, outputs=system.outputs)
    for _ in range(draw(st.integers(0, 2))):
        taken = draw(st.sampled_from([*system.input_names, *system.named]))
        brain = draw(
            st.sampled_from(
                [
                    brain.with_loss(MeanSquaredError(), taken, "target"),
                    brain.with_loss(SoftmaxCrossEntropy(weight=0.5), taken, "label"),
                    brain.with_metric(Accuracy(), taken, "label"),
                ]
            )
        )
    return brain


def _names(inputs: tuple[str, ...], nodes: list[Node]) -> list[str]:
    return list(System(nodes=tuple(nodes), inputs=inputs).named)


def ancestors(graph: Graph, path: str) -> set[str]:
    """What a call depends on, itself included, by its definition; nothing for an input or a field."""
    found: set[str] = set()
    ahead = [path]
    while ahead:
        name = ahead.pop()
        if name in graph.by_path and name not in found:
            found.add(name)
            ahead += [value.source for value in graph.by_path[name].inputs]
    return found


@moderate
@given(systems())
def test_names_are_unique_stable_and_as_given(system: System) -> None:
    names = list(system.named)
    assert len(names) == len(set(names)) == len(system.nodes)
    assert all(node.name in (None, name) for name, node in system.named.items())
    explicit = replace(system, nodes=tuple(replace(node, name=name) for name, node in system.named.items()))
    assert list(explicit.named) == names


@moderate
@given(brains())
def test_every_value_exists_before_it_is_used(brain: Brain) -> None:
    graph = brain.resolve(FIELDS)
    ready = {*graph.inputs, *graph.fields}
    for call in graph.everything:
        assert {value.source for value in call.inputs} <= ready
        assert call.in_specs == tuple(graph.spec(value) for value in call.inputs)
        assert call.path not in ready
        if call in graph.calls:
            ready.add(call.path)
    assert {value.source for value in graph.outputs.values()} <= ready


@moderate
@given(brains())
def test_every_block_is_found_by_its_path(brain: Brain) -> None:
    for path, block in brain.blocks.items():
        assert brain[path] == block
    layers = [path for path, block in brain.blocks.items() if not isinstance(block, System)]
    assert sorted(layers) == sorted(call.path for call in brain.resolve(FIELDS).everything)


@moderate
@given(brains())
def test_yaml_and_back(brain: Brain) -> None:
    text = dump_yaml({"brain": brain.to_config(registry())})
    again = Brain.from_config(load_yaml(text)["brain"], registry())
    assert again == brain
    assert again.resolve(FIELDS) == brain.resolve(FIELDS)
    assert dump_yaml({"brain": again.to_config(registry())}) == text


@moderate
@given(brains())
def test_equality_sees_every_change(brain: Brain) -> None:
    assert replace(brain) == brain
    assert replace(brain, outputs=("elsewhere",)) != brain
    assert brain.with_metric(Accuracy(), "x", "label") != brain
    for index, node in enumerate(brain.nodes):
        others = (
            replace(node, name="another"),
            replace(node, inputs=(*node.inputs, Edge("x", delay=1))),
            replace(node, share="another"),
            replace(node, block=Concat(name=node.name)),
        )
        for other in others:
            assert replace(brain, nodes=(*brain.nodes[:index], other, *brain.nodes[index + 1 :])) != brain


@moderate
@given(brains())
def test_a_value_needs_its_ancestors_and_nothing_else(brain: Brain) -> None:
    graph = brain.resolve(FIELDS)
    paths = [call.path for call in graph.everything]
    for targets in (list(graph.outputs.values()), *([Value(path)] for path in paths)):
        wanted = {name for value in targets for name in ancestors(graph, value.source)}
        assert [call.path for call in graph.needed(targets)] == [path for path in paths if path in wanted]


@moderate
@given(brains())
def test_the_order_of_the_description_does_not_change_the_graph(brain: Brain) -> None:
    """With every name and edge written out, the nodes may stand in any order."""
    previous = brain.input_names[0]
    nodes = []
    for name, node in brain.named.items():
        if node in brain.nodes:
            nodes.append(Node(name, node.block, node.inputs or (Edge(previous),), node.share))
            previous = name
    outputs = brain.outputs or (previous,)
    forwards = replace(brain, nodes=tuple(nodes), outputs=outputs)
    backwards = replace(brain, nodes=tuple(reversed(nodes)), outputs=outputs)
    one, other = forwards.resolve(FIELDS), backwards.resolve(FIELDS)
    assert {call.path: call for call in one.calls} == {call.path: call for call in other.calls}
    assert one.outputs == other.outputs
