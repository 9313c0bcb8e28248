"""The program `akid` around its sub-commands, and `akid plugins`."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from akid_core._version import __version__
from akid_core.cli.main import main
from akid_core.cli.output import print_json, table
from akid_core.testing.hygiene import found, modules_after
from akid_core.testing.plugin import MakeDist

COMMAND = """
    from akid_core.plugin_api import CommandInfo, hookimpl

    @hookimpl
    def akid_commands():
        yield CommandInfo(name="greet", target="akid_greet.command:main", summary="say hello")
"""


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AKID_DISABLE_PLUGINS", "AKID_STRICT_PLUGINS", "AKID_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_command(make_dist: MakeDist):
    """A distribution with the command `akid greet`, whose body is given."""

    def make(body: str) -> None:
        command = f"def main(arguments):\n    {body}\n"
        modules = {"akid_greet/__init__.py": "", "akid_greet/plugin.py": COMMAND, "akid_greet/command.py": command}
        make_dist("akid-greet", modules=modules, entry_points={"greet": "akid_greet.plugin"})

    return make


@pytest.fixture
def broken(make_dist: MakeDist) -> None:
    make_dist("akid-bad", modules={"akid_bad.py": "import akid_no_such_module"}, entry_points={"bad": "akid_bad"})


# --- the program ---


def test_help_lists_every_command_with_its_line(make_command, capsys: pytest.CaptureFixture[str]) -> None:
    make_command("return 0")
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in ("practice", "check", "validate", "predict", "show", "zoo", "plugins"):
        assert any(line.split()[:1] == [name] and len(line.split()) > 1 for line in lines), name
    assert any(line.split() == ["greet", "say", "hello"] for line in lines)
    assert "akid_greet.command" not in sys.modules


def test_help_survives_a_broken_plugin(broken: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-h"]) == 0
    assert "practice" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"akid {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["practise"], "akid: There is no command 'practise'. Did you mean 'practice'? Known: "),
        ([], "akid: which command? One of check, "),
        (["--varbose"], "unrecognized arguments: --varbose"),
        (["plugins", "lst"], "invalid choice: 'lst'"),
        (["plugins", "list", "--category", "layers"], "invalid choice: 'layers'"),
        (["plugins", "check", "numby"], "akid: There is no plugin 'numby'. Did you mean 'numpy'?"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_a_plugins_command_gets_what_follows_its_name(make_command, capsys: pytest.CaptureFixture[str]) -> None:
    make_command("print(arguments); return 5")
    assert main(["greet", "--help", "you", "--version"]) == 5
    assert capsys.readouterr().out == "['--help', 'you', '--version']\n"


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (
            "from akid_core.errors import DataError as E; raise E('the source is empty')",
            1,
            "akid: the source is empty\n",
        ),
        ("from akid_core.errors import SpecError as E; raise E('no fit')", 78, "akid: no fit\n"),
        ("from akid_core.errors import TryAgainError as E; raise E('peer lost')", 75, "akid: peer lost\n"),
        (
            "from akid_core.errors import DataError as E; e = E('torn.'); e.add_note('It was step-7.'); raise e",
            1,
            "akid: torn. It was step-7.\n",
        ),
        ("raise KeyboardInterrupt", 130, "akid: interrupted\n"),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('goodbye')", 1, "goodbye\n"),
    ],
)
def test_errors_are_a_paragraph_and_an_exit_code(
    make_command, body: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_command(body)
    assert main(["greet"]) == code
    assert capsys.readouterr().err == said


def test_the_whole_traceback_on_request(
    make_command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_command("from akid_core.errors import SpecError as E; raise E('no fit')")
    monkeypatch.setenv("AKID_TRACEBACK", "1")
    assert main(["greet"]) == 78
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert "command.py" in error


def test_a_fault_of_the_program_itself_is_not_disguised(make_command) -> None:
    make_command("return {}['no such key']")
    with pytest.raises(KeyError):
        main(["greet"])


def test_a_command_whose_module_does_not_import(make_dist: MakeDist, capsys: pytest.CaptureFixture[str]) -> None:
    make_dist("akid-greet", modules={"akid_greet/plugin.py": COMMAND}, entry_points={"greet": "akid_greet.plugin"})
    assert main(["greet"]) == 78
    assert "akid: The command 'greet' of akid-greet 1.0" in capsys.readouterr().err


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "akid_core", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]


def test_python_m_is_the_same_program() -> None:
    ran = run("--version")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"akid {__version__}\n", "")
    ran = run("practise")
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith("akid: There is no command 'practise'.")


@pytest.mark.parametrize("option", ["--json", "--category layer"])
def test_a_reader_who_leaves_early_is_no_error(option: str) -> None:
    command = f"{sys.executable} -m akid_core plugins list {option} | true; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() in {"0", "1"}  # 0 where the output was written before the reader left
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


# --- akid plugins ---


@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_list_shows_what_is_there_and_what_failed(
    broken: None, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugins", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line for line in lines if line}
    assert rows["PLUGIN"].split() == ["PLUGIN", "DISTRIBUTION", "VERSION", "STATUS", "PROVIDES"]
    assert rows["core"].split()[1:5] == ["akid-core", __version__, "built", "in"]
    assert re.search(r" \d\d layers, ", rows["core"])
    assert "1 strategy," in rows["core"] or rows["core"].endswith("1 strategy")
    assert rows["bad"].split() == ["bad", "akid-bad", "1.0", "failed"]
    assert "Plugin 'bad' of akid-bad 1.0 failed (import): ModuleNotFoundError" in lines[-1]


def test_list_of_a_category(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "list", "--category", "optimizer"]) == 0
    headings, *rows = capsys.readouterr().out.splitlines()
    assert headings.split() == ["CATEGORY", "NAME", "BACKEND", "FROM", "SUMMARY"]
    assert [row.split()[:5] for row in rows if "akid-core" in row] == [
        ["optimizer", name, "any", "akid-core", __version__]
        for name in ("adagrad", "adam", "adamw", "lion", "rmsprop", "sgd")
    ]


def test_list_for_a_backend(make_dist: MakeDist, capsys: pytest.CaptureFixture[str]) -> None:
    text = """
        from akid_core.plugin_api import StrategyInfo, hookimpl

        @hookimpl
        def akid_strategies():
            yield StrategyInfo(name="ring", backend="abacus", target="akid_ring.ring:Ring")
    """
    make_dist("akid-ring", modules={"akid_ring.py": text}, entry_points={"ring": "akid_ring"})
    names = {}
    for backend in ("abacus", "numpy"):
        assert main(["plugins", "--backend", backend, "--category", "strategy", "--json"]) == 0
        names[backend] = [item["name"] for item in json.loads(capsys.readouterr().out)["components"]]
    assert "ring" in names["abacus"]
    assert "ring" not in names["numpy"]
    assert "single" in names["numpy"]


def test_list_as_json(broken: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "list", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    (bad,) = [item for item in data["plugins"] if item["name"] == "bad"]
    assert bad["status"] == "failed"
    assert bad["failures"][0]["stage"] == "import"
    assert {
        "category": "layer",
        "name": "relu",
        "backend": "",
        "target": "akid_core.layers.activation:ReLU",
        "summary": "max(x, 0)",
        "distribution": "akid-core",
        "version": __version__,
    } in data["components"]


def test_check_of_what_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "check", "numpy"]) == 0
    assert capsys.readouterr().out == "1 plugin, 1 component, 0 failures\n"


def test_check_imports_every_target(make_command, broken: None, capsys: pytest.CaptureFixture[str]) -> None:
    make_command("return 0")
    assert main(["plugins", "check", "akid-greet"]) == 0
    assert "akid_greet.command" in sys.modules
    capsys.readouterr()
    assert main(["plugins", "check", "bad"]) == 1
    assert capsys.readouterr().out.startswith("FAILED  Plugin 'bad' of akid-bad 1.0 failed (import)")


def test_check_names_a_target_that_does_not_import(make_dist: MakeDist, capsys: pytest.CaptureFixture[str]) -> None:
    make_dist("akid-greet", modules={"akid_greet/plugin.py": COMMAND}, entry_points={"greet": "akid_greet.plugin"})
    assert main(["plugins", "check", "greet"]) == 1
    failed, count = capsys.readouterr().out.splitlines()
    assert failed.startswith("FAILED  The command 'greet' of akid-greet 1.0 (akid_greet.command:main)")
    assert count == "1 plugin, 1 component, 1 failure"


def test_check_says_once_what_a_backend_and_its_builders_need(
    make_dist: MakeDist, capsys: pytest.CaptureFixture[str]
) -> None:
    declares = """
        from akid_core.plugin_api import BackendInfo, LayerBuilderInfo, hookimpl

        @hookimpl
        def akid_backends():
            return [BackendInfo(name="abacus", target="akid_abacus.live:Abacus", requires=("akid-abacus[beads]",))]

        @hookimpl
        def akid_layer_builders():
            return [LayerBuilderInfo(name=name, backend="abacus", target="akid_abacus.live:build") for name in "ab"]
    """
    modules = {"akid_abacus/plugin.py": declares, "akid_abacus/live.py": "import beads_that_are_not_there"}
    make_dist("akid-abacus", modules=modules, entry_points={"abacus": "akid_abacus.plugin"})
    assert main(["plugins", "check", "abacus"]) == 1
    *failed, advice, count = capsys.readouterr().out.splitlines()
    assert len(failed) == 3
    assert all(line.endswith("No module named 'beads_that_are_not_there'.") for line in failed)
    assert advice == "Install what it needs: pip install 'akid-abacus[beads]'"
    assert count == "1 plugin, 3 components, 3 failures"


def test_listing_does_not_import_components() -> None:
    code = "from akid_core.cli.main import main\nassert main(['plugins']) == 0"
    modules = modules_after(code)
    assert found(modules) == []
    assert not any(name.startswith("akid_core.layers") for name in modules)


# --- output ---


def test_a_table_lines_up() -> None:
    assert table(("A", "LONG"), [("first", 1), ("b", "")]) == "A      LONG\nfirst  1\nb"
    assert table(("A",), []) == "A"


def test_json_is_one_line_that_every_reader_takes(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"loss": float("nan"), "values": [1.5, float("inf"), None, "ü"], 3: (True,)})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"loss": None, "values": [1.5, None, None, "ü"], "3": [True]}
