"""Plugins: how parts of akid are found, loaded one by one, and looked up by name."""

from akid_core.plugins.manager import PluginManager, default_manager
from akid_core.plugins.records import Plugin, PluginFailure, Provided, Provider
from akid_core.plugins.registry import Registry

__all__ = ["Plugin", "PluginFailure", "PluginManager", "Provided", "Provider", "Registry", "default_manager"]
