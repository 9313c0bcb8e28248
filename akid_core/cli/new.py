"""`akid plugins new`: a complete distribution to start from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from packaging.version import Version

from akid_core._version import __version__
from akid_core.errors import UsageError, suggest
from akid_core.plugins import default_manager
from akid_core.specs.names import snake_case

SUMMARIES = {
    "layer": "a gate with a learned slope for each channel",
    "source": "points on two spirals that wind around each other",
    "sampler": "a new random part of the rows in each epoch",
    "augmenter": "images at random a little brighter or darker",
    "kid": "a learner that keeps one of its blocks quiet",
    "strategy": "one process that takes the time of its steps",
    "backend": "a backend of plain NumPy that evaluates",
}
"""What the start of each category does, until its author makes something of it."""

USES = {
    "layer": "akid practice ./example.yaml",
    "backend": "akid practice ./example.yaml --run-dir runs/example\nakid validate runs/example --backend {component}",
}
"""The commands that show a component at work; a category that is not named here takes those of a layer."""

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


def write_distribution(name: str, category: str, directory: Path) -> tuple[Path, list[str]]:
    """Write the distribution `akid-<name>` into a new folder of that name inside `directory`.

    Returns the folder, and the commands to go on with in it.

    Raises `UsageError` for a name or category that cannot be, and for a folder that exists.
    """
    words = _words(name, category)
    folder = directory / words["distribution"]
    if folder.exists():
        raise UsageError(f"{folder} exists already, and nothing is overwritten. Choose another name or --directory.")
    for place, text in _texts(category):
        target = folder / re.sub("component|package", lambda word: words[word[0]], place)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(text).substitute(words), encoding="utf-8")
    return folder, ['pip install -e ".[test]"', "pytest", *words["use"].splitlines()]


def _words(name: str, category: str) -> dict[str, str]:
    """What stands for each `$word` of the templates."""
    if category not in SUMMARIES:
        raise UsageError(
            f"There is no start for the category {category!r}.{suggest(category, SUMMARIES)} "
            f"Categories: {', '.join(SUMMARIES)}."
        )
    short = name.removeprefix("akid-")
    component = short.replace("-", "_")
    class_name = "".join(part.capitalize() for part in component.split("_"))
    if not _NAME.fullmatch(short) or snake_case(class_name) != component:
        raise UsageError(
            f"{name!r} cannot name a plugin: write lower case words that begin with a letter, joined by hyphens, as in "
            "'swish' or 'soft-sign'."
        )
    registry = default_manager().registry
    if registry.has(category, component):
        provider = next(item.provider for item in registry.infos(category) if item.info.name == component)
        raise UsageError(f"The {category} {component!r} exists already, from {provider}. Choose another name.")
    version = Version(__version__)
    return {
        "distribution": f"akid-{short.replace('_', '-')}",
        "package": f"akid_{component}",
        "component": component,
        "class_name": class_name,
        "category": category,
        "use": USES.get(category, USES["layer"]).format(component=component),
        "summary": SUMMARIES[category],
        "Summary": SUMMARIES[category][0].upper() + SUMMARIES[category][1:],
        "core": f"akid-core>={version.base_version},<{version.major}.{version.minor + 1}",
    }


def _texts(category: str) -> Iterator[tuple[str, str]]:
    """The place in the distribution, and the text, of each template: those for all categories, then the category's."""
    templates = files("akid_core.cli") / "templates"
    for part in ("common", category):
        yield from _below(templates / part, "")


def _below(folder: Traversable, place: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        # A name that begins with a dot is passed over when packages are built.
        here = place + entry.name.replace("dot-", ".")
        if entry.is_dir():
            yield from _below(entry, f"{here}/")
        else:
            yield here.removesuffix(".template"), entry.read_text(encoding="utf-8")
