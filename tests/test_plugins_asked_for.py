"""Plugins that a run names itself: modules, import paths, files; and life-cycle hooks that reach only those."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from types import ModuleType, SimpleNamespace

import pytest

from akid_core.errors import ConfigurationError, PluginError, PluginImportError
from akid_core.plugin_api import hookimpl, hookspec
from akid_core.plugins import PluginManager

FILE = """
    from dataclasses import dataclass
    from akid_core.plugin_api import LayerInfo, hookimpl
    from akid_core.specs import Layer

    @dataclass(frozen=True, kw_only=True)
    class Scale(Layer):
        pass

    @hookimpl
    def akid_layers():
        yield LayerInfo(name="scale", target="{stem}:Scale")

    @hookimpl
    def akid_epoch_end(context):
        context.kid.append("{stem}")
"""


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Write a plugin file; its module is forgotten after the test."""

    def make(name: str, text: str = FILE) -> str:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).replace("{stem}", file.stem), encoding="utf-8")
        return str(file)

    yield make
    for name in [name for name, module in sys.modules.items() if str(tmp_path) in str(getattr(module, "__file__", ""))]:
        del sys.modules[name]


def test_a_file_brings_its_components(akid_manager: PluginManager, write: Callable[..., str]) -> None:
    module = akid_manager.add(write("my_blocks.py"))
    assert akid_manager.registry.get("layer", "scale") is module.Scale
    (item,) = [item for item in akid_manager.registry.infos("layer") if item.info.name == "scale"]
    assert item.provider.label.endswith("/my_blocks.py")


def test_a_relative_file(
    akid_manager: PluginManager, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(write("my_relative.py")).parent)
    akid_manager.add("./my_relative.py")
    assert akid_manager.registry.has("layer", "scale")


def test_naming_a_plugin_twice_is_naming_it_once(akid_manager: PluginManager, write: Callable[..., str]) -> None:
    path = write("my_twice.py")
    assert akid_manager.add(path) is akid_manager.add(path) is akid_manager.add(akid_manager.add(path))
    assert akid_manager.registry.get("layer", "scale").__name__ == "Scale"


def test_a_file_serves_several_managers(write: Callable[..., str]) -> None:
    path = write("my_shared.py")
    one, other = (PluginManager(discover=False, plugins=[path]) for _ in range(2))
    assert one.registry.get("layer", "scale") is other.registry.get("layer", "scale")


def test_another_run_has_a_file_of_the_same_name(write: Callable[..., str]) -> None:
    first = PluginManager(discover=False, plugins=[write("one/my_mine.py")])
    old = first.registry.get("layer", "scale")
    second = PluginManager(discover=False, plugins=[write("other/my_mine.py")])
    assert second.registry.get("layer", "scale") is not old
    assert first.registry.get("layer", "scale") is old


def test_files_of_one_name_bring_each_its_own(write: Callable[..., str]) -> None:
    files = [write(f"{run}/my_twin.py", FILE.replace("pass", f"run = '{run}'")) for run in ("one", "other")]
    managers = [PluginManager(discover=False, plugins=[file]) for file in files]
    # only now, when both are loaded, is either looked up
    assert [manager.registry.get("layer", "scale").run for manager in managers] == ["one", "other"]


@pytest.mark.parametrize("name", ["json.py", "numpy.py", "my-blocks.py"])
def test_a_file_whose_name_hides_a_module_or_is_none(
    akid_manager: PluginManager, write: Callable[..., str], name: str
) -> None:
    with pytest.raises(ConfigurationError, match="Give the file another name"):
        akid_manager.add(write(name))


@pytest.mark.parametrize(
    ("text", "message"),
    [("import akid_no_such_module", "ModuleNotFoundError: No module named"), ("1 / 0", "ZeroDivisionError")],
)
def test_a_file_that_does_not_import(
    akid_manager: PluginManager, write: Callable[..., str], text: str, message: str
) -> None:
    with pytest.raises(PluginImportError, match=message):
        akid_manager.add(write("my_broken.py", text))
    assert "my_broken" not in sys.modules


def test_a_file_that_is_not_there(akid_manager: PluginManager, tmp_path: Path) -> None:
    with pytest.raises(PluginImportError, match=r"there is no file .*absent.py"):
        akid_manager.add(str(tmp_path / "absent.py"))


def test_an_import_path(
    akid_manager: PluginManager, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(write("my_path.py")).parent)
    assert akid_manager.add("my_path") is sys.modules["my_path"]
    with pytest.raises(PluginImportError, match="The plugin my_paht does not import"):
        akid_manager.add("my_paht")


