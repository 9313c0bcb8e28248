"""Templates on the command line: --var, akid render, runs made of templates, and recipes that are templates."""

from __future__ import annotations

import subprocess
import sys

import pytest

from akid_core.config import load_yaml
from akid_core.errors import ConfigurationError, UsageError
from akid_core.training.description import read_description
from akid_core.training.kid import Kid

TEMPLATE = """\
{% set units = units | default(6) %}
{% macro hidden(number) %}
- {dense: {name: hidden{{ number }}, units: {{ units }}}}
- relu
{% endmacro %}
akid: 1
backend: numpy
plugins: [./toy_parts.py]
sensors: {source: clouds, batch_size: 16}
brain:
  inputs: image
  outputs: logits
  blocks:
    {% for number in range(layers | default(2)) %}
    {{ hidden(number) | indent(4) }}
    {% endfor %}
    - {dense: {name: logits, units: 2}}
  losses: [{softmax_cross_entropy: {name: loss, inputs: [logits, label]}}]
optimizer: {adam: {learning_rate: {{ rate | default(0.05) }}}}
practice: {epochs: 1}
"""


@pytest.fixture
def templated(toy):
    """The toy with `net.yaml.j2`."""
    toy.folder.joinpath("net.yaml.j2").write_text(TEMPLATE)
    return toy


def replaced(toy, old: str, new: str) -> None:
    assert old in TEMPLATE
    toy.folder.joinpath("net.yaml.j2").write_text(TEMPLATE.replace(old, new))


# --- akid render ---


def test_what_comes_out_is_printed(templated) -> None:
    said = templated.akid("render", "net.yaml.j2", "--var", "layers=1", "--var", "units=3")
    assert said.code == 0
    assert said.out == (
        "akid: 1\nbackend: numpy\nplugins: [./toy_parts.py]\nsensors: {source: clouds, batch_size: 16}\nbrain:\n"
        "  inputs: image\n  outputs: logits\n  blocks:\n    - {dense: {name: hidden0, units: 3}}\n    - relu\n\n"
        "    - {dense: {name: logits, units: 2}}\n"
        "  losses: [{softmax_cross_entropy: {name: loss, inputs: [logits, label]}}]\n"
        "optimizer: {adam: {learning_rate: 0.05}}\npractice: {epochs: 1}\n"
    )


def test_what_comes_out_is_written(templated) -> None:
    said = templated.akid("render", "net.yaml.j2", "--set", "practice.epochs=7", "--output", "deep/net.yaml")
    assert (said.code, said.out) == (0, "wrote deep/net.yaml\n")
    data = load_yaml(templated.folder / "deep" / "net.yaml")
    assert data["practice"] == {"epochs": 7}
    assert len(data["brain"]["blocks"]) == 5
    assert templated.akid("check", "deep/net.yaml").code == 0


def test_it_is_checked_unless_it_shall_not_be(templated) -> None:
    wrong = ("render", "net.yaml.j2", "--var", "units=-1")
    said = templated.akid(*wrong, "--output", "net.yaml")
    assert (said.code, said.out) == (78, "")
    assert said.err == (
        "akid: net.yaml.j2, line 3 (from line 15), brain.blocks[0].dense: units must be at least 1, got -1.\n"
    )
    assert not (templated.folder / "net.yaml").exists()
    assert "units: -1}" in templated.akid(*wrong, "--no-check").out
    replaced(templated, "logits, units: 2}}", "logits, units: 2}")
    assert templated.akid("render", "net.yaml.j2").code == 78
    assert "logits, units: 2}\n" in templated.akid("render", "net.yaml.j2", "--no-check").out


def test_variables_are_listed(templated) -> None:
    said = templated.akid("render", "net.yaml.j2", "--variables")
    assert said.out == "variable  default\nunits     6\nlayers    2\nrate      0.05\n"
    assert templated.akid("render", "toy.yaml", "--variables").out == "toy.yaml has no variables.\n"
    replaced(templated, "rate | default(0.05)", "rate")
    assert "rate      must be given\n" in templated.akid("render", "net.yaml.j2", "--variables").out


