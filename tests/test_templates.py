"""Templates: what comes out, where each part of it was written, what limits them, and what is wrong with one."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from akid_core.config.template import Template, is_file, is_template, read_variables
from akid_core.config.written import Piece, Text
from akid_core.config.yaml import parse
from akid_core.errors import ConfigurationError, UsageError

Write = Callable[..., Template]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write templates by name, and give the first."""
    monkeypatch.chdir(tmp_path)

    def write(text: str, **others: str) -> Template:
        for name, content in {"net": text, **others}.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml.j2"
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return Template.file("net.yaml.j2")

    return write


def error(template: Template, **variables: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        template.render(variables)
    return str(caught.value)


# --- what comes out ---


def test_lines_of_statements_leave_no_trace(write: Write) -> None:
    template = write(
        "{# about #}\n"
        "{% set n = n | default(2) %}\n"
        "blocks:\n"
        "  {% for i in range(n) %}\n"
        "  - relu{{ i }}\n"
        "  {# each #}\n"
        "  {% endfor %}\n"
        "end: 1\n"
    )
    assert template.render({}) == "blocks:\n  - relu0\n  - relu1\nend: 1\n"
    assert template.render({"n": 0}) == "blocks:\nend: 1\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1e-5, "1e-05"),
        (float("inf"), ".inf"),
        (float("-inf"), "-.inf"),
        ("a: b", "a: b"),
        ([1, None, "a b", "null", "x/y"], '[1, null, "a b", "null", x/y]'),
        ({"adam": {"beta1": 0.5, "on": False}}, "{adam: {beta1: 0.5, on: false}}"),
        (("0x1", "", 'a"b'), '["0x1", "", "a\\"b"]'),
    ],
)
def test_values_are_printed_as_yaml(value: object, text: str, write: Write) -> None:
    rendered = write("x: {{ value }}").render({"value": value})
    assert rendered == f"x: {text}"
    if not isinstance(value, str):
        assert parse(rendered)["x"] == (list(value) if isinstance(value, tuple) else value)


def test_text_in_a_template_is_text_as_any_other(write: Write) -> None:
    """Nothing that is noted of places shows in lengths, comparisons, filters or keys."""
    template = write(
        "{% set a %}\nab\n{{ 'c' }}\n{% endset %}"
        "{% macro m() %}ab\nc{% endmacro %}"
        "{{ a | length }} {{ a == 'ab\\nc\\n' }} {{ m() == 'ab\\nc' }} {{ {'ab\\nc': 1}[m()] }} {{ a | upper | trim }} "
        "{{ m() in ['ab\\nc'] }} {{ m()[1] }} {{ (m() ~ 1 ~ none) | length }} {{ m().split() | join('+') }}"
    )
    assert template.render({}) == "5 true true 1 AB\nC true b 9 ab+c"


def test_names_of_files_and_templates() -> None:
    assert [is_file(name) for name in ("net.yaml.j2", "net.yml.j2", "net.yml", "./net", "net", "net.j2")] == [
        True, True, True, True, False, True
    ]  # fmt: skip
    assert is_template("net.yml.j2")
    assert not is_template("net.yaml")


def test_variables_from_texts() -> None:
    assert read_variables(["depth=56", "rate=1e-3", "name=a=b", "list=[1, two]", "none="]) == {
        "depth": 56, "rate": 0.001, "name": "a=b", "list": [1, "two"], "none": None,
    }  # fmt: skip
    for text in ("depth", "=3", "2x=1", "a.b=1"):
        with pytest.raises(UsageError, match=f"--var {text}: write name=value, for example depth=56."):
            read_variables([text])


def test_variables_and_their_defaults(write: Write) -> None:
    template = write(
        "{% from 'macros.yaml.j2' import m %}{% include 'part.yaml.j2' %}\n"
        "{% set depth = depth | default(20) %}{% set wide = wide | d(['a', none]) %}{% set size = depth %}\n"
        "{{ m(rate) }} {{ other | default(depth * 2) }} {{ flag is defined }} "
        "{% for i in range(3) %}{{ i }}{% endfor %}",
        macros="{% macro m(x) %}{{ x }} {{ hidden }}{% endmacro %}",
        part="{{ deep }} {{ depth }} {{ size }}",
    )
    assert template.variables() == {
        "depth": "20", "wide": "[a, null]", "rate": None, "other": "…", "flag": None, "deep": None,
    }  # fmt: skip


