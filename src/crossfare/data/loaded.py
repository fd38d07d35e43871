"""What loading gives: the dataset, and a report that lists everything that was not taken as it stood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crossfare.types import Dataset, Example, QAExample

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Repair:
    """An answer found elsewhere than its ``answer_start`` said.

    ``text`` is the answer as the file gives it. ``normalised`` is True where it equals the
    context only in another spelling (Unicode form, white space, entities): the example then carries the context's
    own, because the text of a context is never changed.
    """

    id: str
    text: str
    given: int
    found: int
    normalised: bool = False


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """An answer whose text does not occur in its context."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class RankingReport:
    """What loading queries with their judgements, or triples, did; every item is listed.

    ``judgements``           those of the kept queries
    ``unknown_passages``     (query, passage) of judgements dropped because the collection has no such passage
    ``unknown_queries``      ids of judged queries that the file of queries does not have
    ``irrelevant``           ids of queries dropped because no relevant passage is left of what was judged for them
    ``repeated``             ids of queries given again with the same text, which count once
    ``repeated_judgements``  (query, passage) judged again with the same grade, which count once
    ``wordless``             ids of queries without a letter or digit, which are kept
    ``empty``                ids of triples with an empty passage, which are kept
    ``mended``               ids of examples in which mojibake was repaired, where that was asked for
    """

    judgements: int = 0
    unknown_passages: tuple[tuple[str, str], ...] = ()
    unknown_queries: tuple[str, ...] = ()
    irrelevant: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    repeated_judgements: tuple[tuple[str, str], ...] = ()
    wordless: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Lay it out as plain lines, empty ones for what did not happen."""
        unknown, repeated = (map(" ".join, pairs) for pairs in (self.unknown_passages, self.repeated_judgements))
        return [
            _line("judgements dropped, their passage is not in the collection", unknown),
            _line("judged queries that are not in the file of queries", self.unknown_queries),
            _line("queries dropped, no relevant passage is judged for them or left", self.irrelevant),
            _line("queries repeated with the same text, left out", self.repeated),
            _line("judgements repeated with the same grade, left out", repeated),
            _line("queries without a letter or digit, kept", self.wordless),
            _line("triples with an empty passage, kept", self.empty),
            _line("examples with mojibake, repaired", self.mended),
        ]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was read and what was done to it; every item is listed, none only counted.

    A format's reader fills in what it did; `load` adds ``source``, ``format``, ``kept``, ``selected``, ``answers``,
    ``duplicates``, ``unescaped`` and ``language_from``.

    ``read``             examples in the file, in the language asked for
    ``kept``             examples in the dataset before ``limit``; ``selected`` after it
    ``answers``          answers of the kept examples
    ``repaired``         answers whose start was wrong and whose text occurs
    ``lost``             answers whose text does not occur
    ``dropped``          ids of examples left without an answer because all of theirs were lost
    ``unanswerable``     ids of questions given without an answer (SQuAD 2.0), which are left out
    ``renamed``          (id in the file, id in the dataset) of examples whose id was already taken
    ``duplicates``       (id, id of the first example with the same content); both are kept
    ``unlabelled``       ids of examples without a label (MNLI's "-"); they are kept, with label None
    ``quoted``           ids of examples with a text in quotation marks that doubles those inside, as CSV does
    ``unescaped``        ids of examples in which HTML entities became characters, where that was asked for
    ``other_languages``  number of rows per language that were left out, as asked
    ``ignored``          keys of the file that examples have no place for
    ``language_from``    where the language was taken from: "given", "file", "file name" or "unknown"
    ``offsets``          what the offsets of answers count, where it is not code points ("UTF-8 bytes")
    ``ranking``          the same for ranking data, None for other tasks
    """

    source: str = ""
    format: str = ""
    read: int = 0
    kept: int = 0
    selected: int = 0
    answers: int = 0
    repaired: tuple[Repair, ...] = ()
    lost: tuple[LostAnswer, ...] = ()
    dropped: tuple[str, ...] = ()
    unanswerable: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    unlabelled: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()
    unescaped: tuple[str, ...] = ()
    other_languages: tuple[tuple[str, int], ...] = ()
    ignored: tuple[str, ...] = ()
    language_from: str = "given"
    offsets: str = ""
    ranking: RankingReport | None = None

    def summary(self) -> tuple[str, ...]:
        """Lay the report out as plain lines; what did not happen has no line."""
        lines = [
            f"{self.source}: {self.selected:,} of {self.read:,} examples, format {self.format}",
            f"offsets of answers count {self.offsets}, and were read so" if self.offsets else "",
            _line(
                "answers moved to where their text occurs",
                (
                    f"{r.id} ({r.given} -> {r.found})"
                    for r in self.repaired
                    if r.given >= 0 and (r.given != r.found or not r.normalised)
                ),
            ),
            _line(
                "answers without an offset, taken where their text first occurs",
                (r.id for r in self.repaired if r.given < 0),
            ),
            _line("answers that take the spelling of their context", (r.id for r in self.repaired if r.normalised)),
            _line("answers whose text does not occur in the context", (x.id for x in self.lost)),
            _line("examples dropped, all their answers lost", self.dropped),
            _line("questions without an answer, left out", self.unanswerable),
            _line("repeated ids, renamed", map(" -> ".join, self.renamed)),
            _line("examples with the content of an earlier one, kept", map(" = ".join, self.duplicates)),
            _line("examples without a label", self.unlabelled),
            _line("texts quoted as CSV does, taken as they stand (if a tool did that, save as .csv)", self.quoted),
            _line("examples with HTML entities, unescaped", self.unescaped),
            _line("other languages left out", (f"{name}: {n:,} rows" for name, n in self.other_languages)),
            _line("keys of the file not carried over", self.ignored),
            *(self.ranking.lines() if self.ranking else ()),
        ]
        return tuple(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A dataset and how it was read; of a format's reader, with "" for what the file does not say of the dataset.

    ``unplaced`` are the examples dropped because none of their answers occurs: the answers have the
    start -1. Where they are in a translation can still be found (`crossfare.translate.recover_answers`).
    """

    dataset: Dataset
    report: LoadReport
    unplaced: tuple[QAExample, ...] = ()


class UniqueIds:
    """Gives every example its own id: the second "7" becomes "7#2".

    Published files do repeat ids (3,607 times in TyDi QA GoldP), and predictions are joined on them.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}
        self.renamed: list[tuple[str, str]] = []

    def take(self, given: str) -> str:
        """Return ``given``, or the first free variant of it."""
        number = self._next.get(given, 1)
        chosen = given if number == 1 else f"{given}#{number}"
        while chosen in self._taken:
            number += 1
            chosen = f"{given}#{number}"
        self._next[given] = number + 1
        self._taken.add(chosen)
        if chosen != given:
            self.renamed.append((given, chosen))
        return chosen


def find_duplicates(examples: Sequence[Example]) -> tuple[tuple[str, str], ...]:
    """Pair each example with the first one of the same content: context and question, premise and hypothesis, texts."""
    first: dict[tuple[str, ...], str] = {}
    found = ((example.id, first.setdefault(example.texts, example.id)) for example in examples)
    return tuple((name, earlier) for name, earlier in found if name != earlier)


def _line(what: str, items: Iterable[str]) -> str:
    listed = tuple(items)
    if not listed:
        return ""
    more = f", ... ({len(listed) - _SHOWN:,} more)" if len(listed) > _SHOWN else ""
    return f"{what}: {len(listed):,}: {', '.join(listed[:_SHOWN])}{more}"
