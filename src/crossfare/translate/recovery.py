"""Answers that an existing translation has lost: translated by themselves, they do not occur in its contexts.

The contexts and the answers' own translations are there, and so is the original: what a projection
needs. Nothing is translated again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from crossfare.errors import ConfigError
from crossfare.translate.alignment import Link
from crossfare.translate.outcome import Lost
from crossfare.translate.pieces import Failed
from crossfare.translate.projection import Projection
from crossfare.translate.projection.cascade import SURE
from crossfare.translate.projection.projected import Found, Parallel, Segment, core
from crossfare.translate.projection.unmarked import align, by_alignment, by_search
from crossfare.translate.questions import ProjectedAnswer
from crossfare.types import QAExample

RECOVERING = ("align", "match", "cascade")


def recover_answers(
    pairs: Sequence[tuple[QAExample, QAExample]], projection: Projection
) -> tuple[list[QAExample], list[ProjectedAnswer], list[Lost]]:
    """Place the first answer of each translated example in its context.

    Args:
        pairs: an original example, and its translation, whose answer's text stands nowhere in it.
        projection: by alignment with the original, by searching for the answer's text, or a cascade:
            the search counts where the alignment is not sure and the search is surer.

    Returns:
        The examples with their answer in place, how each was found, and those that stay lost.

    Raises:
        ConfigError: the projection would need a translation.
    """
    if projection.method not in RECOVERING:
        raise ConfigError(f"projection {projection.method!r} needs an engine; choose from {', '.join(RECOVERING)}")
    texts = [Parallel(one.context, other.context, (Segment(one.context, other.context, 0, 0),)) for one, other in pairs]
    links = align(texts, projection.load_aligner()) if projection.aligns else [[] for _ in texts]
    recovered: list[QAExample] = []
    explained: list[ProjectedAnswer] = []
    lost: list[Lost] = []
    for (original, translated), text, linked in zip(pairs, texts, links, strict=True):
        try:
            found = _place(original, translated, text, linked, projection)
        except Failed as failed:
            lost.append(Lost(translated.id, failed.reason, failed.excerpt))
            continue
        place = found.answer
        recovered.append(replace(translated, answers=(place,)))
        explained.append(ProjectedAnswer(translated.id, place.text, place.start, found.method, found.confidence))
    return recovered, explained, lost


def _place(
    original: QAExample, translated: QAExample, text: Parallel, links: Sequence[Link], projection: Projection
) -> Found:
    """Find the answer by alignment, unless it is not asked for, and by search where that is not sure."""
    answer = original.answers[0]
    span = core(original.context, answer)
    found: list[Found] = []
    failures: list[Failed] = []
    ways: list[Callable[[], Found]] = []
    if projection.method != "match":
        ways.append(lambda: by_alignment(answer, span, text, links))
    if projection.method != "align":
        ways.append(lambda: by_search(answer, span, text, translated.answers[0].text))
    for way in ways:
        if not found or found[0].confidence < SURE:
            try:
                found.append(way())
            except Failed as failed:
                failures.append(failed)
    if not found:
        raise failures[0]
    best = max(found, key=lambda each: each.confidence)
    if best.confidence < projection.threshold:
        raise Failed(f"found by {best.method} with a confidence of {best.confidence:.2f}", best.answer.text)
    return best
