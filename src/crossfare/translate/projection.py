"""Where answers come to lie in a translated context: six ways, one option, and which is taken unasked.

markers   the paper's: a copy of the context per answer, the answer between delimiters
tags      all answers of a paragraph in one copy, each between indexed tags
native    the same, through an engine that keeps tags itself (see `crossfare.translate.engines.markup`)
align     no marks: word alignment of the context with its translation
match     no marks: the answer is translated by itself, and searched for
cascade   tags, then alignment, then search, until one is sure enough
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, cast, get_args

from crossfare.errors import ConfigError
from crossfare.translate.alignment import Aligner, EncoderAligner, WordForWord
from crossfare.translate.attention import NAME as ATTENTION
from crossfare.translate.attention import Attends, AttentionAligner
from crossfare.translate.bitext import bitext
from crossfare.translate.engines.markup import marker_pairs
from crossfare.translate.marked import Marked, MarkedCopies, Projected, TaggedCopies, widened
from crossfare.translate.markers import Markers
from crossfare.translate.outcome import Failed, Lost
from crossfare.translate.segments import Plain, Segments
from crossfare.translate.sentences import Span
from crossfare.translate.spans import SURE_FORWARD, Asked, Found, Way, alike, by_alignment, carry
from crossfare.types import Answer, Engine, QAExample

Method = Literal["markers", "tags", "native", "align", "match", "cascade"]
METHODS: tuple[Method, ...] = get_args(Method)
RECOVERING: tuple[Method, ...] = ("align", "match", "cascade")


@dataclass(frozen=True, slots=True)
class Projection:
    """How answers are carried into translated contexts.

    ``aligner``     what aligns words, where the method needs it: the reference of any multilingual encoder that
                    `crossfare.pretrained` resolves, an aligner, or "attention" for the engine's own model
    ``threshold``   answers found with less confidence (0-1) are dropped
    ``consistent``  with markers: all questions of a paragraph share one translated context, as they do
                    with every other method, instead of each having that of its own marked copy
    ``sure``        a cascade tries no further way for answers found with this confidence

    Raises:
        ConfigError: there is no such method, or the threshold is not in 0-1.
    """

    method: Method
    aligner: str | Aligner = ATTENTION
    threshold: float = 0.0
    consistent: bool = False
    sure: float = SURE_FORWARD

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"no projection {self.method!r}; choose from {', '.join(METHODS)}")
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"projection threshold {self.threshold}: give a confidence from 0 to 1")

    @property
    def aligns(self) -> bool:
        """Whether an aligner is used."""
        return self.method in ("align", "cascade")

    @property
    def searches(self) -> bool:
        """Whether answers' own translations are searched for."""
        return self.method in ("match", "cascade")

    @property
    def shares_context(self) -> bool:
        """Whether all questions about a context get the same translation of it."""
        return self.consistent or self.method != "markers"

    @property
    def sends_later(self) -> bool:
        """Whether more may be sent once the first translations are there: answers, by themselves."""
        return self.method == "cascade"

    def rehearsed(self, *, searching: bool = False) -> Projection:
        """The same for an engine that gives every text back: no encoder is needed.

        With such an engine every answer is found at once. ``searching`` has a cascade go through all of its
        ways for every answer all the same: what it sends then is the most that it can send.
        """
        return replace(self, aligner=WordForWord(), sure=math.inf if searching else self.sure)

    def projector(self, engine: Engine, markers: Markers | None, *, source: str, target: str) -> Projector:
        """Make what does it for one direction; an encoder is loaded when it is first needed.

        Raises:
            ConfigError: the engine does not keep tags, has no attention to align by, or there is no such aligner.
        """
        self.check(engine)
        able = abilities(engine)
        pair = able.markers(markers) or Markers()
        marking: Marking | None = None
        if self.method == "markers":
            marking = partial(MarkedCopies.of, markers=pair)
        elif self.method in ("tags", "native") or (self.method == "cascade" and able.keeps_tags):
            marking = partial(TaggedCopies.of, markers=pair, way="tags" if self.method == "tags" else "native")
        aligner = self._aligner(engine, source, target) if self.aligns else None
        return Projector(marking, aligner, self.searches, self.sure)

    def check(self, engine: Engine) -> None:
        """Say whether an engine can do what is asked of it.

        Raises:
            ConfigError: it does not keep tags, or has no attention to align by.
        """
        if self.method == "native" and not abilities(engine).keeps_tags:
            raise ConfigError(f"engine {engine.name!r} does not keep tags by itself: choose another projection")
        if self.aligns and self.aligner == ATTENTION and not isinstance(engine, Attends):
            raise ConfigError(
                f"engine {engine.name!r} has no attention to align by, only ctranslate2 has: name an encoder as aligner"
            )

    def _aligner(self, engine: Engine, source: str, target: str) -> Aligner:
        if self.aligner != ATTENTION:
            return self.load_aligner()
        return AttentionAligner(partial(cast("Attends", engine).cross_attention, source=source, target=target))

    def load_aligner(self) -> Aligner:
        """Return an aligner that needs no engine.

        Raises:
            ConfigError: there is no such model, or it is an engine's.
        """
        if self.aligner == ATTENTION:
            raise ConfigError(
                "aligner 'attention' is that of an engine, and nothing is translated here: name an encoder"
            )
        return EncoderAligner(self.aligner) if isinstance(self.aligner, str) else self.aligner

    def unsure(self, found: Found) -> Failed | None:
        """Why what was found is not taken, if it is found with less confidence than asked for."""
        if found.confidence >= self.threshold:
            return None
        return Failed(f"found by {found.way} with a confidence of {found.confidence:.2f}", found.answer.text)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an engine can do for answers: keep tags round what they enclose, and say what its model attends to.

    ``marked_by_tags`` says that tags such as <a> and </a> are the markers that it keeps, where others are text to it,
    which it may translate.
    """

    keeps_tags: bool = False
    attends: bool = False
    marked_by_tags: bool = False

    def markers(self, given: Markers | None) -> Markers | None:
        """The markers to send for those that were ``given``: tags, where nothing else would come back."""
        if given is None or not self.marked_by_tags or marker_pairs(given.wrap("x", 0, 1)):
            return given
        return Markers()


def abilities(engine: Engine) -> Abilities:
    """What an engine says it can do."""
    keeps_tags = getattr(engine, "tag_handling", None) is not None
    return Abilities(keeps_tags, isinstance(engine, Attends), bool(getattr(engine, "marked_by_tags", keeps_tags)))


def default_projection(able: Abilities, *, aligner: str | None = None, markers_named: bool = False) -> Projection:
    """What is done where nobody chose: what won on parallel data with gold spans (docs/span-projection.md).

    The cascade wherever there is something to align with, an encoder at hand or else the engine's own
    model; tags where the engine keeps them; the paper's delimiters where there is none of these, or where
    they were named: a model may have been tuned to them.
    """
    if markers_named:
        return Projection("markers")
    if aligner is not None or able.attends:
        return Projection("cascade", aligner or ATTENTION)
    return Projection("native" if able.keeps_tags else "markers")


Marking = Callable[[str, Mapping[Answer, Span], Segments], Marked]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A context with its distinct answers, less their outer blanks, and why others are none.

    It is sent ``marked``, or as it is, and with it the answers that are searched for at once (``alone``).
    """

    plain: Plain
    answers: dict[Answer, Span]
    failures: dict[Answer, Failed]
    marked: Marked | None
    alone: tuple[Plain, ...]

    def segments(self) -> Iterator[str]:
        """What is sent in the first round."""
        for part in (self.marked,) if self.marked else (self.plain, *self.alone):
            yield from part.segments()

    def unmarked(self, segments: Segments) -> Projected:
        """The context translated as it is, with no answer found yet; without a translation every answer fails."""
        try:
            parallel = self.plain.assemble(segments)
        except Failed as failed:
            return Projected(failures={answer: failed.about(answer) for answer in self.answers})
        return Projected(parallel.target, parallel)


