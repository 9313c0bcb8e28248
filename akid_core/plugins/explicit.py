"""Plugins that a user names: a module, its import path, or a file such as `./mine.py`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from akid_core.errors import ConfigurationError, PluginImportError
from akid_core.plugins.records import Provider

_loaded_files: dict[Path, ModuleType] = {}
"""Plugin files by path: like any module, a file is executed once in a process."""


def import_plugin(plugin: ModuleType | str) -> ModuleType:
    """The module of a plugin that was asked for.

    A text that ends in `.py` or has a `/` is a file; its module is called by the file's stem, so that declarations can
    write `"mine:Scale"`. Raises `PluginImportError` with the cause, or `ConfigurationError` for a file whose name
    hides another module.
    """
    if isinstance(plugin, ModuleType):
        return plugin
    try:
        if plugin.endswith(".py") or "/" in plugin:
            return _import_file(Path(plugin).expanduser().resolve())
        return importlib.import_module(plugin)
    except ConfigurationError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginImportError(f"The plugin {plugin} does not import: {type(error).__name__}: {error}") from error


def explicit_provider(module: ModuleType) -> Provider:
    """Who a plugin without a distribution is: its module, and its file where it was loaded as one."""
    file = next((path for path, loaded in _loaded_files.items() if loaded is module), None)
    return Provider(module.__name__, str(file or module.__name__))


def file_module(provider: Provider, name: str) -> ModuleType | None:
    """The module of a plugin file, if that is its name: in `sys.modules` another file so named may have replaced it."""
    module = _loaded_files.get(Path(provider.module))
    return module if module is not None and module.__name__ == name else None


def plugin_files() -> dict[str, str]:
    """The plugin files by the names of their modules, which no other process can import by name alone."""
    return {path.stem: str(path) for path, module in _loaded_files.items() if sys.modules.get(path.stem) is module}


def _import_file(path: Path) -> ModuleType:
    if path in _loaded_files:
        return _loaded_files[path]
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    _check_stem(path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # as for any import: the module can name itself while it is executed
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        if before is not None:
            sys.modules[path.stem] = before
        raise
    _loaded_files[path] = module
    return module


def _check_stem(path: Path) -> None:
    """A file may replace another plugin file of its name, or a module that it is a copy of, but no other module."""
    present = sys.modules.get(path.stem)
    if present is not None:
        taken = present not in _loaded_files.values() and not _same(getattr(present, "__file__", None), path)
    else:
        found = importlib.util.find_spec(path.stem) if path.stem.isidentifier() else None
        taken = found is not None and not _same(found.origin, path)
    if taken or not path.stem.isidentifier():
        why = f"a module '{path.stem}' exists already" if taken else f"'{path.stem}' is not a Python name"
        raise ConfigurationError(f"The plugin file {path} cannot be loaded: {why}. Give the file another name.")


def _same(file: str | None, path: Path) -> bool:
    """Whether a module's file is this one, or holds the same, as the copies in run directories do."""
    if not file or not Path(file).is_file():
        return False
    return Path(file).resolve() == path or Path(file).read_bytes() == path.read_bytes()
