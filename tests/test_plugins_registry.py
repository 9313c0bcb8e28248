"""Components are looked up by (category, name, backend), imported when used, and errors name the way out."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from akid_core.errors import (
    ConfigurationError,
    PluginConflictError,
    PluginError,
    PluginImportError,
    UnknownNameError,
)
from akid_core.plugin_api import LayerInfo, hookimpl
from akid_core.plugins import PluginManager
from akid_core.testing.plugin import MakeDist

DECLARES = """
    from akid_core.plugin_api import ExporterInfo, LayerInfo, RecipeInfo, StrategyInfo, hookimpl

    @hookimpl
    def {hook}():
        yield {info}
"""
LAYERS = """
    from dataclasses import dataclass
    from akid_core.specs import Layer

    @dataclass(frozen=True, kw_only=True)
    class Swish(Layer):
        pass

    class Stranger:
        pass

    number = 7
"""


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AKID_DISABLE_PLUGINS", raising=False)
    monkeypatch.delenv("AKID_STRICT_PLUGINS", raising=False)


@pytest.fixture
def make_component(make_dist: MakeDist):
    """A distribution that declares one component: `make_component("akid-swish", "akid_layers", "LayerInfo(…)")`."""

    def make(distribution: str, hook: str, info: str, layers: str = LAYERS) -> None:
        package = distribution.replace("-", "_")
        modules = {"__init__": "", "plugin": DECLARES.format(hook=hook, info=info), "layers": layers}
        make_dist(
            distribution,
            modules={f"{package}/{name}.py": text for name, text in modules.items()} | {f"{package}/swish.yaml": ""},
            entry_points={package.removeprefix("akid_"): f"{package}.plugin"},
        )

    return make


def swish(target: str = "akid_swish.layers:Swish", more: str = "") -> str:
    return f"LayerInfo(name='swish', target='{target}'{more})"


def test_a_target_is_imported_once_and_only_when_it_is_used(make_component) -> None:
    make_component("akid-swish", "akid_layers", swish())
    registry = PluginManager().registry
    assert registry.has("layer", "swish")
    assert registry.info("layer", "swish").name == "swish"
    assert "swish" in registry.names("layer")
    assert "akid_swish.layers" not in sys.modules
    assert registry.get("layer", "swish") is registry.get("layer", "swish") is sys.modules["akid_swish.layers"].Swish


def test_a_class_is_known_as_provided_even_if_others_provide_the_name(make_component) -> None:
    make_component("akid-swish", "akid_layers", swish())
    make_component("akid-other", "akid_layers", swish("akid_other.layers:Swish"))
    registry = PluginManager().registry
    from akid_other.layers import Stranger, Swish

    assert registry.provides("layer", "swish", Swish)
    assert not registry.provides("layer", "swish", Stranger)
    with pytest.raises(PluginConflictError):
        registry.get("layer", "swish")


def test_a_component_for_one_backend_comes_before_one_for_any(make_component) -> None:
    make_component("akid-aaa", "akid_strategies", "StrategyInfo(name='ring', target='a:A')")
    make_component("akid-bbb", "akid_strategies", "StrategyInfo(name='ring', backend='torch', target='b:B')")
    make_component("akid-ccc", "akid_strategies", "StrategyInfo(name='star', backend='torch', target='c:C')")
    registry = PluginManager().registry
    assert registry.info("strategy", "ring").target == "a:A"
    assert registry.info("strategy", "ring", "numpy").target == "a:A"
    assert registry.info("strategy", "ring", "torch").target == "b:B"
    assert not registry.has("strategy", "star")
    assert not registry.has("strategy", "star", "numpy")
    assert {"ring", "single", "star"} <= set(registry.names("strategy"))
    assert "star" not in registry.names("strategy", "numpy")
    assert [item.info.target for item in registry.infos("strategy", "torch") if item.info.name == "ring"] == [
        "a:A",
        "b:B",
    ]


def test_a_backend_serves_itself_alone(akid_manager: PluginManager) -> None:
    assert akid_manager.registry.names("backend", "numpy") == ["numpy"]
    assert akid_manager.registry.names("backend", "torch") == []


def test_an_unknown_name_lists_what_is_known_and_how_to_get_more(akid_manager: PluginManager) -> None:
    with pytest.raises(UnknownNameError) as raised:
        akid_manager.registry.get("backend", "numby")
    assert str(raised.value) == (
        "There is no backend 'numby'. Did you mean 'numpy'? Known: numpy. "
        "Not installed: torch (pip install akid-torch), tensorflow (pip install 'akid-tf[cpu]')."
    )


@pytest.mark.parametrize(
    ("category", "name", "command"),
    [
        ("backend", "torch", "pip install akid-torch"),
        ("backend", "tensorflow", "pip install 'akid-tf[cpu]'"),
        ("source", "digits", "pip install akid-datasets"),
        ("recipe", "digits", "pip install akid-datasets"),
    ],
)
def test_a_known_component_that_is_not_installed_names_its_command(
    akid_manager: PluginManager, category: str, name: str, command: str
) -> None:
    with pytest.raises(UnknownNameError, match=f"There is no {category} '{name}'") as raised:
        akid_manager.registry.get(category, name)
    assert f"Install it: {command}." in str(raised.value)


def test_an_unknown_category(akid_manager: PluginManager) -> None:
    with pytest.raises(UnknownNameError, match=r"no category 'layers'\. Did you mean 'layer'\? Categories: backend, "):
        akid_manager.registry.get("layers", "relu")
    with pytest.raises(UnknownNameError, match="no category 'kind'"):
        akid_manager.registry.names("kind")


def test_a_failed_plugin_is_raised_in_full_when_what_it_brings_is_asked_for(make_dist: MakeDist) -> None:
    make_dist(
        "akid-torch",
        modules={"akid_torch_fake.py": "import akid_no_such_module"},
        entry_points={"torch": "akid_torch_fake"},
    )
    registry = PluginManager().registry
    with pytest.raises(PluginImportError, match=r"Plugin 'torch' of akid-torch 1.0 failed") as raised:
        registry.get("backend", "torch")
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


def test_an_unknown_name_mentions_plugins_that_failed_or_are_switched_off(
    make_dist: MakeDist, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_dist("akid-bad", modules={"akid_bad.py": "1 / 0"}, entry_points={"bad": "akid_bad"})
    make_dist("akid-off", modules={"akid_off.py": ""}, entry_points={"off": "akid_off"})
    monkeypatch.setenv("AKID_DISABLE_PLUGINS", "akid-off")
    with pytest.raises(UnknownNameError) as raised:
        PluginManager().registry.get("layer", "mystery")
    assert "akid-bad 1.0" in str(raised.value)
    assert "Switched off by AKID_DISABLE_PLUGINS: off" in str(raised.value)


# --- conflicts ---


@pytest.fixture
def rivals(make_component) -> PluginManager:
    make_component("akid-aaa", "akid_layers", swish("akid_aaa.layers:Swish"))
    make_component("akid-bbb", "akid_layers", swish("akid_bbb.layers:Swish"))
    return PluginManager()


def test_two_providers_of_one_name_matter_only_when_it_is_used(rivals: PluginManager) -> None:
    assert not [failure for failure in rivals.failures if failure.provider.distribution in ("akid-aaa", "akid-bbb")]
    assert rivals.registry.has("layer", "swish")
    assert rivals.registry.info("layer", "relu").name == "relu"
    with pytest.raises(PluginConflictError) as raised:
        rivals.registry.get("layer", "swish")
    assert "akid-aaa 1.0 (akid_aaa.layers:Swish) and akid-bbb 1.0 (akid_bbb.layers:Swish)" in str(raised.value)
    assert "providers: {layer/swish: akid-aaa}" in str(raised.value)


def test_a_pin_settles_it_for_whoever_pins(rivals: PluginManager) -> None:
    pinned = rivals.registry.pin({"layer/swish": "akid-bbb"})
    assert pinned.get("layer", "swish").__module__ == "akid_bbb.layers"
    assert rivals.registry.pin({"layer/swish": "akid-aaa"}).get("layer", "swish").__module__ == "akid_aaa.layers"
    with pytest.raises(PluginConflictError):
        rivals.registry.get("layer", "swish")


def test_a_pin_for_one_backend(make_component) -> None:
    for name in ("aaa", "bbb"):
        info = f"StrategyInfo(name='ring', backend='torch', target='{name}:Ring')"
        make_component(f"akid-{name}", "akid_strategies", info)
    registry = PluginManager().registry.pin({"strategy/ring@torch": "akid-bbb"})
    assert registry.info("strategy", "ring", "torch").target == "bbb:Ring"


@pytest.mark.parametrize(
    ("providers", "message"),
    [
        ({"swish": "akid-aaa"}, "'swish' should read category/name or category/name@backend"),
        ({"layer/swihs": "akid-aaa"}, "no layer 'swihs'. Did you mean 'swish'"),
        ({"layers/swish": "akid-aaa"}, "no category 'layers'"),
        ({"layer/swish": "akid-aab"}, "'akid-aab' does not provide layer/swish; akid-aaa, akid-bbb do. Did you mean"),
        ({"layer/relu": "akid-aaa"}, "'akid-aaa' does not provide layer/relu; akid-core does."),
        ({"layer/swish@torch": "akid-aaa"}, "no layer 'swish' for torch"),
    ],
)
def test_a_wrong_pin(rivals: PluginManager, providers: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        rivals.registry.pin(providers)
    assert message in str(raised.value)


def test_a_name_of_the_core_cannot_be_taken_silently(make_component) -> None:
    make_component("akid-swish", "akid_layers", "LayerInfo(name='relu', target='akid_swish.layers:Swish')")
    registry = PluginManager().registry
    with pytest.raises(PluginConflictError, match=r"akid-core .* and akid-swish 1.0"):
        registry.get("layer", "relu")
    assert registry.pin({"layer/relu": "akid-core"}).get("layer", "relu").__name__ == "ReLU"


def test_a_plugin_that_declares_a_name_twice(akid_manager: PluginManager) -> None:
    mine = ModuleType("mine")

    @hookimpl
    def akid_layers() -> list[LayerInfo]:
        return [LayerInfo(name="twice", target="mine:A"), LayerInfo(name="twice", target="mine:B")]

    mine.akid_layers = akid_layers  # type: ignore[attr-defined]
    akid_manager.add(mine)
    with pytest.raises(PluginConflictError, match=r"mine \(mine:A\) and mine \(mine:B\)"):
        akid_manager.registry.get("layer", "twice")


# --- targets ---


@pytest.mark.parametrize(
    ("info", "layers", "error", "message"),
    [
        (
            swish("akid_nowhere:Swish"),
            "",
            PluginImportError,
            "No module named 'akid_nowhere'. Install what it needs: pip",
        ),
        (swish(), "import akid_nowhere", PluginImportError, "Install what it needs: pip install akid-swish"),
        (
            swish(more=", requires=('nowhere[all]>=1',)"),
            "import akid_nowhere",
            PluginImportError,
            "Install what it needs: pip install 'nowhere[all]>=1'",
        ),
        (swish("akid_swish.layer:Swish"), "", PluginImportError, "No module named 'akid_swish.layer'"),
        (swish("akid_swish.layers:Swisch"), LAYERS, PluginImportError, "has no attribute 'Swisch'"),
        (swish(), "raise RuntimeError('boom')", PluginImportError, "RuntimeError: boom"),
        (swish(), "raise SystemExit", PluginImportError, "SystemExit"),
        (swish("akid_swish.layers:Stranger"), LAYERS, PluginError, "extends akid_core.specs.layer:Layer"),
        (swish("akid_swish.layers:number"), LAYERS, PluginError, "extends akid_core.specs.layer:Layer"),
    ],
)
def test_a_target_that_cannot_be_used(make_component, info: str, layers: str, error: type, message: str) -> None:
    make_component("akid-swish", "akid_layers", info, layers)
    with pytest.raises(error, match=r"The layer 'swish' of akid-swish 1.0 ") as raised:
        PluginManager().registry.get("layer", "swish")
    assert message in str(raised.value)
    if error is PluginImportError:
        assert raised.value.__cause__ is not None


def test_no_command_is_named_for_a_module_that_no_command_brings(make_component) -> None:
    make_component("akid-swish", "akid_layers", swish("akid_swish.layer:Swish"))
    with pytest.raises(PluginImportError) as raised:
        PluginManager().registry.get("layer", "swish")
    assert "pip install" not in str(raised.value)


def test_a_recipe_is_a_file_of_the_package(make_component) -> None:
    make_component("akid-swish", "akid_recipes", "RecipeInfo(name='swish', target='akid_swish:swish.yaml')")
    file = PluginManager().registry.get("recipe", "swish")
    assert file.name == "swish.yaml"
    assert file.read_text() == ""


def test_a_recipe_that_is_not_there(make_component) -> None:
    make_component("akid-swish", "akid_recipes", "RecipeInfo(name='swish', target='akid_swish:swisch.yaml')")
    with pytest.raises(PluginImportError, match=r"the package akid_swish holds no file swisch.yaml"):
        PluginManager().registry.get("recipe", "swish")


def test_an_exporter_must_be_callable(make_component) -> None:
    make_component("akid-swish", "akid_exporters", "ExporterInfo(name='npz', target='akid_swish.layers:number')")
    with pytest.raises(PluginError, match="should be callable, and is a int"):
        PluginManager().registry.get("exporter", "npz")
