"""What is known of plugins: where each came from, what it provides, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from akid_core.errors import PluginError, PluginImportError, PluginVersionError
from akid_core.plugin_api import ComponentInfo

Stage = Literal["version", "import", "hooks", "declare"]
Status = Literal["built in", "loaded", "failed", "partly", "disabled"]


@dataclass(frozen=True, slots=True)
class Provider:
    """Who provides a component: the plugin's name, its module or file, and its distribution where it has one."""

    plugin: str
    module: str
    distribution: str = ""
    version: str = ""
    built_in: bool = False

    @property
    def label(self) -> str:
        """What `providers:` and messages call it: the distribution, or the module or file of a plugin without one."""
        return self.distribution or self.module

    def __str__(self) -> str:
        return f"{self.label} {self.version}".rstrip()


@dataclass(frozen=True, slots=True)
class Provided:
    """A component together with who provides it."""

    info: ComponentInfo
    provider: Provider


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """Something of a plugin that could not be used.

    `stage`: `version` (made for another akid-core), `import`, `hooks` (misspelt or wrong arguments), or `declare`
    (a hook that raised, or returned what it must not). `hook` is named where one is to blame.
    """

    provider: Provider
    stage: Stage
    error: BaseException
    hook: str = ""

    def __str__(self) -> str:
        hook = f" in {self.hook}" if self.hook else ""
        said = "" if isinstance(self.error, PluginError) else f"{type(self.error).__name__}: "
        return f"Plugin '{self.provider.plugin}' of {self.provider} failed ({self.stage}{hook}): {said}{self.error}"

    def exception(self) -> PluginError:
        """The typed error to raise; its cause is what the plugin raised."""
        kinds: dict[Stage, type[PluginError]] = {"version": PluginVersionError, "import": PluginImportError}
        error = kinds.get(self.stage, PluginError)(str(self))
        error.__cause__ = self.error
        return error


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin and how it fared."""

    provider: Provider
    status: Status
    failures: tuple[PluginFailure, ...] = ()
