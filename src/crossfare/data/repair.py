"""Damaged text, repaired only on request: mojibake, and HTML entities left over from a translation interface.

Mojibake is text that was decoded with the wrong table ("dâ€™oro" for "d’oro"). A translation interface that was asked
for HTML gives HTML back ("&quot;", "&#39;"), and more than one published dataset keeps it.
"""

from __future__ import annotations

import html
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate

from crossfare.data.locating import ENTITY
from crossfare.errors import ConfigError
from crossfare.types import Answer, Example, QAExample, QueryExample, RankingExample


def encoding_repair() -> Callable[[str], str]:
    """The function that repairs mojibake in a text (ftfy's ``fix_encoding``) and changes nothing else.

    Quotation marks, ligatures, widths and HTML entities stay as they are.

    Raises:
        ConfigError: the package ftfy is not installed.
    """
    try:
        import ftfy
    except ImportError as error:
        raise ConfigError(
            "fix_encoding needs the package 'ftfy'; install it with: pip install 'crossfare[encoding]'"
        ) from error
    return lambda text: text if text.isascii() else ftfy.fix_encoding(text)


def unescaped(example: Example) -> Example:
    """The example with its entities as characters; answers stay where they are.

    An answer that ends within an entity gets the whole of it. Ranking examples are returned as they are.
    """
    if isinstance(example, QueryExample | RankingExample):
        return example
    if not isinstance(example, QAExample):
        return example.with_texts(list(map(_text, example.texts)))
    made = example.with_texts(list(map(_text, example.texts)))
    entities = list(ENTITY.finditer(example.context))
    starts = [match.start() for match in entities]
    shrunk = [0, *accumulate(len(match[0]) - len(html.unescape(match[0])) for match in entities)]

    def moved(offset: int, *, end: bool) -> int:
        before = bisect_right(starts, offset - 1)  # entities that begin before the offset
        if before and offset < entities[before - 1].end():  # within one: to its end, or back to its start
            return entities[before - 1].end() - shrunk[before] if end else starts[before - 1] - shrunk[before - 1]
        return offset - shrunk[before]

    answers = []
    for answer in example.answers:
        if answer.start < 0:  # it stands nowhere
            answers.append(Answer(_text(answer.text), answer.start))
            continue
        start = moved(answer.start, end=False)
        stop = moved(answer.start + len(answer.text), end=True)
        answers.append(Answer(made.context[start:stop], start))
    return replace(made, answers=tuple(answers))


def _text(text: str) -> str:
    return ENTITY.sub(lambda match: html.unescape(match[0]), text)
