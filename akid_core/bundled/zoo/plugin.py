"""What the built-in plugin `zoo` declares: networks by name, each a function so called in the module of its family."""

from __future__ import annotations

from collections.abc import Iterator

from akid_core.plugin_api import BrainInfo, hookimpl

FAMILIES = (
    (
        "lenet",
        "LeCun et al., Gradient-based learning applied to document recognition, 1998",
        {"lenet5": "digits of 32x32 pixels: two convolutions, three dense layers"},
    ),
)
"""For each family its module, its source, and its networks with a summary."""


@hookimpl
def akid_brains() -> Iterator[BrainInfo]:
    for module, source, networks in FAMILIES:
        for name, summary in networks.items():
            target = f"akid_core.bundled.zoo.{module}:{name}"
            yield BrainInfo(name=name, target=target, summary=summary, source=source)
