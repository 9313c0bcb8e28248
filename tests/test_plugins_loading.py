"""Plugins are found and loaded one by one; whatever one of them does wrong stays its own affair."""

from __future__ import annotations

import logging
import sys
from types import ModuleType

import pytest

from akid_core.errors import PluginError, PluginImportError, PluginVersionError
from akid_core.plugins import Plugin, PluginManager
from akid_core.testing.plugin import MakeDist

GOOD = """
    from akid_core.plugin_api import LayerInfo, hookimpl

    @hookimpl
    def akid_layers():
        yield LayerInfo(name="good", target="akid_good.layers:Good")
"""


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AKID_DISABLE_PLUGINS", raising=False)
    monkeypatch.delenv("AKID_STRICT_PLUGINS", raising=False)


@pytest.fixture
def make_plugin(make_dist: MakeDist):
    """A distribution with one light module: `make_plugin("swish", text)` makes akid-swish."""

    def make(name: str, text: str, requires: tuple[str, ...] = ("akid-core",)) -> None:
        package = f"akid_{name}"
        make_dist(
            f"akid-{name}",
            modules={f"{package}/__init__.py": "", f"{package}/plugin.py": text},
            entry_points={name: f"{package}.plugin"},
            requires=requires,
        )

    return make


def plugin(manager: PluginManager, name: str) -> Plugin:
    (found,) = [item for item in manager.plugins if item.provider.plugin == name]
    return found


def only_failure(manager: PluginManager, name: str):
    (failure,) = plugin(manager, name).failures
    return failure


def test_an_installed_plugin_is_found_and_nothing_of_it_but_its_light_module_is_imported(make_plugin) -> None:
    make_plugin("good", GOOD)
    manager = PluginManager()
    assert plugin(manager, "good").status == "loaded"
    assert str(plugin(manager, "good").provider) == "akid-good 1.0"
    assert manager.registry.info("layer", "good").target == "akid_good.layers:Good"
    assert "akid_good.plugin" in sys.modules
    assert "akid_good.layers" not in sys.modules


def test_without_discovery_only_what_is_built_in_is_there(make_plugin, akid_manager: PluginManager) -> None:
    make_plugin("good", GOOD)
    manager = PluginManager(discover=False)
    assert {item.provider.plugin for item in manager.plugins} == {"core", "numpy", "observe", "tune", "zoo"}
    assert {item.status for item in akid_manager.plugins} == {"built in"}