def test_what_others_ship_and_what_lies_beside(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "shipping"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "a.yaml.j2").write_text("{% from 'b.yaml.j2' import b %}{% macro a() %}a{{ b() }}{% endmacro %}")
    (package / "b.yaml.j2").write_text("{% macro b() %}{{ none.x }}{% endmacro %}")
    monkeypatch.syspath_prepend(str(package.parent))
    template = write(
        "{% from 'shipping:a.yaml.j2' import a %}{% include 'deep/part.yaml.j2' %}{{ a() if ask }}",
        deep__part="{% include '../top.yaml.j2' %} {% include 'leaf.yaml.j2' %} ",
        deep__leaf="leaf",
        top="top",
    )
    assert template.render({"ask": False}) == "top leaf "
    assert (
        error(template, ask=True)
        == "shipping:b.yaml.j2, line 1 (from net.yaml.j2, line 1): 'None' has no attribute 'x'."
    )


def test_a_folder_called_akid_hides_nothing(write: Write, tmp_path: Path) -> None:
    write("", akid__part="x: {{ nothing }}", akid__net="{% include 'part.yaml.j2' %}")
    assert error(Template.file("akid/net.yaml.j2")).startswith(
        "akid/part.yaml.j2, line 1 (from akid/net.yaml.j2, line 1): "
    )


def test_inheritance(write: Write) -> None:
    template = write(
        "{% extends 'base.yaml.j2' %}\n{% block end %}\n{{ super() }}y: {{ none.x if ask }}\n{% endblock %}\n",
        base="x: {{ a }}\n{% block end %}\nend: 1\n{% endblock %}\n",
    )
    assert template.render({"a": 2, "ask": False}) == "x: 2\nend: 1\ny: \n"
    assert parse(template.render({"a": 2, "ask": False})).places == {
        "x": "base.yaml.j2, line 1",
        "end": "base.yaml.j2, line 3 (from net.yaml.j2, line 3)",
        "y": "net.yaml.j2, line 3",
    }
    assert error(template, a=2, ask=True).startswith("net.yaml.j2, line 3 (from line 1): 'None' has no")


# --- places ---


def places(template: Template, **variables: Any) -> list[str]:
    """The places of the items of the list `x`."""
    return list(parse(template.render(variables), "net")["x"].places)


def test_places_of_loops_macros_and_includes(write: Write) -> None:
    template = write(
        "{% from 'macros.yaml.j2' import two %}\n"  # 1
        "x:\n"
        "{% for i in range(2) %}\n"  # 3
        "  - {{ i }}\n"
        "{% endfor %}\n"  # 5
        "  {{ two() | indent(2) }}\n"
        "{% include 'part.yaml.j2' %}\n"  # 7
        "{% if true -%}\n"
        "\n"
        "{{ '  ' }}- last\n"  # 10
        "{%- endif %}\n"
        "\n"
        "  {{ '- very\n  - last' }}\n",  # 13
        macros="\n{% macro two() %}\n- a\n\n- b\n{%- endmacro %}",
        part="\n\n  - part\n",
    )
    assert places(template) == [
        "net.yaml.j2, line 4",
        "net.yaml.j2, line 4",
        "macros.yaml.j2, line 3 (from net.yaml.j2, line 6)",
        "macros.yaml.j2, line 5 (from net.yaml.j2, line 6)",
        "part.yaml.j2, line 3",
        "net.yaml.j2, line 10",
        "net.yaml.j2, line 13",
        "net.yaml.j2, line 13",
    ]


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        ("{{ m() }}", (2, 3)),
        ("{{ m() | trim }}", (2, 3)),
        ("{{ m() | upper }}", (2, 3)),
        ("{{ m() | replace('a', 'bcd') }}", (2, 3)),
        ("{{ m() ~ '' }}", (2, 3)),
        ("{{ '' + m() }}", (2, 3)),
        ("{{ [m(), ''] | first }}", (2, 3)),
        ("{% filter indent(0) %}{{ m() }}{% endfilter %}", (2, 3)),
        ("{% set kept %}{{ m() }}{% endset %}{{ kept }}", (2, 3)),
        ("{% call n() %}{{ m() }}{% endcall %}", (2, 3)),
        ("{{ m().replace('a', 'b') }}", (5, 5)),  # a plain text again, so from where it is printed
        ("{{ [m()] | join }}", (5, 5)),
    ],
)
def test_places_stay_with_the_text(printed: str, lines: tuple[int, int], write: Write) -> None:
    template = write(
        "{% macro m() %}\n- a\n- a\n{% endmacro %}{% macro n() %}{{ caller() }}{% endmacro %}x:\n" + printed + "\n"
    )
    assert [int(place.partition("line ")[2].split()[0]) for place in places(template)] == list(lines)


