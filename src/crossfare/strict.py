"""The one reader of YAML and JSON that others wrote: plain values come out, or one line says what is wrong.

Whatever cannot be kept, compared or written again is refused where it is read: a key that stands twice, text that is
not Unicode, NaN and infinity, whole numbers beyond 64 bits, and nesting deeper than `DEEPEST`. YAML is read by the core
schema of YAML 1.2: only true and false are truth values ("no" is Norwegian), 1e-3 is a number, a date is text. Tags,
merge keys, several documents and NUL characters are refused, and so are repetitions (*x) that add up to more than a
file may hold.
"""

from __future__ import annotations

import copy
import json
import re
import stat
from collections.abc import Iterator
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import yaml

from crossfare.errors import ConfigError, CrossfareError, DataError

DEEPEST = 64
"""How many lists and objects may stand in each other."""

_LARGEST_YAML = 1 << 18  # specs and price files have a few KiB; YAML is read at about 100 KiB a second
_LARGEST_JSON = 1 << 28
_INTEGER_DIGITS = 20  # as many as 64 bits and a sign need

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class _Refused(Exception):
    """What is wrong, what to do about it, and in which line and column (from 1) if that is known."""

    def __init__(self, what: str, todo: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(what)
        self.what, self.todo = what, todo
        self.place = (f", line {line}" if line else "") + (f", column {column}" if column else "")


def read_yaml(path: Path, *, error: type[CrossfareError] = ConfigError, todo: str = "") -> Any:
    """Read a YAML file; an empty one is None.

    ``todo`` says what to do about a bad file, in place of what the reader would say.

    Raises:
        CrossfareError: an ``error``: the file cannot be read, or as `parse_yaml`.
    """
    return parse_yaml(_read(path, _LARGEST_YAML, error, todo), str(path), error=error, todo=todo)


def parse_yaml(text: str | bytes, where: str, *, error: type[CrossfareError] = ConfigError, todo: str = "") -> Any:
    """Read YAML; ``where`` names it in the message.

    Raises:
        CrossfareError: an ``error``, in one line: it is no YAML, or holds what the module says is refused.
    """
    try:
        _check_size(len(text), _LARGEST_YAML)
        return _Document(_text(text)).value()
    except _Refused as refused:
        raise _told(refused, where, error, todo) from None


def dump_yaml(value: Any) -> str:
    """Write plain values as YAML that `parse_yaml` reads back as they are (and a YAML 1.1 reader, too)."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


def read_text(path: Path, *, error: type[CrossfareError] = DataError, todo: str = "") -> str:
    """Read a UTF-8 file without its byte order mark; ``todo`` as in `read_yaml`.

    Raises:
        CrossfareError: an ``error``: the file cannot be read, is no UTF-8 or larger than any of its kind.
    """
    raw = _read(path, _LARGEST_JSON, error, todo)
    try:
        return _text(raw)
    except _Refused as refused:
        raise _told(refused, str(path), error, todo) from None


def read_json(path: Path, *, error: type[CrossfareError] = DataError, todo: str = "") -> Any:
    """Read a JSON file; ``todo`` as in `read_yaml`.

    Raises:
        CrossfareError: an ``error``: the file cannot be read, or as `parse_json`.
    """
    return parse_json(_read(path, _LARGEST_JSON, error, todo), str(path), error=error, todo=todo)


def parse_json(text: str | bytes, where: str, *, error: type[CrossfareError] = DataError, todo: str = "") -> Any:
    """Read JSON; ``where`` names it in the message, which never repeats its texts.

    Raises:
        CrossfareError: an ``error``, in one line: it is no JSON, or holds what the module says is refused.
    """
    try:
        return _json(_text(text))
    except _Refused as refused:
        raise _told(refused, where, error, todo) from None


def _told(refused: _Refused, where: str, error: type[CrossfareError], todo: str) -> CrossfareError:
    return error(f"{where}{refused.place}: {refused.what}; {todo or refused.todo}")


def _read(path: Path, largest: int, error: type[CrossfareError], todo: str) -> bytes:
    try:
        with path.open("rb") as file:
            if stat.S_ISCHR(path.stat().st_mode):
                raise _Refused("is a device, not a file", "give the path of a file")
            raw = file.read(largest + 1)
        _check_size(len(raw), largest)
    except (OSError, ValueError) as problem:  # a NUL in a path is a ValueError
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error(f"{path}: cannot be read ({reason}); {todo or 'check the path'}") from problem
    except _Refused as refused:
        raise _told(refused, str(path), error, todo) from None
    return raw


def _check_size(size: int, largest: int) -> None:
    if size > largest:
        raise _Refused(f"larger than {largest >> 10:,} KiB", "check that it is the right file")


def _text(given: str | bytes) -> str:
    """The text of a file, without its byte order mark."""
    if isinstance(given, str):
        found = None if given.isascii() else _SURROGATE.search(given)
        if found:
            raise _no_unicode(found, "text", given.count("\n", 0, found.start()) + 1)
        return given.removeprefix("\ufeff")
    try:
        return given.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = given.count(b"\n", 0, error.start) + 1
        byte = f"not UTF-8 (byte {given[error.start]:#04x} at offset {error.start})"
        raise _Refused(byte, "convert the file to UTF-8", line) from None


def _no_unicode(found: re.Match[str], where: str, line: int | None = None) -> _Refused:
    what = f"{where} holds the lone surrogate {found[0]!a} at offset {found.start()}, which is not valid Unicode"
    return _Refused(what, "correct the text", line)


def _integer(text: str, line: int | None = None, base: int = 10) -> int:
    if len(text) <= _INTEGER_DIGITS and -(1 << 63) <= (value := int(text, base)) < 1 << 63:
        return value
    raise _Refused(f"holds a whole number of {len(text):,} digits", "write a smaller one, or a text in quotes", line)


def _float(text: str, line: int | None = None) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise _Refused("holds a number too large for a computer", "write a smaller one", line)
    return value


def _not_finite(text: str, line: int | None = None) -> float:
    raise _Refused(f"holds {text}, which is no number", "write a finite number, or leave it out", line)


def _twice(key: str, line: int | None = None) -> _Refused:
    return _Refused(f"the key {_quoted(key)} stands twice", "keep one of them", line)


def _quoted(name: str) -> str:
    return repr(name if len(name) <= 60 else f"{name[:59]}…")


# --------------------------------------------------------------------------------------------------- JSON


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        raise _twice(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return made


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_not_finite
)


def _json(text: str) -> Any:
    """Read JSON at the speed of C: what is looked at again is only what a count of brackets or a search points to."""
    try:
        value = _DECODER.decode(text)
    except JSONDecodeError as error:
        line = error.lineno if "\n" in text.rstrip() else None  # where a text is one line, the caller says which
        todo = "correct it or fetch the file again"
        raise _Refused(f"broken JSON ({error.msg})", todo, line, error.colno) from None
    except RecursionError:
        raise _too_deep() from None
    if text.count("[") + text.count("{") > DEEPEST:
        _check_depth(value)
    if _SURROGATE_ESCAPE.search(text):
        _check_unicode(value, "")
    return value


def _too_deep(line: int | None = None) -> _Refused:
    return _Refused(f"nested more than {DEEPEST} deep", "check that it is the right file", line)


def _check_depth(value: Any) -> None:
    level: list[Any] = [[value]]
    for _ in range(DEEPEST + 1):
        parts = (node.values() if type(node) is dict else node for node in level)
        level = [part for each in parts for part in each if type(part) is dict or type(part) is list]
        if not level:
            return
    raise _too_deep()


def _parts(node: Any) -> Any:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def _check_unicode(value: Any, path: str) -> None:
    if isinstance(value, str):
        found = _SURROGATE.search(value)
        if found:
            raise _no_unicode(found, path or "the text")
    elif isinstance(value, dict):
        for key, part in value.items():
            _check_unicode(key, f"a key of {path or 'the object'}")
            _check_unicode(part, f"{path}.{key}" if path else _quoted(key)[1:-1])
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _check_unicode(part, f"{path}[{number}]")


def _nodes(value: Any) -> Iterator[Any]:
    """The value and all that is in it, keys as well."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, dict):
            yield from node
        waiting.extend(_parts(node))


# --------------------------------------------------------------------------------------------------- YAML


class _Document:
    """The one document of a text, made from the parser's events, which come without recursion."""

    def __init__(self, text: str) -> None:
        self._events = yaml.parse(text, Loader=yaml.SafeLoader)
        self._named: dict[str, Any] = {}
        self._repeated = 0

    def value(self) -> Any:
        try:
            return self._document()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = f"not valid YAML ({error.problem or error.context})"
            raise _Refused(what, "correct it", mark.line + 1 if mark else None) from None
        except yaml.reader.ReaderError as error:
            what = f"not valid YAML (the character U+{error.character:04X} is not allowed)"
            raise _Refused(what, "take it away, or write it as an escape in quotes") from None
        except (ValueError, OverflowError):  # an escape beyond Unicode, a version of thousands of digits
            raise _Refused("not valid YAML (an escape or a directive that means nothing)", "correct it") from None

    def _document(self) -> Any:
        made = None
        for number, event in enumerate(self._of(yaml.DocumentStartEvent)):
            if number:
                raise _Refused("holds more than one document", "keep one, without ---", _line(event))
            made = self._node(next(self._events), 0)
        _check_depth(made)  # what is repeated brought its own depth
        return made

    def _of(self, kind: type[yaml.Event]) -> Iterator[Any]:
        return (event for event in self._events if isinstance(event, kind))

    def _node(self, event: Any, depth: int) -> Any:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            return self._again(event.anchor or "", line)
        if event.tag not in {None, "!"}:
            raise _Refused(f"the tag {_quoted(event.tag)} is not read", "leave it out; put text in quotes", line)
        if depth >= DEEPEST and not isinstance(event, yaml.ScalarEvent):
            raise _too_deep(line)
        made = self._made(event, depth, line)
        if event.anchor:
            self._named[event.anchor] = made
        return made

    def _made(self, event: Any, depth: int, line: int) -> Any:
        if isinstance(event, yaml.SequenceStartEvent):
            return [self._node(item, depth + 1) for item in self._until(yaml.SequenceEndEvent)]
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        value = _plain(event.value, line) if event.implicit[0] else event.value
        if isinstance(value, str):
            if "\0" in value:
                raise _Refused("holds a NUL character", "leave it out", line)
            if found := _SURROGATE.search(value):
                raise _no_unicode(found, "a text", line)
        return value

    def _until(self, end: type[yaml.Event]) -> Iterator[Any]:
        return iter(lambda: self._next_but(end), None)

    def _next_but(self, end: type[yaml.Event]) -> yaml.Event | None:
        event = next(self._events)
        return None if isinstance(event, end) else event

    def _mapping(self, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for event in self._until(yaml.MappingEndEvent):
            line = _line(event)
            key = self._node(event, depth + 1)
            if not isinstance(key, str):
                raise _Refused("a key is not text", "put it in quotes", line)
            if key in made:
                raise _twice(key, line)
            if key == "<<":
                raise _Refused("merge keys (<<) are not read", "write out what is needed", line)
            made[key] = self._node(next(self._events), depth + 1)
        return made

    def _again(self, name: str, line: int) -> Any:
        if name not in self._named:
            raise _Refused(f"*{_quoted(name)[1:-1]} stands for nothing that ends before it", "write it out", line)
        for part in _nodes(self._named[name]):
            self._repeated += 1 + (len(part) if isinstance(part, str) else 0)
            if self._repeated > _LARGEST_YAML:
                raise _Refused(f"repeats too much (*{_quoted(name)[1:-1]})", "write out what is needed", line)
        _check_depth(self._named[name])
        return copy.deepcopy(self._named[name])


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _plain(text: str, line: int) -> Any:
    """What an unquoted word means by the core schema of YAML 1.2."""
    if _NULL.fullmatch(text):
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.fullmatch(text):
        return _integer(text, line)
    if _BASED.fullmatch(text):
        return _integer(text[2:], line, 8 if text[1] == "o" else 16)
    if _FLOAT.fullmatch(text):
        return _float(text, line)
    return _not_finite(text, line) if _NOT_FINITE.fullmatch(text) else text


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what is text to YAML 1.1 and a number to YAML 1.2, such as 1e-3."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"(?:{_FLOAT.pattern})$"), list("-+.0123456789"))
_Dumper.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(f"(?:{_BASED.pattern})$"), ["0"])
