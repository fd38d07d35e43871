"""ASSIN 1 and 2: XML, ``<pair entailment id similarity><t>..</t><h>..</h></pair>``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.parsers import expat
from xml.sax.saxutils import escape

from crossfare.data import nli
from crossfare.data.labelled import Record, build, labelled, told
from crossfare.data.loaded import Loaded
from crossfare.data.reading import NOTHING, FileReading
from crossfare.errors import DataError
from crossfare.types import Dataset

LAYOUT = nli.layout(
    "assin",
    "id",
    "t",
    "h",
    "entailment",
    labels={"Entailment": "entailment", "None": "neutral", "Paraphrase": "paraphrase"},
)


def read(text: str, where: str, language: str | None = None, *, reading: FileReading = NOTHING) -> Loaded:
    """Read ASSIN 1 or 2 XML. Document types and entities of one's own are refused."""
    del language
    return build(_Reader(where).read(text), where, told(LAYOUT, reading))


def write(dataset: Dataset) -> str:
    """Lay a dataset out as ASSIN XML; a pair without a label has no ``entailment`` attribute."""
    lines = ["<?xml version='1.0' encoding='utf-8'?>", "<entailment-corpus>"]
    for example in labelled(dataset, LAYOUT):
        label = {} if example.label is None else {LAYOUT.label: LAYOUT.native(example)}
        attributes = {**label, LAYOUT.id: example.id, **dict(example.extra)}
        _check_attributes(attributes, example.id)
        text = "".join(f' {key}="{_xml(value, example.id)}"' for key, value in attributes.items())
        lines.append(f"  <pair{text}>")
        lines.append(f"    <t>{_xml(example.premise, example.id)}</t>")
        lines.append(f"    <h>{_xml(example.hypothesis, example.id)}</h>")
        lines.append("  </pair>")
    return "\n".join([*lines, "</entailment-corpus>"]) + "\n"


class _Reader:
    """Collects pairs from the parser's events, which know their line."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.pairs: list[Record] = []
        self._attributes: dict[str, str] | None = None
        self._place = ""
        self._texts: dict[str, list[str]] = {}
        self._open: str | None = None
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def read(self, text: str) -> list[Record]:
        try:
            self._parser.Parse(text, True)
        except expat.ExpatError as error:
            raise DataError(
                f"{self.where}, line {error.lineno}: broken XML ({expat.ErrorString(error.code)}); "
                "correct it or fetch the file again"
            ) from error
        return self.pairs

    def _doctype(self, *_: object) -> None:
        raise self._error("document types and entities are not allowed; remove the DOCTYPE")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._open or (name == "pair" and self._attributes is not None):
            raise self._error(f"<{name}> stands inside <{self._open or 'pair'}>; close that first")
        if name == "pair":
            self._place = f"line {self._parser.CurrentLineNumber}"
            self._attributes, self._texts = attributes, {}
        elif name in LAYOUT.texts and self._attributes is not None:
            self._open = name
            self._texts[name] = []

    def _characters(self, data: str) -> None:
        if self._open:
            self._texts[self._open].append(data)

    def _end(self, name: str) -> None:
        if name == self._open:
            self._open = None
        elif name == "pair" and self._attributes is not None:
            self._check_complete(self._attributes)
            texts = {tag: "".join(parts) for tag, parts in self._texts.items()}
            self.pairs.append((self._place, {LAYOUT.label: None, **self._attributes, **texts}))
            self._attributes = None

    def _check_complete(self, attributes: dict[str, str]) -> None:
        missing = [f"<{tag}>" for tag in LAYOUT.texts if tag not in self._texts]
        missing += [] if LAYOUT.id in attributes else ["the attribute id"]
        if missing:
            raise DataError(f"{self.where}, {self._place}: the pair lacks {', '.join(missing)}; add it")

    def _error(self, what: str) -> DataError:
        return DataError(f"{self.where}, line {self._parser.CurrentLineNumber}: {what}")


# White space in attributes and carriage returns anywhere would not survive XML's own normalisation.
_XML_ENTITIES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def _check_attributes(attributes: Mapping[str, str], name: str) -> None:
    for key in attributes:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", key):
            raise DataError(f"example {name!r}: {key!r} cannot be an XML attribute; save as .jsonl")


def _xml(text: str, name: str) -> str:
    if found := _NOT_XML.search(text):
        raise DataError(f"example {name!r}: XML cannot hold the character {found[0]!a}; save as .jsonl")
    return escape(text, _XML_ENTITIES)
