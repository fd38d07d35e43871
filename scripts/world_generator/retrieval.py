"""Questions and a collection of passages: the texts of ranking.

Passages come in groups about two subjects of a kind, of whom the same relations are told, so that neither names nor
words alone decide which passage answers a question. What answers it is read off the facts (`answers`), not the draw.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from world_generator.facts import Fact, Sentence, draw_fact, everyone, hypernym, slots_of
from world_generator.grammar import Noun, Profession, Value
from world_generator.passages import about, shared_words
from world_generator.relations import Relation, Row

_THEMES = {"person": 68, "company": 20, "river": 12}
"""What groups are about, and how often in a hundred."""
RELATIONS_TOLD = 4
"""Relations told of both subjects of a group, where there are as many."""
QUERIES_PER_GROUP = 5
MOST_RELEVANT = 2
"""A question that more passages answer is not asked."""

# How often (as a fraction):
REWORDED = 0.85  # an asked fact is told in other words than the question's
MISLED = 0.4  # a passage beside it tells only another part of the fact, or denies another value
ECHOED = 0.6  # what answers no question repeats the words of one
ACCOMPANIED = 0.5  # a passage has a second sentence
TURNED = 0.3  # a relation is told in both directions (who sold something also bought something)
WIDENED = 0.3  # a question names the group ("vehicle") of a thing
NAMED = 4  # how many times more often a question names its subject than asks for it

_NOT_TOGETHER = ({"birth", "origin"}, {"study", "teaching"})
"""Relations not told of one subject: where one comes from could be meant either way, and pupils study, too."""
_SYMMETRIC = "marriage"


@dataclass(frozen=True, slots=True)
class Query:
    """A question about slot ``slot``; the fact it was made from fills the slots it mentions."""

    text: Sentence
    slot: str


@dataclass(frozen=True, slots=True)
class Collection:
    """Passages of one or two sentences, queries, and for each query the places of the passages that answer it."""

    passages: tuple[tuple[Sentence, ...], ...]
    queries: tuple[Query, ...]
    relevant: tuple[tuple[int, ...], ...]


def answers(told: Sentence, query: Query) -> bool:
    """Whether ``told`` answers ``query``: it tells the asked slot, and of what the query mentions."""
    relation, asked = told.fact.relation, query.text
    if relation is not asked.fact.relation or told.row in relation.deny or not told.slots >= {*asked.slots, query.slot}:
        return False
    readings = [told.fact.values]
    if relation.name == _SYMMETRIC:
        readings.append({**told.fact.values, "p": told.fact.values["q"], "q": told.fact.values["p"]})
    return any(all(_fits(values[slot], asked.fact.values[slot]) for slot in asked.slots) for values in readings)


def _fits(told: Value, asked: Value) -> bool:
    """Whether ``told`` is ``asked``, or of the group that ``asked`` is the name of."""
    if isinstance(asked, Noun | Profession) and asked.hypernym:
        return isinstance(told, Noun | Profession) and told.group == asked.group
    return told.key == asked.key


def judge(passages: Iterable[tuple[Sentence, ...]], queries: Iterable[Query]) -> tuple[tuple[int, ...], ...]:
    """Find for every query the places of the passages of which a sentence answers it."""
    of: dict[str, list[tuple[int, Sentence]]] = defaultdict(list)
    for place, passage in enumerate(passages):
        for sentence in passage:
            of[sentence.fact.relation.name].append((place, sentence))
    return tuple(
        tuple(dict.fromkeys(place for place, told in of[query.text.fact.relation.name] if answers(told, query)))
        for query in queries
    )


def draw_collection(split: str, rng: Random, queries: int) -> Collection:
    """Draw groups until ``queries`` questions have one or two answering passages; everything is then shuffled."""
    groups = GroupBuilder(split, rng)
    told: list[tuple[Sentence, ...]] = []
    asked: dict[str, Query] = {}
    kept: list[Query] = []
    while len(kept) < queries:
        missing = len(asked) + queries - len(kept)
        while len(asked) < missing:
            passages, questions = groups.draw()
            told.extend(passages)
            asked.update({query.text.text("en"): query for query in questions})
        found = judge(told, asked.values())
        kept = [query for query, places in zip(asked.values(), found, strict=True) if 0 < len(places) <= MOST_RELEVANT]
    rng.shuffle(kept)
    rng.shuffle(told)
    distinct = {" ".join(sentence.text("en") for sentence in passage): passage for passage in told}
    shown, chosen = tuple(distinct.values()), tuple(kept[:queries])
    return Collection(shown, chosen, judge(shown, chosen))


@dataclass(frozen=True, slots=True)
class _Told:
    """A fact of one subject of a group, which fills slot ``own``; ``query`` asks for the fact, if anything does."""

    fact: Fact
    subject: Value
    own: str
    query: Query | None = None

    def answering(self, *, yes: bool) -> list[Sentence]:
        """Find the statements of the fact that answer its query, or that do not (all of them where none is asked)."""
        said = [Sentence(self.fact, row) for row in self.fact.relation.say]
        query = self.query
        return [sentence for sentence in said if (query is not None and answers(sentence, query)) == yes]


class GroupBuilder:
    """Draws groups of one split from one source of chance; no subject has two groups."""

    def __init__(self, split: str, rng: Random) -> None:
        self.split = split
        self.rng = rng
        self.waiting: dict[str, list[Value]] = {}
        self.taken: set[str] = set()
        for theme in _THEMES:
            known = everyone(theme, split)
            self.waiting[theme] = rng.sample(known, len(known) if theme == "river" else len(known) // 3)
            # Whom a group is about, no other group mentions: what is told of a subject is told in its group.
            if theme != "river":
                self.taken |= {subject.key for subject in self.waiting[theme]}

    def draw(self) -> tuple[list[tuple[Sentence, ...]], list[Query]]:
        """Draw a group: its passages and its questions."""
        told = self._facts(*self._subjects())
        self.rng.shuffle(told)
        told = [replace(one, query=self._ask(one)) if i < QUERIES_PER_GROUP else one for i, one in enumerate(told)]
        passages = [self._accompanied(sentence, one, told) for one in told for sentence in self._worded(one, told)]
        return passages, [one.query for one in told if one.query]

    # --- facts --------------------------------------------------------------------------------------------------------

    def _subjects(self) -> tuple[Value, Value, list[Relation]]:
        """Choose two subjects of a kind, and relations to tell of both."""
        rng = self.rng
        themes = {theme: weight for theme, weight in _THEMES.items() if len(self.waiting[theme]) > 1}
        theme = rng.choices(list(themes), list(themes.values()))[0]
        one, two = self.waiting[theme].pop(), self.waiting[theme].pop()
        known = about(theme)
        while True:
            relations = rng.sample(known, min(RELATIONS_TOLD, len(known)))
            names = {relation.name for relation in relations}
            if not any(pair <= names for pair in _NOT_TOGETHER):
                return one, two, relations

    def _facts(self, one: Value, two: Value, relations: list[Relation]) -> list[_Told]:
        told = []
        for relation in relations:
            own = relation.subject[0]
            told += [_Told(self._fact(relation, {own: subject}), subject, own) for subject in (one, two)]
            if relation.roles and self.rng.random() < TURNED:
                turned, subject = relation.roles[1], self.rng.choice((one, two))
                told.append(_Told(self._fact(relation, {turned: subject}), subject, turned))
        return told

    def _fact(self, relation: Relation, fixed: dict[str, Value]) -> Fact:
        """Draw a fact with ``fixed``; persons, novels and companies taken over occur in no other."""
        fact = draw_fact(relation, self.split, self.rng, set(self.taken), fixed)
        unique = ("person", "title", "company") if relation.exclusive else ("person",)
        self.taken |= {value.key for name, value in fact.values.items() if relation.slots[name] in unique}
        return fact

    # --- questions ----------------------------------------------------------------------------------------------------

    def _ask(self, one: _Told) -> Query | None:
        """Ask for a slot of the fact, naming its subject unless that is asked for or a name decides."""
        rng, relation = self.rng, one.fact.relation
        open_rows = [
            (slot, row)
            for slot, rows in relation.ask.items()
            for row in rows
            if slot == one.own or one.own in slots_of(row) or relation.exclusive
            if any(slots_of(said) >= {*slots_of(row), slot} for said in relation.say)
        ]
        if not open_rows:
            return None
        slot, row = rng.choices(open_rows, [1 if slot == one.own else NAMED for slot, _ in open_rows])[0]
        fact = self._widened(one) if one.own in slots_of(row) and rng.random() < WIDENED else one.fact
        return Query(Sentence(fact, row), slot)

    def _widened(self, one: _Told) -> Fact:
        """Name the groups of the fact's things instead of the things."""
        groups = {name: hypernym(value, one.subject) for name, value in one.fact.values.items()}
        return one.fact.with_values(**{name: group for name, group in groups.items() if group})

    # --- passages -----------------------------------------------------------------------------------------------------

    def _worded(self, one: _Told, told: list[_Told]) -> Iterator[Sentence]:
        """Tell the fact: an asked one in other words than the question's, others in the words of a question nearby."""
        rng = self.rng
        if one.query is None:
            near = [other.query for other in told if other.query and other.fact.relation is one.fact.relation]
            yield self._like(one.answering(yes=False), near[0].text.row if near else None)
            return
        asked = one.query.text.row
        candidates = one.answering(yes=True)
        if rng.random() < REWORDED:
            yield min(candidates, key=lambda sentence: shared_words(asked, sentence.row))
        else:
            yield rng.choice(candidates)
        if rng.random() < MISLED:
            kinds = [kind for kind in (one.answering(yes=False), self._denials(one)) if kind]
            if kinds:
                yield self._like(rng.choice(kinds), asked)

    def _like(self, sentences: list[Sentence], asked: Row | None) -> Sentence:
        """Choose the wording that shares most words with a question, or any."""
        if asked is None or self.rng.random() > ECHOED:
            return self.rng.choice(sentences)
        return max(sentences, key=lambda sentence: shared_words(asked, sentence.row))

    def _denials(self, one: _Told) -> list[Sentence]:
        """Deny another value of the subject.

        None of a river, which may have no other that its split may tell, nor of age: who is not older may be younger.
        """
        relation = one.fact.relation
        if "r" in relation.slots or relation.name == "age":
            return []
        kept = relation.subject if relation.functional else (one.own,)
        used = self.taken | {value.key for value in one.fact.values.values()}
        other = draw_fact(relation, self.split, self.rng, used, {slot: one.fact.values[slot] for slot in kept})
        return [Sentence(other, row) for row in relation.deny]

    def _accompanied(self, sentence: Sentence, one: _Told, told: list[_Told]) -> tuple[Sentence, ...]:
        """Add a sentence of the other subject that answers nothing, in the words of a question about the first."""
        rng = self.rng
        if rng.random() > ACCOMPANIED:
            return (sentence,)
        others = [
            other
            for other in told
            if other.subject.key != one.subject.key
            and other.fact.relation is not one.fact.relation
            and other.answering(yes=False)
        ]
        asked = {q.query.text.fact.relation.name: q.query for q in told if q.query and q.subject.key == one.subject.key}
        echoing = [other for other in others if other.fact.relation.name in asked]
        if not others:
            return (sentence,)
        other = rng.choice(echoing if echoing and rng.random() < ECHOED else others)
        query = asked.get(other.fact.relation.name)
        companion = self._like(other.answering(yes=False), query.text.row if query else None)
        return (sentence, companion) if rng.random() < 0.5 else (companion, sentence)