def test_text_cut_and_put_together() -> None:
    whole = Text.join_all([Text("a\nb\n", [Piece(4, "f", 7, runs=True)]), "cd", Text("e", [Piece(1, "g", 1)])])
    assert [whole.place(index) for index in range(7)] == [
        "f, line 7", "f, line 7", "f, line 8", "f, line 8", "f, line 8", "f, line 8", "g, line 1",
    ]  # fmt: skip
    assert whole.cut(2, 5) == "b\nc"
    assert [(piece.length, piece.file, piece.line) for piece in whole.cut(2, 5).pieces] == [(2, "f", 8), (1, "", 0)]
    assert str(whole.put("h", 3).pieces[0]) == "f, line 7 (from h, line 3)"
    assert whole.put("h", 3).place(4) == "h, line 3"
    assert Text("").place(0) == "line 1"
    assert sum(piece.length for piece in Text("a\n", [Piece(2, "f", 1)]).changed("  a\n  ").pieces) == 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "a: 1\n{% for i in range(2) %}\nb: {{ i }}\n{% endfor %}\n",
            "net.yaml.j2, line 3: the key 'b' stands here for",
        ),
        ("a: 1\n\n{{ 'b: [' }}\n", "net.yaml.j2, line 3: this is not YAML: "),
        ("{% set x = 1 %}\na: 1\n  b: 2\n", "net.yaml.j2, line 3: this is not YAML: "),
        ("{% set x = 1 %}\n\n3: 1\n", "net.yaml.j2, line 3: a key must be text, got 3"),
        ("{% set x = 1 %}\na: !tag 3\n", "net.yaml.j2, line 2: the tag !tag has no meaning here"),
    ],
)
def test_what_yaml_says_names_the_line_of_the_template(text: str, said: str, write: Write) -> None:
    rendered = write(text).render({})
    with pytest.raises(ConfigurationError) as caught:
        parse(rendered, "net.yaml.j2")
    assert str(caught.value).startswith(said)


