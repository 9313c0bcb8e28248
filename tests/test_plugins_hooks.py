"""Every hook is specified, documented, has an example that runs, and is used."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from textwrap import dedent
from types import ModuleType, SimpleNamespace

import pytest

from akid_core import builtin, plugin_api
from akid_core.hookspecs import CATEGORIES, DECLARATIONS, HOOKS, LIFE_CYCLE
from akid_core.plugin_api import ComponentInfo
from akid_core.plugins import PluginManager
from akid_core.plugins.targets import BASES
from akid_core.testing.plugin import MakeDist

REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "hooks.md"

DESIGNED = [
    "akid_backends",
    "akid_layers",
    "akid_layer_builders",
    "akid_initializers",
    "akid_sources",
    "akid_samplers",
    "akid_augmenters",
    "akid_brains",
    "akid_kids",
    "akid_optimizers",
    "akid_schedules",
    "akid_strategies",
    "akid_launchers",
    "akid_observers",
    "akid_exporters",
    "akid_recipes",
    "akid_commands",
    "akid_practice_begin",
    "akid_span_end",
    "akid_epoch_end",
    "akid_validate_end",
    "akid_checkpoint_saved",
    "akid_practice_end",
    "akid_practice_error",
]

PROVISIONAL = {"akid_strategies", "akid_launchers", "akid_exporters"}


def example(hook: str) -> str:
    """The example in a hook's docstring, as a program."""
    docstring = inspect.getdoc(HOOKS[hook]) or ""
    _, mark, text = docstring.partition("Example::\n")
    assert mark, f"{hook} has no example"
    return dedent(text)


def run_example(hook: str) -> ModuleType:
    module = ModuleType(f"example_of_{hook}")
    exec(example(hook), module.__dict__)
    return module


def test_the_hooks_are_those_of_the_design() -> None:
    assert list(HOOKS) == DESIGNED
    assert [*DECLARATIONS, *LIFE_CYCLE] == DESIGNED


def test_every_category_has_its_own_dataclass() -> None:
    assert len(CATEGORIES) == len(DECLARATIONS)
    declared = {value for name, value in vars(plugin_api).items() if name.endswith("Info")} - {ComponentInfo}
    assert declared == set(CATEGORIES.values())
    assert set(BASES) <= set(CATEGORIES)


@pytest.mark.parametrize("hook", DESIGNED)
def test_every_hook_is_documented_with_its_signature(hook: str) -> None:
    signature = str(inspect.signature(HOOKS[hook])).replace("'", "")
    assert f"### `{hook}{signature}`" in REFERENCE.read_text(encoding="utf-8")


@pytest.mark.parametrize("hook", DESIGNED)
def test_provisional_hooks_say_so_in_both_places(hook: str) -> None:
    section = REFERENCE.read_text(encoding="utf-8").split(f"### `{hook}(")[1].split("###")[0]
    said = "Provisional" in (inspect.getdoc(HOOKS[hook]) or ""), "*Provisional" in section
    assert said == (hook in PROVISIONAL,) * 2


def test_nothing_is_documented_that_does_not_exist() -> None:
    documented = re.findall(r"^### `(akid_\w+)\(", REFERENCE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert documented == DESIGNED


@pytest.mark.parametrize("hook", DECLARATIONS)
def test_the_example_of_a_declaring_hook_registers(akid_manager: PluginManager, hook: str) -> None:
    module = akid_manager.add(run_example(hook))
    (info,) = getattr(module, hook)()
    assert type(info) is DECLARATIONS[hook]
    assert akid_manager.registry.info(info.category, info.name, info.backend) == info


@pytest.mark.parametrize("hook", LIFE_CYCLE)
def test_the_example_of_a_life_cycle_hook_is_called(
    akid_manager: PluginManager, capsys: pytest.CaptureFixture[str], hook: str
) -> None:
    values = {"train/loss": 0.25, "val/accuracy": 0.5}
    moment = SimpleNamespace(step=7, epoch=3, values=values, checkpoint="step-7", error="no luck")
    getattr(akid_manager.run_hooks([run_example(hook)]).hook, hook)(context=moment)
    assert re.search(r"7|3|0\.5|no luck", capsys.readouterr().out)


# What a stranger's distribution would hold for each category, as small as it can be.
TARGETS = {
    "backend": "class Thing(Backend): pass",
    "layer": "class Thing(Layer): pass",
    "layer_builder": "def Thing(layer, in_specs, context): pass",
    "initializer": "class Thing(Initializer): pass",
    "source": "class Thing(Source): pass",
    "sampler": "class Thing(Sampler): pass",
    "augmenter": "class Thing(Augmenter): pass",
    "brain": "def Thing(): pass",
    "kid": "class Thing(Kid): pass",
    "optimizer": "class Thing(Optimizer): pass",
    "schedule": "class Thing(Schedule): pass",
    "strategy": "class Thing(Strategy): pass",
    "launcher": "class Thing: pass",
    "observer": "class Thing(Observer): pass",
    "exporter": "def Thing(network, path): pass",
    "command": "def Thing(arguments): return 0",
}


@pytest.mark.parametrize("hook", DECLARATIONS)
def test_a_strangers_distribution_provides_each_category(make_dist: MakeDist, hook: str) -> None:
    info = DECLARATIONS[hook]
    base = BASES.get(info.category)
    imports = "from {} import {}\n".format(*base.split(":")) if base else ""
    inside = "thing.yaml" if info.category == "recipe" else "Thing"
    module = "akid_thing" if info.category == "recipe" else "akid_thing.parts"
    backend = ", backend='numpy'" if info.category == "layer_builder" else ""
    light = f"""
        from akid_core.plugin_api import {info.__name__}, hookimpl

        @hookimpl
        def {hook}():
            return [{info.__name__}(name="thing", target="{module}:{inside}"{backend})]
    """
    modules = {"__init__.py": "", "plugin.py": light, "thing.yaml": "akid: 1"}
    modules["parts.py"] = imports + TARGETS.get(info.category, "")
    make_dist(
        "akid-thing",
        modules={f"akid_thing/{name}": text for name, text in modules.items()},
        entry_points={"thing": "akid_thing.plugin"},
    )
    registry = PluginManager().registry
    target = registry.get(info.category, "thing", "numpy")
    assert target.name == "thing.yaml" if info.category == "recipe" else target.__name__ == "Thing"


# --- the core's own declarations ---

BUILT_IN = [item for hook in DECLARATIONS if hasattr(builtin, hook) for item in getattr(builtin, hook)()]


@pytest.mark.parametrize("info", BUILT_IN, ids=lambda info: f"{info.category}/{info.name}")
def test_what_the_core_declares_is_there_under_its_own_name(akid_manager: PluginManager, info: ComponentInfo) -> None:
    target = akid_manager.registry.get(info.category, info.name)
    assert info.summary
    assert not hasattr(target, "component") or target.component() == info.name


@pytest.mark.parametrize("package", ["layers", "initializers", "optimizers", "schedules"])
def test_every_component_that_the_core_exports_is_declared(akid_manager: PluginManager, package: str) -> None:
    category = package.removesuffix("s")
    module = __import__(f"akid_core.{package}", fromlist=["__all__"])
    exported = {getattr(module, name) for name in module.__all__}
    components = {item for item in exported if isinstance(item, type) and hasattr(item, "component")}
    declared = {akid_manager.registry.get(category, name) for name in akid_manager.registry.names(category)}
    bases = {item for item in components if item.__module__.endswith(".base")}
    assert components - bases <= declared