def test_a_file_that_is_no_template_is_printed_as_it_is(toy) -> None:
    assert toy.akid("render", "toy.yaml").out == toy.yaml.read_text()


@pytest.mark.parametrize("name", ["net.yaml", "net.j2"])
def test_a_template_that_is_not_called_so(name: str, toy) -> None:
    toy.folder.joinpath(name).write_text(TEMPLATE)
    said = toy.akid("check", name)
    assert said.code == 78
    assert said.err.startswith(f"akid: {name}, line 1, column 2: this is not YAML: ")
    assert said.err.endswith(" Is it a template? Then its name must end in .yaml.j2.\n")
    toy.folder.joinpath(name).write_text("akid: [")
    assert "template" not in toy.akid("check", name).err


# --- --var ---


@pytest.mark.parametrize("command", ["check", "show", "find-rate", "practice"])
def test_every_command_gives_variables(command: str, templated) -> None:
    more = ["--run-dir", "run"] if command == "practice" else []
    assert templated.akid(command, "net.yaml.j2", "--var", "layers=3", *more).code == 0
    said = templated.akid(command, "net.yaml.j2", "--var", "layer=3", *more)
    assert said.code == 2
    assert said.err == (
        "akid: net.yaml.j2 has no variable 'layer'. Did you mean 'layers'? It has units, layers, rate.\n"
    )


