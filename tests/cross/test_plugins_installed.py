"""The project's own distributions together: nothing fails to load, hints tell the truth, listing stays light."""

from __future__ import annotations

import pytest

from akid_core.plugins import PluginManager
from akid_core.plugins.hints import INSTALL
from akid_core.testing.hygiene import found, modules_after_command, modules_after_import


@pytest.fixture(scope="module")
def manager() -> PluginManager:
    return PluginManager()


def test_every_plugin_loads(manager: PluginManager) -> None:
    assert [str(failure) for failure in manager.failures] == []
    assert {"akid-core", "akid-datasets", "akid-tf", "akid-torch"} <= {item.provider.label for item in manager.plugins}


@pytest.mark.parametrize(
    ("key", "wanted"), INSTALL.items(), ids=lambda value: "/".join(value) if isinstance(value, tuple) else ""
)
def test_a_hint_names_the_distribution_that_brings_the_component(
    manager: PluginManager, key: tuple[str, str], wanted: str
) -> None:
    category, name = key
    providers = {item.provider.distribution for item in manager.registry.infos(category) if item.info.name == name}
    assert providers == {wanted.partition("[")[0]}


@pytest.mark.parametrize("distribution", ["akid-core", "akid-datasets", "akid-tf", "akid-torch"])
def test_everything_that_is_declared_can_be_imported(distribution: str) -> None:
    modules = modules_after_command("plugins", "check", distribution)
    frameworks = {"akid-tf": "tensorflow", "akid-torch": "torch"}
    assert found(modules, ["torch", "tensorflow"]) == ([frameworks[distribution]] if distribution in frameworks else [])


@pytest.mark.parametrize("module", ["akid_datasets.plugin", "akid_tf.plugin", "akid_torch.plugin"])
def test_light_modules_are_light(module: str) -> None:
    assert found(modules_after_import(module)) == []


def test_listing_imports_nothing_heavy() -> None:
    assert found(modules_after_command("plugins", "list")) == []
    assert found(modules_after_command("--help")) == []
