"""Passages with questions about them: the texts of question answering."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random

from world_generator.facts import Fact, Sentence, draw, draw_fact, slots_of
from world_generator.relations import RELATIONS, Relation, Row

_THEMES = {"person": 60, "company": 28, "river": 12}
"""What passages are about, and how often in a hundred."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about sentence ``where`` of a passage; the answer is what fills its slot ``slot``."""

    text: Sentence
    where: int
    slot: str


@dataclass(frozen=True, slots=True)
class Passage:
    """Sentences and all that is asked about them."""

    sentences: tuple[Sentence, ...]
    asked: tuple[Asked, ...]

    def render(self, language: str) -> tuple[str, tuple[tuple[int, int], ...]]:
        """Say it in ``language``: the text, and for every question where the answer stands (code points)."""
        told = [sentence.render(language) for sentence in self.sentences]
        offsets = list(accumulate((len(text) + 1 for text, _ in told), initial=0))
        places = []
        for asked in self.asked:
            start, end = told[asked.where][1][asked.slot]
            places.append((offsets[asked.where] + start, offsets[asked.where] + end))
        return " ".join(text for text, _ in told), tuple(places)


def draw_passage(split: str, rng: Random, questions: int) -> Passage:
    """Draw a passage: three facts of one subject, two of another of its kind, and at most ``questions`` questions.

    One relation is told of both subjects, so that a wrong answer stands near.
    """
    theme = rng.choices(list(_THEMES), list(_THEMES.values()))[0]
    sentences = [_tell(fact, rng) for fact in _facts(theme, split, rng)]
    rng.shuffle(sentences)
    return Passage(tuple(sentences), tuple(_ask(sentences, rng, questions)))


@cache
def about(theme: str) -> tuple[Relation, ...]:
    """Find the relations whose facts are about ``theme`` (person, company, river)."""
    return tuple(relation for relation in RELATIONS if relation.slots[relation.subject[0]] == theme)


def _facts(theme: str, split: str, rng: Random) -> list[Fact]:
    relations = about(theme)
    shared, *own = rng.sample(relations, 3)
    fourth = rng.choice([relation for relation in relations if relation is not shared])
    one = two = draw(theme, split, rng)
    while two.key == one.key:
        two = draw(theme, split, rng)
    used = {one.key, two.key}
    facts = []
    for relation, subject in ((shared, one), (shared, two), (own[0], one), (own[1], one), (fourth, two)):
        fixed = {relation.subject[0]: subject}
        once_told = relation is not shared and fourth not in own
        if subject is one and once_told and _has_partner(relation, theme) and rng.random() < 0.5:
            fixed[relation.subject[-1]] = two
        facts.append(draw_fact(relation, split, rng, used, fixed))
    return facts


def _has_partner(relation: Relation, theme: str) -> bool:
    """Whether ``relation`` holds between two of a kind."""
    return len(relation.subject) > 1 and relation.slots[relation.subject[-1]] == theme


def _tell(fact: Fact, rng: Random) -> Sentence:
    """Say ``fact``, more often in full than in part: the more is told, the more answers stand near."""
    rows = fact.relation.say
    return Sentence(fact, rng.choices(rows, [2 ** len(slots_of(row)) for row in rows])[0])


def _ask(sentences: list[Sentence], rng: Random, questions: int) -> Iterator[Asked]:
    """Ask what the sentences tell, each time about another slot or sentence."""
    open_slots = [
        (where, slot)
        for where, sentence in enumerate(sentences)
        for slot in sentence.fact.relation.ask
        if slot in sentence.slots and _askable(sentence, slot)
    ]
    rng.shuffle(open_slots)
    for where, slot in open_slots[:questions]:
        sentence = sentences[where]
        rows = _askable(sentence, slot)
        # Mostly in other words than the sentence's own.
        row = min(rows, key=lambda row: shared_words(row, sentence.row)) if rng.random() < 0.7 else rng.choice(rows)
        yield Asked(Sentence(sentence.fact, row), where, slot)


def _askable(sentence: Sentence, slot: str) -> list[Row]:
    """Find the questions about ``slot`` that mention nothing but what the sentence tells."""
    rows = sentence.fact.relation.ask[slot]
    return [row for row in rows if slots_of(row) <= sentence.slots - {slot}]


@cache
def shared_words(one: Row, two: Row) -> float:
    """Share of the words of ``one`` that ``two`` has, over all languages."""
    found = [
        set(a.lower().rstrip("?.").split()) & set(b.lower().rstrip("?.").split()) for a, b in zip(one, two, strict=True)
    ]
    return sum(len(words) for words in found) / sum(len(text.split()) for text in one)
