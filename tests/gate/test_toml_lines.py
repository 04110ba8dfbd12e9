"""The line of every setting, however the document is written."""

import tomllib
from collections.abc import Iterator

import pytest
from fakes.proofs import tried
from hypothesis import given
from hypothesis import strategies as st

from gatewright.gate.toml_lines import Lines

TRICKY = '''\
# a comment with [brackets] and = signs
top = 1
"quoted key" = 2 # [not.a.table]
'literal "key"' = 3
dotted . "a.b" . 'c' = 4

[table]
text = """
[not.a.table]
key = "no" \\""" still
""" # ends here
literal = \'\'\'
[nor.this]
\'\'\'
quotes = """"a quote at both ends""""
array = [
  "one", # with ] in a comment
  [2, 3],
  { inner = "x]", "d.e" = [
    4,
  ] },
]
inline = { a = 1, b.c = "}", d = { e = [] } }
after = true

[table.sub . "x y"]
key = 1979-05-27T07:32:00Z

[[list]]
name = "first"
[list.more]
deep = 1

[[list]]
name = "second"
[[list.more]]
deep = 2
[[list.more]]
deep = 3
'''

EXPECTED = {
    ("top",): 2,
    ("quoted key",): 3,
    ('literal "key"',): 4,
    ("dotted",): 5,
    ("dotted", "a.b"): 5,
    ("dotted", "a.b", "c"): 5,
    ("table",): 7,
    ("table", "text"): 8,
    ("table", "literal"): 12,
    ("table", "quotes"): 15,
    ("table", "array"): 16,
    ("table", "array", 0): 17,
    ("table", "array", 1): 18,
    ("table", "array", 1, 1): 18,
    ("table", "array", 2): 19,
    ("table", "array", 2, "inner"): 19,
    ("table", "array", 2, "d.e"): 19,
    ("table", "array", 2, "d.e", 0): 20,
    ("table", "inline"): 23,
    ("table", "inline", "a"): 23,
    ("table", "inline", "b", "c"): 23,
    ("table", "inline", "d", "e"): 23,
    ("table", "after"): 24,
    ("table", "sub", "x y"): 26,
    ("table", "sub", "x y", "key"): 27,
    ("list",): 29,
    ("list", 0): 29,
    ("list", 0, "name"): 30,
    ("list", 0, "more"): 31,
    ("list", 0, "more", "deep"): 32,
    ("list", 1): 34,
    ("list", 1, "name"): 35,
    ("list", 1, "more"): 36,
    ("list", 1, "more", 0, "deep"): 37,
    ("list", 1, "more", 1): 38,
    ("list", 1, "more", 1, "deep"): 39,
}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("path", EXPECTED, ids=str)
def test_every_way_to_write_a_setting_has_its_line(path: tuple[str | int, ...], ending: str) -> None:
    assert Lines(TRICKY.replace("\n", ending)).of(path) == EXPECTED[path]


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        yield from paths(inner, (*path, key))


def test_the_scanner_finds_what_tomllib_reads_and_nothing_else() -> None:
    assert set(Lines(TRICKY)._lines) == set(paths(tomllib.loads(TRICKY)))


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    lines = Lines(TRICKY)
    assert lines.of(("table", "missing")) == 7
    assert lines.of(("list", 1, "more", 0, "missing", "deeper")) == 36
    assert lines.of(("missing",)) == 1
    assert lines.of(()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# only",
        "a=1",
        "a='''x'''''",
        'a="""x\\\\"""',
        'a="\\\\"',
        "a={}",
        "a=[]",
        "[a]",
        "[[a]]",
        "a=[[],[]]",
    ],
)
def test_short_documents_end_where_they_end(text: str) -> None:
    assert set(Lines(text)._lines) == set(paths(tomllib.loads(text)))


PIECES = st.sampled_from(
    [
        "a",
        "b",
        '"c.d"',
        ".",
        " = ",
        "1",
        '"x"',
        "'y'",
        '"""',
        "'''",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        ",",
        "\n",
        "#",
        "\\",
        " ",
    ]
)


@tried(400)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_whatever_tomllib_reads_is_located(text: str) -> None:
    """And what it does not read is never scanned."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(Lines(text)._lines) == set(paths(document))


VALUES = st.recursive(
    st.sampled_from(["1", "true", '"a # b"', "'[x]'", '"""\n[y]\n"""', "'''\n= '''", "1.5e3", "1979-05-27"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ",\n".join(items) + "]")
        | st.dictionaries(st.sampled_from(["k", '"q.r"', "s.t"]), inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"{key} = {value}" for key, value in items.items()) + "}"
        )
    ),
    max_leaves=8,
)


@tried(200)
@given(st.lists(VALUES, max_size=5))
def test_a_setting_after_any_values_has_its_line(values: list[str]) -> None:
    text = "".join(f"k{number} = {value}\n" for number, value in enumerate(values))
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # one key twice in an inline table
        return
    lines = Lines(f"{text}last = 1\n")
    assert lines.of(("last",)) == text.count("\n") + 1
    assert set(paths(document)) | {("last",)} == set(lines._lines)


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("\n\na = 1", ("a",), 3),
        ("# x", ("a",), 1),
        ("#\na = 1", ("a",), 2),
        ("a = 1\n#\n#\nb = 1", ("b",), 4),
        ('a = """\n\\\\"""\nb = 1', ("b",), 3),
        ('a = "\\""\nb = 1', ("b",), 2),
        ("[[a]]\n[[a]]\nb = 1", ("a", 1, "b"), 3),
        ("[[a]] # [[a]]\nb = 1", ("a", 0, "b"), 2),
        ("[a]#b\nc = 1", ("a", "c"), 2),
        ("a = 1 # c = 2\nX = 1", ("X",), 2),
        ("X = 1\nY = [X]".replace("[X]", '["X"]'), ("Y", 0), 2),
    ],
)
def test_lines_of_small_documents(text: str, path: tuple[str | int, ...], line: int) -> None:
    assert Lines(text).of(path) == line
