"""The YAML reader: plain data with places, and a refusal at file:line:column for everything else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sfsync.config.yaml_reader import MAX_BYTES, parse_yaml, read_yaml
from sfsync.errors import ConfigError


def refusal(text: str | bytes):
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "file.yml")
    return [(p.line, p.column, p.message) for p in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1", 1),
        ("-3", -3),
        ("1.5", 1.5),
        (".5", 0.5),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("007", "007"),
        ("006000000000001", "006000000000001"),
        ("500000000000001", "500000000000001"),
        ("5003000000000e2", "5003000000000e2"),
        ("1e5", "1e5"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-31", "2026-01-31"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("=", "="),
    ],
)
def test_an_unquoted_word_is_text_unless_it_is_plainly_a_number_a_truth_value_or_nothing(written, read):
    value = parse_yaml(f"key: {written}", "file.yml").data["key"]
    assert value == read
    assert type(value) is type(read)


def test_keys_are_always_text_as_written():
    data = parse_yaml("{1: a, true: b, null: c, 007: d, on: e, 2026-01-31: f}", "file.yml").data
    assert list(data) == ["1", "true", "null", "007", "on", "2026-01-31"]


def test_every_value_and_key_has_its_place():
    document = parse_yaml("a: 1\nb:\n  - x\n  - {c: 'y', d: z}\n", "file.yml")
    assert document.place("a") == (1, 4)
    assert document.place("a", key=True) == (1, 1)
    assert document.place("b", 0) == (3, 5)
    assert document.place("b", 1, "c") == (4, 9)
    assert document.place("b", 1, "d", key=True) == (4, 14)


def test_a_place_the_file_lacks_is_the_place_of_what_is_around_it():
    document = parse_yaml("a:\n  b: 1\n", "file.yml")
    assert document.place("a", "missing") == document.place("a")
    assert document.place("nothing", "at", "all") == (1, 1)
    assert document.place("a", "no-such-step", "b") == (2, 6)


def test_columns_count_characters_not_bytes():
    document = parse_yaml("{é😀: 1, b: 2}", "file.yml")
    assert document.place("b") == (1, 12)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("filter: Email = 'x' AND Nmae = 1", (1, 25)),
        ('filter: "Email = 1 AND Nmae = 1"', (1, 24)),
        ("filter: |\n  Email = 1\n  AND Nmae = 1\n", (3, 7)),
        ("deep:\n  filter: |-\n      Email = 1\n      AND Nmae = 1\n", (4, 11)),
    ],
)
def test_a_place_inside_a_text_is_found_in_the_file(text, at):
    document = parse_yaml(text, "file.yml")
    keys = ("filter",) if "deep" not in document.data else ("deep", "filter")
    value = document.data["filter"] if "deep" not in document.data else document.data["deep"]["filter"]
    before = value[: value.index("Nmae")]
    row, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert document.place_in_text(keys, row, column) == at


@pytest.mark.parametrize(
    "text", ["filter: >\n  Email = 1\n  AND Nmae = 1\n", 'filter: "Email = \\u0041 AND Nmae"', "filter: a\n  b Nmae"]
)
def test_a_place_inside_a_folded_or_escaped_text_is_at_least_its_beginning(text):
    document = parse_yaml(text, "file.yml")
    assert document.place_in_text(("filter",), 1, 12) == (1, 9)
    assert document.place_in_text(("filter",), None, None) == (1, 9)
    assert document.place_in_text(("filter",), 99, 1) == (1, 9)


def test_duplicate_keys_are_refused_at_the_second_one_all_of_them():
    assert refusal("a: 1\nb: 2\na: 3\nb:\n  c: 1\n  c: 2\n") == [
        (3, 1, "`a` is given twice"),
        (4, 1, "`b` is given twice"),
        (6, 3, "`c` is given twice"),
    ]


def test_objects_cannot_be_built():
    (problem,) = refusal("a: !!python/object/apply:os.system ['echo hacked']")
    assert problem == (1, 4, "tags (`!name`) are not read")
    assert refusal("a: !!binary aGFja2Vk")[0][:2] == (1, 4)
    assert refusal("!!set {a: }")[0][:2] == (1, 1)


def test_a_billion_laughs_are_not_funny():
    lines = ['a0: &a0 ["lol"]'] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    found = refusal("\n".join(lines))
    assert {message for _, _, message in found} == {"anchors (`&name`) are not read", "aliases (`*name`) are not read"}
    assert found[0] == (1, 5, "anchors (`&name`) are not read")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [1, 2", 1, 4),
        ("a: {b: 1", 1, 4),
        ("a: 'never closed\nb: 1\n", 1, 4),
        ("a: b: c", 1, 5),
        ("a: 1\n\tb: 2", 2, 1),
        ("a:\n\t- b", 2, 1),
        ("a: 1\n  b: 2", 2, 4),
        ("a: @b", 1, 4),
        ("a: %b", 1, 4),
        ("a: `b`", 1, 4),
        ("a: ,", 1, 4),
        ('a: "\\q"', 1, 5),
        ("a: b\nc", 2, 1),
        ("- a\nb: 1", 2, 1),
        ("%YAML 9\n---\na: 1", 1, 8),
        ("a: 1\n---\nb: 1", 2, 1),
        ("[a]: 1", 1, 1),
        ("{a: {b: 1}: 2}", 1, 1),
        ("a: " + "[" * 5000, 1, 43),
        ("a: " + "{b: " * 5000, 1, 160),
    ],
)
def test_what_is_not_yaml_is_refused_where_it_can_be_mended(text, line, column):
    assert refusal(text)[0][:2] == (line, column)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("---\n", "the file is empty"),
        ("- a\n- b\n", "the file holds a list, not a block of `key: value` lines"),
        ("just text", "the file holds a single value, not a block of `key: value` lines"),
    ],
)
def test_a_file_that_is_no_block_is_refused(text, message):
    assert refusal(text) == [(1, 1, message)]


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"a: 1\nb: caf\xe9\n", 2, 7),
        (b"a: \x00", 1, 4),
        (b"a: 1\nb: \x1b[31mred", 2, 4),
        ("a: 1".encode("utf-16"), 1, 1),
        ("a: 1".encode("utf-32"), 1, 1),
        ("a: \ufeffb".encode(), 1, 4),
        (b'a: "\\0"', 1, 4),
        (b"a: 1\n" + b"#" * MAX_BYTES, 1, 1),
    ],
)
def test_bytes_that_are_no_clean_utf_8_text_are_refused(content, line, column):
    assert refusal(content)[0][:2] == (line, column)


def test_a_byte_order_mark_of_a_windows_editor_changes_nothing():
    document = parse_yaml(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "file.yml")
    assert document.data == {"a": 1, "b": 2}
    assert document.place("a", key=True) == (1, 1)
    assert document.place("b") == (2, 4)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.yml: there is no such file"):
        read_yaml(tmp_path / "gone.yml", "gone.yml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


FRAGMENTS = st.sampled_from(
    [
        *"ab1[]{},'\"#%@\\~=\n\t\r\x00\x85\u2028\ufeffé😀",
        "b: ",
        "- ",
        "? ",
        ": ",
        "  ",
        "&x ",
        "*x",
        "!t ",
        "|\n",
        ">-\n",
        "---\n",
        "...\n",
        "\r\n",
        "<<: ",
    ]
)


@given(st.lists(FRAGMENTS, max_size=40).map("".join))
@example("{a: b}: c")
@example("? [a]\n: b")
@example("a: &x\n")
@example("a: |\n")
def test_any_text_is_read_or_refused_at_a_line_inside_the_file(text):
    problems = ()
    try:
        document = parse_yaml(text, "file.yml")
    except ConfigError as error:
        problems = error.problems
    assert problems or isinstance(document.data, dict)
    for problem in problems:
        assert 1 <= problem.line <= text.count("\n") + 1
        assert 1 <= problem.column <= len(text) + 1


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content):
    problems = ()
    try:
        parse_yaml(content, "file.yml")
    except ConfigError as error:
        problems = error.problems
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)