@dataclass(frozen=True, slots=True)
class Projector:
    """Carries answers into translated contexts: by marks that are sent, by word alignment, by searching for them.

    Tags that are text to an engine spoil its translation, for alignment too: before alignment only those are sent that
    it keeps. A later way is tried, and paid for, only for the answers of which none before it was ``sure``; of what was
    found the most confident counts. A paragraph that has no translation with tags is translated without.
    """

    marking: Marking | None = None
    aligner: Aligner | None = None
    searching: bool = False
    sure: float = SURE_FORWARD

    def paragraph(self, context: str, answers: Iterable[Answer], segments: Segments) -> Paragraph:
        """Prepare a paragraph with its distinct answers."""
        spans, failures = cores(context, answers)
        marked = self.marking(context, spans, segments) if self.marking else None
        at_once = self.searching and not marked and not self.aligner
        alone = tuple(segments.plain(context[slice(*span)]) for span in spans.values()) if at_once else ()
        return Paragraph(segments.plain(context), spans, failures, marked, alone)

    def project(self, paragraphs: Sequence[Paragraph], segments: Segments) -> list[Projected]:
        """Find the answers of all paragraphs once their segments are translated."""
        made = [each.marked.assemble(segments) if each.marked else Projected() for each in paragraphs]
        if self.aligner or self.searching:
            untagged = [number for number, each in enumerate(made) if each.parallel is None]
            segments.fetch(segment for number in untagged for segment in paragraphs[number].plain.segments())
            for number in untagged:
                made[number] = paragraphs[number].unmarked(segments)
            self._carry(paragraphs, made, segments)
        for paragraph, each in zip(paragraphs, made, strict=True):
            each.failures |= paragraph.failures
        return made

    def _carry(self, paragraphs: Sequence[Paragraph], made: Sequence[Projected], segments: Segments) -> None:
        """Find what marks leave open."""
        open_ = [
            (each, answer, Asked.of(each.parallel, span))
            for paragraph, each in zip(paragraphs, made, strict=True)
            if each.parallel
            for answer, span in paragraph.answers.items()
        ]
        ways: list[Way] = [partial(by_alignment, aligner=self.aligner)] if self.aligner else []
        if self.searching:
            ways.append(lambda asked: _by_search(asked, segments))
        before = [each.found.get(answer) for each, answer, _ in open_]
        after = carry([asked for *_, asked in open_], ways, self.sure, before)
        for (each, answer, _), known, best in zip(open_, before, after, strict=True):
            if isinstance(best, Failed):
                each.failures.setdefault(answer, best.about(answer))
            elif best is not known:
                each.found[answer] = _widened(answer, each.context, best)
                each.failures.pop(answer, None)


