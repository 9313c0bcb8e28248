"""Configuration: Python objects and YAML are the same thing."""

from akid_core.config.components import check_types, decode, decode_settings, encode, encode_settings
from akid_core.config.located import LocatedDict, LocatedList, Where
from akid_core.config.overrides import apply_overrides
from akid_core.config.typed import Typed
from akid_core.config.yaml import dump_yaml, load_yaml

__all__ = [
    "LocatedDict",
    "LocatedList",
    "Typed",
    "Where",
    "apply_overrides",
    "check_types",
    "decode",
    "decode_settings",
    "dump_yaml",
    "encode",
    "encode_settings",
    "load_yaml",
]