@pytest.mark.parametrize(
    ("text", "stage", "message"),
    [
        ("import akid_no_such_module", "import", "No module named 'akid_no_such_module'"),
        ("1 / 0", "import", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit('goodbye')", "import", "SystemExit: goodbye"),
        ("def (", "import", "SyntaxError"),
    ],
)
def test_a_plugin_that_does_not_import_is_recorded_and_the_others_load(
    make_plugin, caplog: pytest.LogCaptureFixture, text: str, stage: str, message: str
) -> None:
    make_plugin("bad", text)
    make_plugin("good", GOOD)
    with caplog.at_level(logging.WARNING, logger="akid.plugins"):
        manager = PluginManager()
    failure = only_failure(manager, "bad")
    assert (plugin(manager, "bad").status, failure.stage) == ("failed", stage)
    assert str(failure).startswith("Plugin 'bad' of akid-bad 1.0 failed (import): ")
    assert message in str(failure)
    assert manager.registry.has("layer", "good")
    (warning,) = [record.getMessage() for record in caplog.records if "akid-bad" in record.getMessage()]
    assert "\n" not in warning


def test_a_plugin_for_another_version_is_refused_before_it_is_imported(make_plugin) -> None:
    make_plugin("future", "raise AssertionError('imported')", requires=("akid-core>=99,<100",))
    manager = PluginManager()
    failure = only_failure(manager, "future")
    assert failure.stage == "version"
    assert "akid_future.plugin" not in sys.modules
    assert "it needs akid-core<100,>=99" in str(failure)
    assert "pip install --upgrade akid-core akid-future" in str(failure)
    assert isinstance(failure.exception(), PluginVersionError)


@pytest.mark.parametrize(
    "requirement",
    [
        "akid-core>=0.0.1",
        "Akid.Core[observe]>=0.0.1",
        "akid-core>=99; extra == 'later'",
        "akid-core>=99; python_version < '3'",
        "akid-corean>=99",
        "not a requirement at all !",
    ],
)
def test_requirements_that_this_version_fits_or_that_do_not_apply(make_plugin, requirement: str) -> None:
    make_plugin("good", GOOD, requires=(requirement,))
    assert plugin(PluginManager(), "good").status == "loaded"


HALF = """
    from akid_core.plugin_api import LayerInfo, SourceInfo, hookimpl

    @hookimpl
    def akid_sources():
        yield SourceInfo(name="kept", target="akid_half.sources:Kept")

    {bad}
"""


@pytest.mark.parametrize(
    ("bad", "stage", "message"),
    [
        (
            "@hookimpl\n    def akid_layer(): return ()",
            "hooks",
            "there is no hook 'akid_layer'. Did you mean 'akid_layers'?",
        ),
        ("@hookimpl\n    def akid_layers(brain): return ()", "hooks", "brain"),
        (
            "@hookimpl\n    def akid_layers():\n"
            "        yield LayerInfo(name='first', target='a.b:C')\n"
            "        raise RuntimeError('midway')",
            "declare",
            "RuntimeError: midway",
        ),
        ("@hookimpl\n    def akid_layers(): raise SystemExit(3)", "declare", "SystemExit: 3"),
        ("@hookimpl\n    def akid_layers(): pass", "declare", "returned None instead of LayerInfo"),
        ("@hookimpl\n    def akid_layers(): return 7", "declare", "TypeError"),
        (
            "@hookimpl\n    def akid_layers(): return [SourceInfo(name='first', target='a.b:C')]",
            "declare",
            "it should be a LayerInfo",
        ),
        ("@hookimpl\n    def akid_layers(): return [LayerInfo(name='First', target='a.b:C')]", "declare", "lower case"),
        (
            "@hookimpl\n    def akid_layers(): return [LayerInfo(name='first', target='a.b.C')]",
            "declare",
            "package.module:",
        ),
        (
            "@hookimpl\n    def akid_layers(): return [LayerInfo(name='first', target='a:C', requires=['x'])]",
            "declare",
            "requires is a tuple",
        ),
        (
            "from akid_core.plugin_api import LayerBuilderInfo\n"
            "    @hookimpl\n    def akid_layer_builders(): return [LayerBuilderInfo(name='first', target='a:b')]",
            "declare",
            "names its backend",
        ),
        ("@hookimpl(wrapper=True)\n    def akid_layers(): return (yield)", "declare", "it should be a LayerInfo"),
    ],
)
def test_a_bad_hook_counts_for_nothing_and_the_plugins_other_hooks_remain(
    make_plugin, bad: str, stage: str, message: str
) -> None:
    make_plugin("half", HALF.format(bad=bad))
    make_plugin("good", GOOD)
    manager = PluginManager()
    failure = only_failure(manager, "half")
    assert (plugin(manager, "half").status, failure.stage) == ("partly", stage)
    assert failure.hook.startswith("akid_layer")
    assert message in str(failure)
    assert manager.registry.has("source", "kept")
    assert manager.registry.has("layer", "good")
    assert not manager.registry.has("layer", "first")


@pytest.mark.parametrize("names", ["bad", "akid-bad", "Akid_Bad", "something, bad", "all"])
def test_a_disabled_plugin_is_not_imported(make_plugin, monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    make_plugin("bad", "raise AssertionError('imported')")
    monkeypatch.setenv("AKID_DISABLE_PLUGINS", names)
    manager = PluginManager()
    assert plugin(manager, "bad").status == "disabled"
    assert plugin(manager, "numpy").status == "built in"


def test_a_bundled_plugin_can_be_disabled_and_the_core_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKID_DISABLE_PLUGINS", "observe,core")
    manager = PluginManager(discover=False)
    assert plugin(manager, "observe").status == "disabled"
    assert plugin(manager, "core").status == "built in"


def test_strict_raises_the_first_failure_in_full(make_plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    make_plugin("bad", "import akid_no_such_module")
    monkeypatch.setenv("AKID_STRICT_PLUGINS", "1")
    with pytest.raises(PluginImportError, match=r"Plugin 'bad' of akid-bad 1.0") as raised:
        PluginManager()
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


def test_strict_raises_what_a_hook_raises(make_plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    make_plugin("half", HALF.format(bad="@hookimpl\n    def akid_layers(): raise OSError('disk')"))
    monkeypatch.setenv("AKID_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="failed \\(declare in akid_layers\\): OSError: disk") as raised:
        PluginManager()
    assert isinstance(raised.value.__cause__, OSError)


SPECIFIES = """
    from akid_core.plugin_api import hookspec

    @hookspec
    def akid_greetings(name):
        '''Words of welcome.'''
"""
IMPLEMENTS = """
    from akid_core.plugin_api import hookimpl

    @hookimpl{options}
    def akid_greetings(name):
        return f"hello {{name}}"
"""


def test_a_plugin_brings_a_hook_that_another_one_implements(make_plugin) -> None:
    make_plugin("aaa", IMPLEMENTS.format(options=""))  # loaded before the one that specifies
    make_plugin("zzz", SPECIFIES)
    manager = PluginManager()
    assert not plugin(manager, "aaa").failures
    assert manager.hook.akid_greetings(name="kid") == ["hello kid"]


def test_a_hook_of_an_absent_plugin_is_unknown_unless_it_is_optional(make_plugin) -> None:
    make_plugin("eager", IMPLEMENTS.format(options=""))
    make_plugin("modest", IMPLEMENTS.format(options="(optionalhook=True)"))
    manager = PluginManager()
    assert "there is no hook 'akid_greetings'" in str(only_failure(manager, "eager"))
    assert not plugin(manager, "modest").failures


def test_two_plugins_that_specify_one_hook(make_plugin) -> None:
    make_plugin("first", SPECIFIES)
    make_plugin("second", SPECIFIES)
    manager = PluginManager()
    assert plugin(manager, "first").status == "loaded"
    assert "another plugin specifies a hook 'akid_greetings' already" in str(only_failure(manager, "second"))
    # and a run that lists neither is none the worse for it
    assert callable(manager.run_hooks([]).hook.akid_greetings)


def test_a_module_that_cannot_be_looked_at_leaves_the_others_alone(make_plugin) -> None:
    make_plugin(
        "coy",
        """
        def __dir__():
            return ["akid_layers"]

        def __getattr__(name):
            raise (OSError if name == "akid_layers" else AttributeError)(f"no {name} today")
        """,
    )
    make_plugin("good", GOOD)
    manager = PluginManager()
    assert "OSError: no akid_layers today" in str(only_failure(manager, "coy"))
    assert plugin(manager, "good").status == "loaded"


def test_order_does_not_depend_on_the_order_of_the_path(make_plugin) -> None:
    for name in ("ccc", "aaa", "bbb"):
        make_plugin(name, "")
    names = [item.provider.plugin for item in PluginManager().plugins]
    assert [name for name in names if len(set(name)) == 1] == ["aaa", "bbb", "ccc"]


def test_a_plugin_object_inside_a_module(make_dist: MakeDist) -> None:
    text = GOOD + "\n    class Holder:\n        akid_layers = staticmethod(akid_layers)\n"
    make_dist("akid-good", modules={"akid_good.py": text}, entry_points={"good": "akid_good:Holder"})
    assert PluginManager().registry.has("layer", "good")


def test_managers_do_not_know_of_each_other(akid_manager: PluginManager) -> None:
    mine = ModuleType("mine")
    akid_manager.add(mine)
    assert "mine" in {item.provider.plugin for item in akid_manager.plugins}
    assert "mine" not in {item.provider.plugin for item in PluginManager(discover=False).plugins}


def test_a_partly_failed_plugin_is_raised_when_the_user_asks_for_it(make_plugin) -> None:
    make_plugin("half", HALF.format(bad="@hookimpl\n    def akid_layers(): raise OSError('disk')"))
    manager = PluginManager()
    with pytest.raises(PluginError, match=r"failed \(declare in akid_layers\): OSError: disk"):
        manager.add("akid_half.plugin")


def test_two_distributions_with_one_entry_point_name(make_dist: MakeDist) -> None:
    for name, layer in (("akid-aaa", "one"), ("akid-bbb", "two")):
        module = name.replace("-", "_")
        make_dist(name, modules={f"{module}.py": GOOD.replace('"good"', f'"{layer}"')}, entry_points={"same": module})
    registry = PluginManager().registry
    assert registry.has("layer", "one")
    assert registry.has("layer", "two")


def test_a_distribution_that_lies_on_the_path_twice_is_one(make_plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    make_plugin("good", GOOD)
    monkeypatch.setattr(sys, "path", [sys.path[0], *sys.path])
    manager = PluginManager()
    assert plugin(manager, "good").status == "loaded"
    assert len([item for item in manager.registry.infos("layer") if item.info.name == "good"]) == 1