@pytest.mark.parametrize("command", ["fetch", "info", "check", "show"])
def test_commands_on_data_give_variables(command: str, templated) -> None:
    replaced(templated, "source: clouds", "source: {clouds: {size: {{ size }}}}")
    assert templated.akid("data", command, "net.yaml.j2", "--var", "size=30").code == 0
    said = templated.akid("data", command, "net.yaml.j2")
    assert said.code == 78
    assert said.err.startswith("akid: net.yaml.j2, line 9: 'size' is undefined. Give it with --var size=…, or ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["check", "toy.yaml", "--var", "a=1"],
            "toy.yaml is no template, so there is no variable 'a': a template's name",
        ),
        (["check", "net.yaml.j2", "--var", "a"], "--var a: write name=value, for example depth=56."),
        (
            ["data", "info", "subset", "--var", "a=1"],
            "subset is a source, which has no variables: --var is for templates",
        ),
    ],
)
def test_var_where_it_does_not_belong(arguments: list[str], said: str, templated) -> None:
    heard = templated.akid(*arguments)
    assert heard.code == 2
    assert heard.err.startswith(f"akid: {said}")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("optimizer:", "optimiser:", "line 19, optimiser: unknown key 'optimiser'. Did you mean 'optimizer'?"),
        ("- relu", "- rleu", "line 4 (from line 15), brain.blocks[1]: There is no layer 'rleu'. Did you mean 'relu'?"),
        ("units: {{ units }}", "units: six", "line 3 (from line 15), brain.blocks[0].dense.units: expected an integer"),
        ("practice:", "backend: numpy\npractice:", "line 20: the key 'backend' stands here for the second time"),
        ("outputs:", "  outputs:", "line 12: this is not YAML: "),
        ("akid: 1", "akid: 2", "line 6, akid: schema version 2 is not known here"),
        ("epochs: 1}", "epochs: 1, steps: 2}", "line 20, practice: say exactly one of epochs and steps."),
        ("range(", "rnge(", "line 14: 'rnge' is undefined. Did you mean 'range'?"),
        ("{% endfor %}", "", "line 19: Unexpected end of template."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_the_line_of_the_template(old: str, new: str, said: str, templated) -> None:
    replaced(templated, old, new)
    for command in ("check", "render"):
        heard = templated.akid(command, "net.yaml.j2")
        assert heard.code == 78
        assert len(heard.err.splitlines()) == 1
        assert f"akid: net.yaml.j2, {said}" in heard.err


def test_a_template_in_python(templated) -> None:
    kid = Kid.from_yaml("net.yaml.j2", ["practice.epochs=2"], variables={"layers": 3, "rate": 1e-5})
    assert [path for path in kid.config.brain.blocks if "hidden" in path] == ["hidden0", "hidden1", "hidden2"]
    assert kid.config.optimizer.learning_rate == 1e-5
    assert kid.config.practice.epochs == 2
    assert read_description("net.yaml.j2", variables={"layers": 0})[0].brain.nodes[0].name == "logits"
    with pytest.raises(UsageError, match="toy.yaml is no template"):
        Kid.from_yaml("toy.yaml", variables={"layers": 3})
    with pytest.raises(ConfigurationError, match=r"net\.yaml\.j2, line 14: "):
        Kid.from_yaml("net.yaml.j2", variables={"layers": "many"})


# --- runs ---


def test_a_run_keeps_what_came_out_and_goes_on(templated) -> None:
    practice = ("practice", "net.yaml.j2", "--run-dir", "run")
    assert templated.akid(*practice, "--var", "layers=1").code == 0
    stored = load_yaml(templated.folder / "run" / "config.yaml")
    assert stored["brain"]["blocks"][0] == {"dense": {"name": "hidden0", "units": 6}}
    assert len(stored["brain"]["blocks"]) == 3
    assert templated.akid(*practice, "--var", "layers=1", "--resume", "--max-epochs", "2").code == 0
    assert templated.akid("practice", "run/config.yaml", "--run-dir", "run", "--resume", "--max-epochs", "3").code == 0
    assert templated.akid("validate", "run", "--json").json["step"] == 12
    for other, change in (
        ("rate=0.1", "optimizer.adam.learning_rate was 0.05 and is now 0.1"),
        ("units=5", "brain.blocks[0].dense.units was 6 and is now 5"),
    ):
        said = templated.akid(*practice, "--var", "layers=1", "--var", other, "--resume")
        assert said.code == 78
        assert change in said.err


def test_a_run_without_a_directory_is_called_as_the_template(templated) -> None:
    assert templated.akid("practice", "net.yaml.j2", "--max-steps", "1").code == 0
    [run] = (templated.folder / "runs").iterdir()
    assert run.name.startswith("net-2")


# --- recipes ---

RECIPES = """\
from akid_core.plugin_api import RecipeInfo, hookimpl

@hookimpl
def akid_recipes():
    yield RecipeInfo(name="made", target="akid_made:recipes/net.yaml.j2")
"""


def test_a_recipe_may_be_a_template(templated, make_dist) -> None:
    text = "{% set size = 1 %}\n{% include 'part.yaml.j2' %}\n" + TEMPLATE
    modules = {
        "akid_made/__init__.py": "",
        "akid_made/plugin.py": RECIPES,
        "akid_made/recipes/net.yaml.j2": text,
        "akid_made/recipes/part.yaml.j2": "# {{ size }} {{ units | default(6) }}\n",
    }
    make_dist("akid-made", modules=modules, entry_points={"made": "akid_made.plugin"})
    assert templated.akid("check", "made", "--var", "layers=3").code == 0
    assert templated.akid("render", "made").out.startswith("# 1 6\nakid: 1\n")
    assert "layers    2\n" in templated.akid("render", "made", "--variables").out
    said = templated.akid("check", "made", "--var", "units=-1")
    assert said.err.startswith(
        "akid: akid_made:recipes/net.yaml.j2, line 5 (from line 17), brain.blocks[0].dense: units"
    )
    said = templated.akid("check", "made", "--var", "size=1")
    assert said.err == "akid: akid_made:recipes/net.yaml.j2 has no variable 'size'. It has units, layers, rate.\n"


# --- what it costs ---


def test_jinja2_is_imported_for_a_template_alone(templated) -> None:
    program = (
        "import sys; from akid_core.training.description import read_description; read_description('toy.yaml'); "
        "assert 'jinja2' not in sys.modules; read_description('net.yaml.j2'); assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=templated.folder)
