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
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, cast, get_args

from crossfare.errors import ConfigError
from crossfare.translate.alignment import Aligner, EncoderAligner, WordForWord
from crossfare.translate.attention import NAME as ATTENTION
from crossfare.translate.attention import Attends, AttentionAligner
from crossfare.translate.engines.markup import marker_pairs
from crossfare.translate.markers import Markers
from crossfare.translate.projection.cascade import SURE, Cascade
from crossfare.translate.projection.marked import MarkedCopies
from crossfare.translate.projection.projected import Found, Projected, Projector
from crossfare.translate.projection.tagged import TaggedCopies
from crossfare.translate.projection.unmarked import Search, WordAlignment
from crossfare.types import Engine

__all__ = [
    "ALIGNER",
    "ATTENTION",
    "METHODS",
    "Abilities",
    "Found",
    "Method",
    "Projected",
    "Projection",
    "Projector",
    "abilities",
    "default_projection",
]

Method = Literal["markers", "tags", "native", "align", "match", "cascade"]
METHODS: tuple[Method, ...] = get_args(Method)
ALIGNER = "offline:e5-small"


@dataclass(frozen=True, slots=True)
class Projection:
    """How answers are carried into translated contexts.

    ``aligner``     what aligns words, where the method needs it: the reference of an encoder, "attention" for the
                    engine's own model, or an aligner
    ``threshold``   answers found with less confidence (0-1) are dropped
    ``consistent``  with markers: all questions of a paragraph share one translated context, as they do
                    with every other method, instead of each having that of its own marked copy
    ``sure``        a cascade tries no further way for answers found with this confidence

    Raises:
        ConfigError: there is no such method, or the threshold is not in 0-1.
    """

    method: Method
    aligner: str | Aligner = ALIGNER
    threshold: float = 0.0
    consistent: bool = False
    sure: float = SURE

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
        pair = abilities(engine).markers(markers) or Markers()
        match self.method:
            case "markers":
                return MarkedCopies(pair)
            case "tags" | "native":
                return TaggedCopies(pair, self.method)
            case "align":
                return WordAlignment(self._aligner(engine, source, target))
            case "match":
                return Search()
            case "cascade":
                tags = TaggedCopies(pair, "native") if abilities(engine).keeps_tags else None
                return Cascade(tags, self._aligner(engine, source, target), self.sure)

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
