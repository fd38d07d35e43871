"""The strict reader: what people write is read, what nobody can use is refused in one line."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from crossfare.errors import ConfigError, DataError, StaleArtifact
from crossfare.strict import DEEPEST, dump_yaml, parse_json, parse_yaml, read_json, read_yaml

CHAIN = "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 400))
BOMB = 'a0: &a0 ["x", "x"]\n' + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))

BAD_YAML = {
    "twice": ("a: 1\nb: 2\na: 3", "line 3: the key 'a' stands twice"),
    "twice within": ("a: {b: 1, b: 2}", "line 1: the key 'b' stands twice"),
    "bomb": (BOMB, "repeats too much"),
    "text bomb": (f"a: &a {'x' * 3000}\nb: [{', '.join(['*a'] * 1000)}]", r"repeats too much \(\*a\)"),
    "chain": (f"a0: &a0 [x]\n{CHAIN}", f"nested more than {DEEPEST} deep"),
    "recursive": ("a: &a\n  b: *a", r"\*a stands for nothing that ends before it"),
    "merge": ("a: &a {b: 1}\nc: {<<: *a}", "line 2: merge keys"),
    "python": ("!!python/object/apply:os.system ['true']", "the tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
    "tagged number": ("a: !!int x", "line 1: the tag"),
    "tagged key": ("a: 1\n!!timestamp x: 2", "line 2: the tag"),
    "documents": ("a: 1\n---\nb: 2", "line 2: holds more than one document"),
    "utf-16": ("a: 1".encode("utf-16"), "line 1: not UTF-8"),
    "latin-1": ("a: 1\nb: é".encode("latin-1"), r"line 2: not UTF-8 \(byte 0xe9 at offset 8\)"),
    "nan": ("a: .nan", "holds .nan, which is no number"),
    "infinity": ("a: -.inf", "holds -.inf"),
    "beyond floats": ("a: 1e999", "a number too large"),
    "digits": (f"a: {'9' * 5000}", "a whole number of 5,000 digits"),
    "beyond 64 bits": (f"a: {1 << 63}", "a whole number of 19 digits"),
    "hexadecimal": ("a: 0x10000000000000000", "a whole number of 17 digits"),
    "surrogate": (r'a: "\ud800"', r"lone surrogate '\\ud800'"),
    "surrogate key": (r'"\udfff": 1', "lone surrogate"),
    "nul": (r'a: "x\0"', "a NUL character"),
    "raw nul": ("a: \0", "a NUL character|U.0000"),
    "escape beyond unicode": (r'a: "\UFFFFFFFF"', "not valid YAML"),
    "control": ("a: \x1b[2J", r"the character U\+001B is not allowed"),
    "number as key": ("1: 2", "a key is not text"),
    "list as key": ("[a, b]: 2", "a key is not text"),
    "nothing as key": ("~: 2", "a key is not text"),
    "deep": ("a: " + "[" * 3000, f"nested more than {DEEPEST} deep"),
    "deep by lines": ("\n".join(" " * i + "a:" for i in range(300)), f"nested more than {DEEPEST} deep"),
    "deep list": ("- " * 10_000 + "x", f"nested more than {DEEPEST} deep"),
    "unclosed": ("a: [1, 2", r"not valid YAML \("),
    "tab": ("a:\n\tb: 1", r"line 2: not valid YAML \("),
    "directive": (f"%YAML {'9' * 5000}.1\n---\na: 1", "not valid YAML"),
    "large": ("a: " + "x" * (1 << 18), "larger than 256 KiB"),
}

BAD_JSON = {
    "twice": ('{"a": {"b": 1, "c": 2, "b": 3}}', "the key 'b' stands twice"),
    "nan": ("[NaN]", "holds NaN, which is no number"),
    "infinity": ("[-Infinity]", "holds -Infinity"),
    "beyond floats": ("[1e999]", "a number too large"),
    "digits": (f"[{'9' * 5000}]", "a whole number of 5,000 digits"),
    "beyond 64 bits": (f"[{-(1 << 63) - 1}]", "a whole number of 20 digits"),
    "surrogate": (r'{"a": [1, "xy\ud800"]}', r"a\[1\] holds the lone surrogate '\\ud800' at offset 2"),
    "surrogate in the wrong order": (r'["\ude00\ud83d"]', "lone surrogate"),
    "surrogate key": (r'{"a": [{"\uDFFF": 1}]}', "a key of a.0. holds the lone surrogate"),
    "raw surrogate": ('["\ud800"]', "lone surrogate"),
    "deep": ("[" * 100_000, "nested more than 64 deep|broken JSON"),
    "deep and whole": ("[" * 900 + "]" * 900, "nested more than 64 deep"),
    "deep objects": ('{"a":' * 70 + "1" + "}" * 70, "nested more than 64 deep"),
    "utf-16": ("[1]".encode("utf-16"), "not UTF-8"),
    "cut short": ('[\n{"a": 1,', r"line 2, column 9: broken JSON \(Expecting"),
    "nothing": ("", "column 1: broken JSON"),
    "two": ("1 2", r"column 3: broken JSON \(Extra data\)"),
}


@pytest.mark.parametrize(("text", "told"), BAD_YAML.values(), ids=BAD_YAML)
def test_yaml_that_nobody_can_use_is_refused_in_one_line(text: str | bytes, told: str) -> None:
    started = time.monotonic()
    with pytest.raises(ConfigError, match=told) as caught:
        parse_yaml(text, "my.yaml")
    message = str(caught.value)
    assert message.startswith("my.yaml")
    assert "\n" not in message
    assert len(message) < 250
    assert message.isprintable()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(("text", "told"), BAD_JSON.values(), ids=BAD_JSON)
def test_json_that_nobody_can_use_is_refused_in_one_line(text: str | bytes, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        parse_json(text, "my.json, line 3")
    message = str(caught.value)
    assert message.startswith("my.json, line 3")
    assert "\n" not in message
    assert len(message) < 250
    assert message.isprintable()


def test_yaml_means_what_people_write() -> None:
    text = """
    language: no
    countries: [no, NO, on, y]
    rates: [1e-3, 2.0e-5, 5E-5, .5, 1., -3]
    whole: [12, -1, +1, 0o17, 0x1F, 012]
    truth: [true, False]
    nothing: [~, null, ]
    day: 2025-02-30
    clock: 12:30
    large: 1_000
    "12": quoted
    note: &note the same text
    again: *note
    list: &list [{a: b}]
    lists: [*list, *list]
    """
    assert parse_yaml(text, "x") == {
        "language": "no",
        "countries": ["no", "NO", "on", "y"],
        "rates": [1e-3, 2e-5, 5e-5, 0.5, 1.0, -3],
        "whole": [12, -1, 1, 15, 31, 12],
        "truth": [True, False],
        "nothing": [None, None],
        "day": "2025-02-30",
        "clock": "12:30",
        "large": "1_000",
        "12": "quoted",
        "note": "the same text",
        "again": "the same text",
        "list": [{"a": "b"}],
        "lists": [[{"a": "b"}], [{"a": "b"}]],
    }


def test_what_is_repeated_is_copied() -> None:
    read = parse_yaml("a: &a [1]\nb: *a", "x")
    read["b"].append(2)
    assert read == {"a": [1], "b": [1, 2]}


def test_written_yaml_reads_as_it_was() -> None:
    words = ["1e-3", "no", "0o17", "0x1F", "09", "~", "null", "2020-01-01", ".5", ".inf", "1_000", "<<", "=", "", "*a"]
    value = {"words": words, "numbers": [1e-5, 12, -3.5, True, None], "texts": ["a\x1b[0m\u202e", "ção\n", "😀"]}
    assert parse_yaml(dump_yaml(value), "x") == value
    shared = [1]
    assert "&" not in dump_yaml([shared, shared])


def test_json_reads_what_json_holds() -> None:
    text = r'{"a": [1, -2.5e3, true, null, "\ud83d\ude00 \u0000 \\ud800 é", {}, []], "é": 9223372036854775807}'
    for given in (text, text.encode(), b"\xef\xbb\xbf" + text.encode(), "\ufeff" + text):
        assert parse_json(given, "x") == json.loads(text)


def test_an_empty_yaml_file_is_nothing() -> None:
    assert parse_yaml("", "x") is None
    assert parse_yaml("# a remark\n", "x") is None


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for read, error in ((read_yaml, ConfigError), (read_json, DataError)):
        for path in (tmp_path / "missing", tmp_path, Path("/dev/zero"), tmp_path / ("x" * 300), tmp_path / "a\0b"):
            with pytest.raises(error, match=r"^[^\n]*; [^\n]*$") as caught:
                read(path)  # type: ignore[operator]
            assert str(path) in str(caught.value)


def test_the_caller_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    path.write_text('{"a": NaN}')
    with pytest.raises(StaleArtifact, match=r"usage\.json: holds NaN, which is no number; delete it$"):
        read_json(path, error=StaleArtifact, todo="delete it")
    path.unlink()
    with pytest.raises(StaleArtifact, match=r"cannot be read .*; delete it$"):
        read_json(path, error=StaleArtifact, todo="delete it")


def test_the_deepest_is_the_same_for_both() -> None:
    deepest, deeper = "[" * DEEPEST + "1" + "]" * DEEPEST, "[" * (DEEPEST + 1) + "1" + "]" * (DEEPEST + 1)
    assert parse_json(deepest, "x") == parse_yaml(deepest, "x")
    for parse, error in ((parse_json, DataError), (parse_yaml, ConfigError)):
        with pytest.raises(error, match="nested more than"):
            parse(deeper, "x")