def test_what_is_wrong_with_a_plugin_that_was_asked_for_is_raised(
    akid_manager: PluginManager, write: Callable[..., str]
) -> None:
    text = "from akid_core.plugin_api import hookimpl\n@hookimpl\ndef akid_layer(): return ()"
    with pytest.raises(PluginError, match=r"no hook 'akid_layer'. Did you mean 'akid_layers'"):
        akid_manager.add(write("my_misspelt.py", text))


def test_a_plugin_that_is_both_installed_and_named_is_one(make_dist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AKID_DISABLE_PLUGINS", raising=False)
    make_dist(
        "akid-scale",
        modules={"akid_scale.py": FILE.replace("{stem}", "akid_scale")},
        entry_points={"scale": "akid_scale"},
    )
    manager = PluginManager(plugins=["akid_scale"])
    assert manager.registry.get("layer", "scale").__name__ == "Scale"


# --- life cycle ---


@dataclass(frozen=True, kw_only=True)
class Teller:
    name: str
    calls: list[str] = field(compare=False)

    @hookimpl
    def akid_span_end(self, context: SimpleNamespace) -> None:
        self.calls.append(f"{self.name} at {context.step}")


def test_hooks_of_a_run_are_called_in_the_stated_order(akid_manager: PluginManager) -> None:
    calls: list[str] = []
    tellers = [Teller(name=name, calls=calls) for name in ("b", "a", "c")]
    akid_manager.run_hooks(tellers).hook.akid_span_end(context=SimpleNamespace(step=3))
    assert calls == ["b at 3", "a at 3", "c at 3"]


def test_hooks_of_a_run_reach_nobody_else(akid_manager: PluginManager, write: Callable[..., str]) -> None:
    akid_manager.add(write("my_silent.py"))
    calls: list[str] = []
    moment = SimpleNamespace(kid=calls)
    akid_manager.run_hooks([]).hook.akid_epoch_end(context=moment)
    assert calls == []
    akid_manager.run_hooks([write("my_loud.py"), akid_manager.add(write("my_silent.py"))]).hook.akid_epoch_end(
        context=moment
    )
    assert calls == ["my_loud", "my_silent"]


class Misspelt:
    @hookimpl
    def akid_spam_end(self, context: object) -> None: ...


class TooMany:
    @hookimpl
    def akid_span_end(self, context: object, step: int) -> None: ...


class Unmarked:
    def akid_epoch_end(self, context: object) -> None: ...


@pytest.mark.parametrize(
    ("watcher", "message"),
    [
        (Misspelt(), "no hook 'akid_spam_end'. Did you mean 'akid_span_end'"),
        (TooMany(), "step"),
        (Unmarked(), "'akid_epoch_end' .* lacks the mark @hookimpl"),
    ],
)
def test_a_watcher_with_a_wrong_hook(akid_manager: PluginManager, watcher: object, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        akid_manager.run_hooks([watcher])


def test_an_observer_given_twice(akid_manager: PluginManager) -> None:
    calls: list[str] = []
    with pytest.raises(PluginError, match="cannot watch the run"):
        akid_manager.run_hooks([Teller(name="a", calls=calls), Teller(name="a", calls=calls)])


def test_a_run_can_call_a_hook_that_a_plugin_specifies(akid_manager: PluginManager) -> None:
    def akid_grown(context: object) -> None:
        """A child grew."""

    plugin = ModuleType("specifies")
    plugin.akid_grown = hookspec(akid_grown)  # type: ignore[attr-defined]
    akid_manager.add(plugin)

    class Watcher:
        @hookimpl
        def akid_grown(self, context: object) -> object:
            return context

    assert akid_manager.run_hooks([Watcher()]).hook.akid_grown(context=7) == [7]


def test_a_module_without_hooks_is_a_plugin(akid_manager: PluginManager) -> None:
    before = akid_manager.registry.infos()
    akid_manager.add(ModuleType("empty"))
    assert akid_manager.registry.infos() == before


def test_a_copy_of_a_module_that_python_finds_is_that_module(
    write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("elsewhere/copied_plugin.py")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    assert PluginManager(plugins=[write("run/copied_plugin.py")]).registry.has("layer", "scale")
    write("elsewhere/other_plugin.py")
    with pytest.raises(ConfigurationError, match="a module 'other_plugin' exists already"):
        PluginManager(plugins=[write("run/other_plugin.py", "something = 'else'")])