def _by_search(asked: Sequence[Asked], segments: Segments) -> list[Found | Failed]:
    """Find spans by the words most like their own translations."""
    made: list[Found | Failed] = []
    for each, text in zip(asked, segments.fetch_whole(each.wording for each in asked), strict=True):
        try:
            made.append(alike(each, text.assemble(segments).target, "match"))
        except Failed as failed:
            made.append(failed)
    return made


def _widened(answer: Answer, context: str, found: Found) -> Found:
    start = found.answer.start
    return replace(found, answer=widened(answer, context, (start, start + len(found.answer.text))))


def cores(context: str, answers: Iterable[Answer]) -> tuple[dict[Answer, Span], dict[Answer, Failed]]:
    """The spans of answers without their outer blanks; why others have none: not where they say, or blank."""
    spans: dict[Answer, Span] = {}
    failures: dict[Answer, Failed] = {}
    for answer in answers:
        text = answer.text.strip()
        if answer.start < 0 or context[answer.start : answer.start + len(answer.text)] != answer.text:
            reason = f"the answer {answer.text!r} does not stand at {answer.start} in its context"
            failures[answer] = Failed(reason, answer.text)
        elif not text:
            failures[answer] = Failed("the answer is blank", answer.text)
        else:
            start = answer.start + len(answer.text) - len(answer.text.lstrip())
            spans[answer] = start, start + len(text)
    return spans, failures


@dataclass(frozen=True, slots=True)
class ProjectedAnswer:
    """Which method found an answer of an example in its translated context, and how sure it was (0-1)."""

    id: str
    text: str
    start: int
    method: str
    confidence: float

    @classmethod
    def of(cls, example: str, found: Found) -> ProjectedAnswer:
        """How an answer of an example, given by its id, was found."""
        place = found.answer
        return cls(example, place.text, place.start, found.way, found.confidence)


def recover_answers(
    pairs: Sequence[tuple[QAExample, QAExample]], projection: Projection
) -> tuple[list[QAExample], list[ProjectedAnswer], list[Lost]]:
    """Place answers that an existing translation has lost: translated by themselves, they are not in its contexts.

    Nothing is translated again.

    Args:
        pairs: an original example, and its translation, the text of whose (first) answer stands nowhere in it.
        projection: by alignment with the original, by searching for the answer's text, or a cascade:
            the search counts where the alignment is not sure and the search is surer.

    Returns:
        The examples with their answer in place, how each was found, and those that stay lost.

    Raises:
        ConfigError: the projection would need a translation.
    """
    if projection.method not in RECOVERING:
        raise ConfigError(f"projection {projection.method!r} needs an engine; choose from {', '.join(RECOVERING)}")
    ways: list[Way] = [partial(by_alignment, aligner=projection.load_aligner())] if projection.aligns else []
    if projection.searches:
        ways.append(lambda asked: [alike(each, each.translation, "match") for each in asked])
    answers = [cores(original.context, original.answers[:1]) for original, _ in pairs]
    asked = [
        Asked.of(bitext(original.context, made.context), span, made.answers[0].text)
        for (original, made), (spans, _) in zip(pairs, answers, strict=True)
        for span in spans.values()
    ]
    carried = iter(carry(asked, ways, projection.sure))
    recovered: list[QAExample] = []
    explained: list[ProjectedAnswer] = []
    lost: list[Lost] = []
    for (original, translated), (_, failures) in zip(pairs, answers, strict=True):
        answer = original.answers[0]
        best = failures.get(answer) or next(carried)
        if isinstance(best, Found):
            best = _widened(answer, translated.context, best)
            best = projection.unsure(best) or best
        if isinstance(best, Failed):
            lost.append(best.of(translated.id))
        else:
            recovered.append(replace(translated, answers=(best.answer,)))
            explained.append(ProjectedAnswer.of(translated.id, best))
    return recovered, explained, lost
