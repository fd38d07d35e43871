"""Premises and hypotheses: the texts of inference.

A hypothesis is drawn first, from the same distribution for every label, so that it tells nothing about the label; then
a premise is found that entails it, contradicts it or leaves it open.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from world_generator.facts import (
    Fact,
    Sentence,
    allowed,
    draw,
    draw_fact,
    hypernym,
    names_group,
    slots_of,
    threshold,
)
from world_generator.grammar import Value
from world_generator.relations import RELATIONS, Relation, Row


@dataclass(frozen=True, slots=True)
class Pair:
    """A premise of one or two sentences, a hypothesis and how they stand to each other."""

    premise: tuple[Sentence, ...]
    hypothesis: Sentence
    label: str

    def text(self, language: str) -> str:
        """Return the premise in ``language``."""
        return " ".join(sentence.text(language) for sentence in self.premise)


_Made = tuple[Sentence, Sentence]
"""The one sentence of the premise that matters, and the hypothesis."""


@cache
def _telling(relation: Relation, slots: frozenset[str]) -> tuple[Row, ...]:
    """Find the statements that tell at least ``slots``."""
    return tuple(row for row in relation.say if slots_of(row) >= slots)


@cache
def _denying(relation: Relation, slots: frozenset[str]) -> tuple[Row, ...]:
    """Find the denials that mention no more than ``slots``."""
    return tuple(row for row in relation.deny if slots_of(row) <= slots)


@cache
def _retelling(relation: Relation, row: Row) -> tuple[Row, ...]:
    """Find the statements that tell at least what ``row`` tells, in other words."""
    return tuple(other for other in _telling(relation, slots_of(row)) if other != row)


@cache
def _hypotheses(relation: Relation) -> tuple[Row, ...]:
    """Find the statements that another statement can entail."""
    return tuple(row for row in relation.say if _retelling(relation, row))


class PairBuilder:
    """Draws pairs of one split from one source of chance."""

    def __init__(self, split: str, rng: Random) -> None:
        self.split = split
        self.rng = rng

    def pair(self, label: str) -> Pair:
        """Draw a pair with ``label``; draw again where a hypothesis has no such premise."""
        recipes = (self._affirmed, self._denied, self._grouped, self._denied_group, self._compared)
        while True:
            made = self.rng.choices(recipes, (44, 26, 14, 6, 10))[0](label)
            if made is None:
                continue
            premise, hypothesis = made
            sentences = self._with_distractor(premise, hypothesis)
            if all(allowed(sentence.fact, self.split) for sentence in (*sentences, hypothesis)):
                return Pair(sentences, hypothesis, label)

    # --- recipes: kinds of hypotheses ---------------------------------------------------------------------------------

    def _affirmed(self, label: str) -> _Made | None:
        """Claim something plainly."""
        relation = self._relation()
        fact = self._fact(relation)
        hypothesis = Sentence(fact, self.rng.choice(_hypotheses(relation)))
        if label == "entailment":
            return self._say(fact, _retelling(relation, hypothesis.row)), hypothesis
        if label == "contradiction":
            return self._contradicted(fact, hypothesis)
        return self._unsaid(fact, hypothesis)

    def _denied(self, label: str) -> _Made | None:
        """Deny something."""
        relation = self._relation()
        fact = self._fact(relation)
        hypothesis = Sentence(fact, self.rng.choice(relation.deny))
        if label == "contradiction":
            return self._say(fact, _telling(relation, hypothesis.slots)), hypothesis
        if label == "entailment":
            return self._denial_entailed(fact, hypothesis)
        way = self.rng.random()
        if way < 0.3:
            return self._denied_elsewhere(fact, hypothesis)
        if way < 0.65:
            return self._of_another(fact, hypothesis), hypothesis
        return self._another_relation(fact, hypothesis), hypothesis

    def _grouped(self, label: str) -> _Made | None:
        """Name the group instead of the thing, or the thing where the premise names the group."""
        relation = self._relation(hyper=True)
        fact = self._fact(relation)
        wide = _widened(fact)
        if wide is None:
            return None
        row = self.rng.choice([row for row in _hypotheses(relation) if relation.hyper in slots_of(row)])
        hypothesis = Sentence(wide, row)
        if label == "entailment":
            return self._say(fact, _telling(relation, hypothesis.slots)), hypothesis
        if label == "contradiction":
            return self._contrary(wide, hypothesis)
        return self._group_unsaid(fact, hypothesis)

    def _denied_group(self, label: str) -> _Made | None:
        """Deny something of a whole group."""
        relation, rng = self._relation(hyper=True), self.rng
        fact = self._fact(relation)
        wide = _widened(fact)
        if wide is None:
            return None
        hypothesis = Sentence(wide, rng.choice(relation.deny))
        if label == "contradiction":
            return self._say(fact, _telling(relation, hypothesis.slots)), hypothesis
        other = rng.choice([row for row in relation.deny if row != hypothesis.row])
        if label == "entailment":
            return Sentence(wide, other), hypothesis
        if rng.random() < 0.5:
            return Sentence(fact, other), hypothesis
        return self._another_relation(wide, hypothesis), hypothesis

    def _compared(self, label: str) -> _Made | None:
        """Compare a number with a round one."""
        relation, rng = self._relation(compared=True), self.rng
        fact = self._fact(relation)
        more = rng.random() < 0.5
        above = more == (label == "entailment") if label != "neutral" else rng.random() < 0.5
        bound = threshold(fact.values[relation.compared], above, rng)
        if bound is None:
            return None
        rows = relation.more if more else relation.less
        if label == "neutral":
            rows = rng.choice((relation.more, relation.less))
        claim = fact.with_values(**{relation.compared: bound})
        if not allowed(claim, self.split):
            return None
        hypothesis = self._say(claim, rows)
        told = _telling(relation, hypothesis.slots)
        if label != "neutral":
            return self._say(fact, told), hypothesis
        if rng.random() < 0.5:
            return self._say(self._other_value(fact, relation.subject[0]), told), hypothesis
        return self._another_relation(fact, hypothesis), hypothesis

    # --- premises that decide -----------------------------------------------------------------------------------------

    def _contradicted(self, fact: Fact, hypothesis: Sentence) -> _Made | None:
        """Exchange the roles, give another value where only one is true, or deny."""
        relation, rng = fact.relation, self.rng
        functional = [slot for slot in relation.functional if slot in hypothesis.slots]
        if relation.roles and set(relation.roles) <= hypothesis.slots and rng.random() < 0.6:
            return self._say(_exchanged(fact), _telling(relation, hypothesis.slots)), hypothesis
        if functional and rng.random() < 0.75:
            slot = rng.choice(functional)
            told = _telling(relation, frozenset({slot, *relation.subject}))
            return self._say(self._other_value(fact, slot), told), hypothesis
        return self._contrary(fact, hypothesis)

    def _contrary(self, fact: Fact, hypothesis: Sentence) -> _Made | None:
        """Deny ``fact``, mentioning no more than the hypothesis."""
        denials = _denying(fact.relation, hypothesis.slots)
        return (self._say(fact, denials), hypothesis) if denials else None

    def _denial_entailed(self, fact: Fact, hypothesis: Sentence) -> _Made | None:
        """Give another value where only one is true, exchange older and younger, or deny in other words."""
        relation, rng = fact.relation, self.rng
        told = _telling(relation, hypothesis.slots)
        functional = [slot for slot in relation.functional if slot in hypothesis.slots]
        if functional and rng.random() < 0.75:
            return self._say(self._other_value(fact, rng.choice(functional)), told), hypothesis
        if relation.name == "age" and rng.random() < 0.6:
            return self._say(_exchanged(fact), told), hypothesis
        denials = [row for row in relation.deny if row != hypothesis.row and slots_of(row) == hypothesis.slots]
        return (Sentence(fact, rng.choice(denials)), hypothesis) if denials else None

    # --- premises that leave it open ----------------------------------------------------------------------------------

    def _unsaid(self, fact: Fact, hypothesis: Sentence) -> _Made | None:
        """Leave a statement open, sharing as much with it as can be."""
        relation, rng = fact.relation, self.rng
        way = rng.random()
        if way < 0.3:
            told = _telling(relation, hypothesis.slots)
            partial = [row for row in relation.say if row not in told and slots_of(row) & hypothesis.slots]
            row = rng.choice(partial) if partial else None
            # Who marries is married, whatever else is told.
            if row and relation.name != "marriage":
                return Sentence(fact, row), hypothesis
        if way < 0.5:
            return self._denied_elsewhere(fact, hypothesis)
        if way < 0.72:
            return self._of_another(fact, hypothesis), hypothesis
        return self._another_relation(fact, hypothesis), hypothesis

    def _group_unsaid(self, fact: Fact, hypothesis: Sentence) -> _Made | None:
        """Leave a statement about a group open (or tell of the group, and claim the thing)."""
        relation, wide = fact.relation, hypothesis.fact
        told = _telling(relation, hypothesis.slots)
        way = self.rng.random()
        if way < 0.35:
            return self._contrary(fact, hypothesis)
        if way < 0.6:
            return self._say(wide, told), Sentence(fact, hypothesis.row)
        if way < 0.8:
            # A profession is worded by the gender of its holder, so another person needs it anew.
            is_profession = relation.hyper == "j"
            other = (
                self._of_another(fact, hypothesis).fact
                if is_profession
                else self._other_value(fact, relation.subject[0])
            )
            return self._say(other, told), hypothesis
        return self._another_relation(wide, hypothesis), hypothesis

    def _denied_elsewhere(self, fact: Fact, hypothesis: Sentence) -> _Made | None:
        """Deny another value of the same subject."""
        relation = fact.relation
        row = self.rng.choice(relation.deny)
        slots = [slot for slot in sorted(slots_of(row)) if slot not in relation.subject]
        if relation.hyper in slots:
            slots = [relation.hyper]
        if not slots:
            return None
        return Sentence(self._other_value(fact, self.rng.choice(slots)), row), hypothesis

    def _of_another(self, fact: Fact, hypothesis: Sentence) -> Sentence:
        """Say the same of another subject; of an exclusive fact change all but the time and the place."""
        relation = fact.relation
        changing = relation.subject[:1]
        if relation.exclusive:
            changing = tuple(slot for slot in relation.slots if slot not in ("y", "t"))
        changed = fact
        for slot in changing:
            changed = self._other_value(changed, slot)
        if "j" in relation.slots:
            changed = self._regender(changed, fact)
        return self._say(changed, _telling(relation, hypothesis.slots) or relation.say)

    def _regender(self, other: Fact, fact: Fact) -> Fact:
        """Give the profession of ``fact`` to the person of ``other``."""
        while True:
            drawn = draw("profession", self.split, self.rng, other.values["p"])
            if drawn.key == fact.values["j"].key or names_group(fact.values["j"]):
                return other.with_values(j=drawn)

    def _another_relation(self, fact: Fact, hypothesis: Sentence) -> Sentence:
        """Say something else of the same subject, with the same value where one fits."""
        relation = self._similar_relation(fact, hypothesis)
        holder = fact.relation.subject[0]
        fixed = {relation.subject[0]: fact.values[holder]}
        # What may be told of a river is dealt out by value, so none is carried over.
        for slot, kind in relation.slots.items() if "r" not in relation.slots else ():
            match = [s for s in hypothesis.names if fact.relation.slots[s] == kind and s != holder]
            if slot not in fixed and match and not names_group(fact.values[match[0]]):
                fixed[slot] = fact.values[match[0]]
        keys = {value.key for value in fact.values.values()}
        told = draw_fact(relation, self.split, self.rng, keys, fixed)
        return self._say(told, relation.say if self.rng.random() < 0.85 else relation.deny)

    def _similar_relation(self, fact: Fact, hypothesis: Sentence) -> Relation:
        """Choose another relation of the same kind of subject, preferably with a value of the same kind."""
        own, holder = fact.relation, fact.relation.subject[0]
        others = [r for r in RELATIONS if r is not own and r.slots[r.subject[0]] == own.slots[holder]]
        kinds = {own.slots[slot] for slot in hypothesis.slots - {holder}}
        similar = [r for r in others if kinds & set(r.slots.values())]
        return self.rng.choice(similar if similar and self.rng.random() < 0.6 else others)

    def _with_distractor(self, premise: Sentence, hypothesis: Sentence) -> tuple[Sentence, ...]:
        """Add a second sentence now and then: something of another subject, often with a value of the hypothesis."""
        rng = self.rng
        if rng.random() > 0.4:
            return (premise,)
        fact = hypothesis.fact
        relation = fact.relation
        taken = {value.key for one in (premise.fact, fact) for value in one.values.values()}
        slots = [
            s for s in hypothesis.names if s not in relation.subject and not names_group(fact.values[s]) and s != "j"
        ]
        fixed: dict[str, Value] = {s: fact.values[s] for s in slots[:1]} if rng.random() < 0.5 else {}
        if relation.exclusive or "r" in relation.slots:
            fixed = {}
        other = self._say(draw_fact(relation, self.split, rng, taken, fixed), relation.say)
        return (premise, other) if rng.random() < 0.5 else (other, premise)

    # --- draws --------------------------------------------------------------------------------------------------------

    def _relation(self, *, hyper: bool = False, compared: bool = False) -> Relation:
        return self.rng.choice([r for r in RELATIONS if (r.hyper or not hyper) and (r.compared or not compared)])

    def _fact(self, relation: Relation) -> Fact:
        return draw_fact(relation, self.split, self.rng, set())

    def _other_value(self, fact: Fact, slot: str) -> Fact:
        taken = {value.key for value in fact.values.values()}
        kept = {name: value for name, value in fact.values.items() if name != slot}
        return draw_fact(fact.relation, self.split, self.rng, taken, kept)

    def _say(self, fact: Fact, rows: tuple[Row, ...]) -> Sentence:
        return Sentence(fact, self.rng.choice(rows))


def _exchanged(fact: Fact) -> Fact:
    a, b = fact.relation.roles
    return fact.with_values(**{a: fact.values[b], b: fact.values[a]})


def _widened(fact: Fact) -> Fact | None:
    """Name the group in place of the thing, None where the thing has none."""
    group = hypernym(fact.values[fact.relation.hyper], fact.values[fact.relation.subject[0]])
    return fact.with_values(**{fact.relation.hyper: group}) if group else None
