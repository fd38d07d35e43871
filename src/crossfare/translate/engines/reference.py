"""Existing parallel text as an engine: translations by people, or by a service that is not called again.

It stands in for a commercial API where none can be reached: the texts are given, the characters are
counted as an API bills them (markers included), and the ledger prices them at the API's list price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Protocol

from crossfare.languages.codes import find_code, named, offers
from crossfare.translate.markers import Markers, wrap_all
from crossfare.translate.outcome import ExplainedTranslation
from crossfare.translate.sentences import Granularity, Span
from crossfare.types import Usage, digest

VERSION = 1


class AlignedText(Protocol):
    """One text in several languages, with spans that correspond, in code points."""

    @property
    def texts(self) -> Mapping[str, str]:
        """The text by language."""

    @property
    def spans(self) -> Sequence[Mapping[str, tuple[int, int]]]:
        """Corresponding parts, each by language."""


class ReferenceEngine:
    """Look texts up in ``entries``; a text that is not there is None.

    A text may carry marked spans, each between a numbered variant of the markers. It is translated with
    the markers round the aligned spans; a pair whose span is not aligned is lost, and the text with the last of them.

    Args:
        entries: the parallel text: single sentences and whole contexts. Read when something is first translated.
        revision: what identifies that text; a hash of all of it by default, for which it must be read.
        markers: the pair to look for; its numbered variants are found too.
        name: how specs, tables and prices call the engine.
        label: how tables explain it.
        codes: what the parallel text calls a language, by its tag.
    """

    billing = "characters"
    tag_handling = "xml"

    def __init__(
        self,
        entries: Iterable[AlignedText],
        *,
        revision: str | None = None,
        markers: Markers | None = None,
        name: str = "reference",
        label: str = "reference translation, priced as a commercial API",
        granularity: Granularity = "document",
        codes: Mapping[str, str] | None = None,
    ) -> None:
        self._codes = named(codes or {})
        self._given = entries
        self._revision = revision
        self._markers = markers or Markers()
        self._index: dict[str, dict[str, list[AlignedText]]] = {}
        self.name = name
        self.label = label
        self.granularity: Granularity = granularity

    @property
    def revision(self) -> str:
        """What the translations depend on."""
        own = {"codes": self._codes} if self._codes else {}
        if self._revision is not None:
            return digest({"version": VERSION, "revision": self._revision, **own})
        content = [[dict(entry.texts), [dict(span) for span in entry.spans]] for entry in self._entries]
        return digest({"version": VERSION, "entries": content, **own})

    @cached_property
    def _entries(self) -> tuple[AlignedText, ...]:
        return tuple(self._given)

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> ExplainedTranslation:
        """Return the known translations; each text counts as one request."""
        translations: list[str | None] = []
        failures: dict[int, str] = {}
        read, written = self._called(source, reading=True), self._called(target)
        for index, text in enumerate(texts):
            try:
                translations.append(self._one(text, read, written) if text.strip() else text)
            except KeyError as unknown:
                translations.append(None)
                failures[index] = str(unknown.args[0])
        usage = Usage(seconds=0.0, requests=len(texts), characters=sum(map(len, texts)))
        return ExplainedTranslation(tuple(translations), usage, failures)

    @cached_property
    def _offered(self) -> dict[str, str]:
        """The languages of the text."""
        return offers({language for entry in self._entries for language in entry.texts})

    def _called(self, tag: str, *, reading: bool = False) -> str:
        """What the text calls a language; where it has none such, nothing will be found."""
        return find_code(tag, self._offered, self._codes, reading=reading) or tag

    def _one(self, text: str, source: str, target: str) -> str:
        entries = self._known(source)
        for entry in entries.get(text, ()):
            if target in entry.texts:
                return entry.texts[target]
        plain, marked = self._markers.unwrap_all(text)
        known = [entry for entry in entries.get(plain, ()) if target in entry.texts]
        if not marked or not known:
            raise KeyError(f"not in the parallel text ({source} to {target})")
        entry, aligned = max(((entry, _aligned(entry, marked, source, target)) for entry in known), key=_places)
        if not aligned:
            raise KeyError("the marked part is not aligned in the parallel text")
        return wrap_all(entry.texts[target], aligned)

    def _known(self, language: str) -> dict[str, list[AlignedText]]:
        if language not in self._index:
            index: dict[str, list[AlignedText]] = {}
            for entry in self._entries:
                if language in entry.texts:
                    index.setdefault(entry.texts[language], []).append(entry)
            self._index[language] = index
        return self._index[language]


def _aligned(entry: AlignedText, marked: Mapping[Markers, Span], source: str, target: str) -> dict[Markers, Span]:
    """Where what is marked lies in the translation; what the parallel text does not align is left out."""
    by_span = {span[source]: span[target] for span in entry.spans if source in span and target in span}
    return {pair: by_span[span] for pair, span in marked.items() if span in by_span}


def _places(found: tuple[AlignedText, Mapping[Markers, Span]]) -> int:
    return len(found[1])