# --- errors ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n{% for i in %}\n", "net.yaml.j2, line 2: Expected an expression, got 'end of statement block'."),
        ("a: 1\n{{ b \n", "net.yaml.j2, line 2: unexpected end of template, expected 'end of print statement'."),
        ("\n{% if 1 %}\n", "net.yaml.j2, line 2: Unexpected end of template."),
        ("\n{{ 1 | defalt(2) }}", "net.yaml.j2, line 2: there is no filter 'defalt'. Did you mean 'default'?"),
        ("\n{{ 1 is defned }}", "net.yaml.j2, line 2: there is no test 'defned'. Did you mean 'defined'?"),
        ("\n\n{{ 1 // 0 }}", "net.yaml.j2, line 3: integer division or modulo by zero."),
        ("\n\n{{ 1 + 'a' }}", "net.yaml.j2, line 3: unsupported operand type(s) for +: 'int' and 'str'."),
        ("\n{{ fail('depth is odd') }}", "net.yaml.j2, line 2: depth is odd."),
        ("\n{{ {}.x }}", "net.yaml.j2, line 2: the mapping has no key 'x'. It has none."),
        ("{{ {'size': 1}.sise }}", "the mapping has no key 'sise'. Did you mean 'size'? It has size."),
        ("{{ [1, 2][2] }}", "net.yaml.j2, line 1: the list has no '2'; it has 2 items, counted from 0."),
        ("{% for i in range('two') %}{% endfor %}", "line 1: range takes whole numbers, got 'two'."),
        ("{% for i in range(layers) %}{% endfor %}", "line 1: 'layers' is undefined. Give it with --var layers=…"),
        ("\n{{ ''.__class__ }}", "net.yaml.j2, line 2: access to attribute '__class__' of 'str' object is unsafe."),
        ("\n{% include 'prt.yaml.j2' %}", "line 2: there is no template prt.yaml.j2. Did you mean 'part.yaml.j2'?"),
        ("{% include 'akid/block.yaml.j2' %}", "no template akid/block.yaml.j2. Did you mean 'blocks.yaml.j2'?"),
        ("{% include 'nobody:x.j2' %}", "line 1: there is no template nobody:x.j2. A name is that of a file"),
        (
            "{% macro m(a, size) %}{% endmacro %}\n{{ m(1, sise=2) }}",
            "net.yaml.j2, line 2: the macro m has no argument 'sise'. Did you mean 'size'? It has a, size.",
        ),
        ("{% from 'part.yaml.j2' import pat %}\n{{ pat() }}", "part.yaml.j2 has no macro 'pat'. Did you mean 'part'?"),
        ("{% import 'part.yaml.j2' as p %}\n{{ p.pat() }}", "line 2: the imported template has no macro 'pat'."),
        ("{% for i in [1] %}" * 21 + "{% endfor %}" * 21, "net.yaml.j2: too many statically nested blocks: nest"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "net.yaml.j2: templates include each other, or"),
        (
            "{% macro m(a) %}\n{{ a }}{% endmacro %}\n{{ m() }}",
            "net.yaml.j2, line 2 (from line 3): parameter 'a' was not provided.",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_line(text: str, said: str, write: Write) -> None:
    assert said in error(write(text, part="{% macro _p() %}{% endmacro %}{% macro part() %}{% endmacro %}"))


def test_an_undefined_variable(write: Write) -> None:
    template = write(
        "{% set depth = depth | default(3) %}{% set width = 2 %}\n\n{{ depht if ask }}{% include 'part.yaml.j2' %}",
        part="{% from 'macros.yaml.j2' import m %}\n{{ m() if other }}{{ wide }}",
        macros="{% macro m() %}{{ depth }}{% endmacro %}",
    )
    assert error(template, ask=True, other=False) == (
        "net.yaml.j2, line 3: 'depht' is undefined. Did you mean 'depth'? Give it with --var depht=…, or give it a "
        "default here: {% set depht = depht | default(…) %}."
    )
    assert error(template, ask=False, other=False).startswith(
        "part.yaml.j2, line 2 (from net.yaml.j2, line 3): 'wide' is undefined. Did you mean 'width'? Give it with "
    )
    assert error(template, ask=False, other=True).endswith(
        "'depth' is undefined. A macro of another file sees its arguments alone."
    )
    passed = write("{% from 'm.yaml.j2' import m %}{{ m(wide) }}", m="{% macro m(x) %}{{ x }}{% endmacro %}")
    assert "--var wide=…" in error(passed)


def test_a_variable_that_the_template_does_not_have(write: Write) -> None:
    template = write("{{ depth }}{% set n = 3 %}{{ n }}")
    with pytest.raises(UsageError, match="net.yaml.j2 has no variable 'depht'. Did you mean 'depth'\\? It has depth."):
        template.render({"depht": 3})
    with pytest.raises(UsageError, match="net.yaml.j2 has no variable 'n'. It has depth."):
        template.render({"depth": 3, "n": 3})
    assert write("{% set x = 'part.yaml.j2' %}{% include x %}", part="{{ a }}").render({"a": 1}) == "1"


def test_what_is_wrong_in_another_file_hides_nothing(write: Write) -> None:
    template = write("{{ first }}{% include 'part.yaml.j2' %}", part="\n{% if %}")
    assert (
        error(template, first=1, second=2)
        == "part.yaml.j2, line 2: Expected an expression, got 'end of statement block'."
    )
    assert error(template).startswith("net.yaml.j2, line 1: 'first' is undefined. Give it with --var first=…")


def test_files_that_cannot_be_read(write: Write, tmp_path: Path) -> None:
    write("{% include 'bad.yaml.j2' %}")
    (tmp_path / "bad.yaml.j2").write_bytes(b"\xff")
    assert error(Template.file("net.yaml.j2")).startswith("bad.yaml.j2 is not text in UTF-8: ")
    assert error(Template.file("nt.yaml.j2")) == "nt.yaml.j2 cannot be read: No such file or directory."
    assert error(Template.file("./bad.yaml.j2")).startswith("./bad.yaml.j2 is not text in UTF-8: ")
    with pytest.raises(
        ConfigurationError, match="net.yaml.j2: templates include each other, or expressions are nested"
    ):
        write("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}").variables()
    with pytest.raises(ConfigurationError, match="nt.yaml.j2 cannot be read: No such file or directory."):
        Template.file("nt.yaml.j2").variables()


# --- what would not end ---

NESTED = "".join(f"{{% for i{depth} in range(9999) %}}\n" for depth in range(6)) + "{% endfor %}" * 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NESTED, "net.yaml.j2, line 6: loops and calls took more than 100,000 steps: does this end?"),
        ("{% for i in range(99999) if false %}{% endfor %}" * 2, "loops and calls took more than 100,000 steps"),
        ("\n{% for i in range(10 ** 9) %}{% endfor %}", "line 2: range(1000000000) has more than 100,000 numbers."),
        ("\n{% macro m() %}\n{{ m() }}{% endmacro %}{{ m() }}", "line 3: macros or recursive loops call each other"),
        (
            "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
            "net.yaml.j2, line 1: loops and calls took more than 100,000 steps",
        ),
        ("\n{% for x in [[]] recursive %}{{ loop([x]) }}{% endfor %}", "macros or recursive loops call each other"),
        ("\n{% include 'net.yaml.j2' %}", "net.yaml.j2, line 2: templates include each other, or"),
        ("{% for i in range(99) %}\n{{ 'x' * 99999 }}\n{% endfor %}", "this grows beyond 1,000,000 characters"),
        ("\n{{ 'x' * 10 ** 9 }}", "line 2: this grows beyond 1,000,000 characters, items or bits"),
        ("\n{{ [1] * 10 ** 9 }}", "line 2: this grows beyond 1,000,000 characters, items or bits"),
        ("\n{{ 9 ** (10 ** 9) }}", "line 2: this grows beyond 1,000,000 characters, items or bits"),
        ("{% set n = namespace(x=9) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}", "this grows"),
        ("{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}", "this grows"),
        ("{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}", "this grows"),
        ("{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}", "this grows"),
        (
            "{% set n = namespace(x='a') %}{% for i in range(99) %}\n"
            "{% set n.x = n.x | replace('a', 'aa') %}{% endfor %}",
            "net.yaml.j2, line 2: this grows beyond",
        ),
        (
            "{% set n = namespace(x='a') %}{% for i in range(99) %}\n"
            "{% set n.x = n.x.replace('a', 'aa') %}{% endfor %}",
            "net.yaml.j2, line 2: this grows beyond",
        ),
    ],
)  # fmt: skip
def test_what_would_not_end_is_stopped(text: str, said: str, write: Write) -> None:
    assert said in error(write(text))


@pytest.mark.parametrize(
    "text",
    [
        '{{ "%2000000000d" % 1 }}',
        '{{ "%.2000000000f" % 1 }}',
        '{{ "%*d" % (2000000000, 3) }}',
        '{{ "{:>3000000000}".format(3) }}',
        '{{ "x".center(3000000000) }}',
        '{{ "x" | center(3000000000) }}',
    ],
)
def test_wide_texts_are_refused_before_they_are_made(text: str, tmp_path: Path) -> None:
    file = tmp_path / "wide.yaml.j2"
    file.write_text(f"akid: 1\nbackend: {text}\n")
    tracemalloc.start()
    try:
        with pytest.raises(ConfigurationError, match=r"wide\.yaml\.j2, line 2: this grows beyond 1,000,000"):
            Template.file(str(file)).render({})
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_large_numbers_are_no_widths(tmp_path: Path) -> None:
    file = tmp_path / "numbers.yaml.j2"
    file.write_text(
        'a: {{ "%s" % 5000000000 }} {{ "{}".format(7000000) }} {{ 9000000 % 8000000 }} {{ "2000000"|int }}\n'
    )
    assert str(Template.file(str(file)).render({})).strip() == "a: 5000000000 7000000 1000000 2000000"
