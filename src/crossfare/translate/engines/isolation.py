"""One policy for the failures of all services: one bad text is lost alone, and a service that fails is left alone.

A request that fails is halved until the text that fails is found. Whether it is the text or the service that fails is
found out by a probe: a text that the service has answered before, or else a harmless one. A service that does not
answer that either is not asked any further; nor is one that bills many answers in a row that are none. One that can
answer texts only singly is soon asked for them singly. Requests that are on their way at the same time are judged one
after the other, by what all of them have shown.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from crossfare.errors import EngineError
from crossfare.translate.correspondence import reworded, unlike
from crossfare.translate.engines.attempts import Answer, Attempts
from crossfare.translate.engines.cutting import Cutter
from crossfare.translate.engines.faults import Exhausted, Refused

_FEW = 3
"""After so many failed requests in a row it is asked whether it is still the texts that fail."""

_FIRST = 5
"""If so many texts are lost before one is answered, the service cannot do what it is there for."""

_WASTED = 20
"""After so many billed answers in a row that cannot be used it is not asked any further, whatever the probe says."""

_APART = 2
"""After so many requests in a row of which no texts could be answered together, each is asked for by itself."""

PROBE = "1, 2, 3"
"""Is asked of a service that has answered nothing yet: the same in all languages."""

_AGAIN = 2
"""Attempts for a part of a request that failed, and for a probe: all the patience was spent before."""


@dataclass(slots=True)
class Health:
    """What is known of a service in one direction, from call to call of its engine.

    ``known`` is a piece that it has answered, and ``answers`` whether it was asked by this engine; ``failed`` counts
    requests that failed since the last success, and ``lost`` the pieces that failed alone before there was any;
    ``wasted`` counts billed answers since the last success that were none, and ``apart`` the last requests of which no
    two pieces were answered together. Failures are judged by one thread at a time.
    """

    known: str | None = None
    answers: bool = False
    probed: bool = False
    failed: int = 0
    lost: int = 0
    wasted: int = 0
    apart: int = 0
    judging: threading.RLock = field(default_factory=threading.RLock)

    def answered(self, piece: str) -> None:
        """Note a success; the shortest piece is the cheapest to ask for again."""
        self.failed = self.wasted = 0
        if self.known is None or len(piece) < len(self.known):
            self.known = piece


@dataclass(slots=True)
class Isolation:
    """Asks a service for pieces of text; ``texts`` are the answers so far, ``failures`` the reasons of the others."""

    attempts: Attempts
    cutter: Cutter
    health: Health
    texts: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    _together: bool = False

    def ask(self, pieces: Sequence[str]) -> None:
        """Ask for the pieces of one request; those that cannot be answered are in ``failures`` afterwards.

        Raises:
            EngineError: the service fails, and not this request.
            BudgetExceeded: an attempt would pass the budget.
        """
        if self.health.apart >= _APART:
            for piece in pieces:
                self._ask([piece], None)
            return
        self._together = False
        self._ask(pieces, None)
        if len(pieces) > 1:
            self.health.apart = 0 if self._together else self.health.apart + 1

    def _ask(self, pieces: Sequence[str], attempts: int | None) -> None:
        answer = self._answered(pieces, attempts)
        if answer is not None:
            self._take(pieces, answer)
        elif len(pieces) > 1:
            middle = len(pieces) // 2
            for part in (pieces[:middle], pieces[middle:]):
                self._ask(part, _AGAIN)

    def _answered(self, pieces: Sequence[str], attempts: int | None) -> Answer | None:
        """The answer to one request; None if it has none and the service is not to blame."""
        try:
            answer = self.attempts([self.cutter.sent(piece) for piece in pieces], attempts)
            if len(pieces) > 1 and not answer.again and not any((text or "").strip() for text in answer.texts):
                raise Refused(f"{self.attempts.label} returned nothing for {len(pieces)} texts", billed=True)
            return answer
        except (Refused, Exhausted) as failure:
            self._judge(failure, pieces, first=attempts is None)
            return None

    def _take(self, pieces: Sequence[str], answer: Answer) -> None:
        """Keep what was answered, but ask for what cannot be trusted again, each by itself.

        Where an answer comes out otherwise then, answers have got to the wrong texts: all the others are asked for too.
        """
        answers = list(answer.texts)
        again = list(answer.again) if len(pieces) > 1 else []
        self._together |= len(again) < len(pieces) > 1
        for place, piece in enumerate(pieces):
            if place not in again:
                self._keep(piece, answers[place])
        for place in again:
            alone = self._answered(pieces[place : place + 1], _AGAIN)
            said, answers[place] = answers[place], alone.texts[0] if alone else None
            if said and answers[place] and reworded(said, answers[place] or ""):
                again += [other for other in range(len(pieces)) if other not in again]
                for piece in pieces:
                    self.texts.pop(piece, None)
        same = {
            place: str(answers[place])
            for pair in combinations(again, 2)
            if answers[pair[0]] and answers[pair[0]] == answers[pair[1]] and unlike(*(pieces[place] for place in pair))
            for place in pair
        }
        for place in again:
            self._keep(pieces[place], None if place in same else answers[place])
        for place, said in same.items():
            why = Refused(f"{self.attempts.label} says the same to different texts: {said[:60]!r}", said=said.strip())
            self._judge(why, pieces[place : place + 1], first=False)

    def _keep(self, piece: str, text: str | None) -> None:
        if text is not None and text.strip():
            self.texts[piece] = self.cutter.received(text)
            self.health.answered(piece)
            self.health.answers = True
        else:
            self.failures.setdefault(piece, f"{self.attempts.label} returned nothing for it")

    def _judge(self, failure: Refused | Exhausted, pieces: Sequence[str], *, first: bool) -> None:
        """Note a failure and go on, or raise: if the service fails at a harmless text too, it is not the text.

        A service that has answered is probed when a whole request fails for good, or a few in a row are refused;
        one that has not, at once, and then few texts may be lost before one is answered.
        """
        if len(pieces) > 1 and isinstance(failure, Refused) and failure.fewer:
            return
        with self.health.judging:
            self._judge_alone(failure, pieces, first=first)

    def _judge_alone(self, failure: Refused | Exhausted, pieces: Sequence[str], *, first: bool) -> None:
        if self.attempts.traffic.stopped:  # another has found out meanwhile
            raise self.attempts.traffic.stopped
        health = self.health
        health.failed += 1
        health.wasted += isinstance(failure, Refused) and failure.billed
        if health.wasted >= _WASTED:
            raise _stop(
                failure, f"{health.wasted} answers in a row could not be used; what was answered before is kept"
            )
        if len(pieces) == 1:
            self.failures[pieces[0]] = str(failure)
            health.lost += 1
        if health.known is None and health.lost >= _FIRST:
            raise _stop(failure, f"none of the first {health.lost} texts could be translated")
        at_once = not health.probed if health.known is None else first and isinstance(failure, Exhausted)
        if at_once or (health.known is not None and health.failed >= _FEW):
            if not self._probe(failure):
                raise _stop(failure, "a text that should be no trouble fails too")
            health.probed, health.failed = True, 0

    def _probe(self, failure: Refused | Exhausted) -> bool:
        """Whether the service answers a text that it should have no trouble with."""
        try:
            answer = self.attempts([self.cutter.sent(self.health.known or PROBE)], _AGAIN)
        except EngineError:
            return False
        said = (answer.texts[0] or "").strip()
        return bool(said) and said != getattr(failure, "said", "")


def _stop(failure: Refused | Exhausted, why: str) -> EngineError:
    """The error that says that the service fails."""
    if isinstance(failure, Exhausted):
        return failure.outage
    return EngineError(f"{failure}; stopped, for {why}")
