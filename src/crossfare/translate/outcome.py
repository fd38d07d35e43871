"""What became of texts: translations that say why a segment failed, and lists of what was lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossfare.types import Answer, Translation

EXCERPT = 160


@dataclass(frozen=True, slots=True)
class ExplainedTranslation(Translation):
    """What an engine returns that knows why some segments are None.

    ``failures`` maps the index of a failed segment to one readable reason. ``stopped`` is what kept the engine from
    going on to the end: what it has answered before is here, to be kept before that is raised.
    """

    failures: Mapping[int, str] = field(default_factory=dict)
    stopped: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """An example, or one of several answers, that did not survive translation."""

    id: str
    reason: str
    excerpt: str = ""


@dataclass(slots=True)
class Losses:
    """Examples that are lost, and answers lost from examples that kept another one."""

    lost: list[Lost] = field(default_factory=list)
    dropped: list[Lost] = field(default_factory=list)


class Failed(Exception):
    """A text has no translation, or a span none in the other text; carries the reason and what there is of it."""

    def __init__(self, reason: str, excerpt: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.excerpt = excerpt[:EXCERPT]

    def about(self, answer: Answer) -> Failed:
        """The same, naming the answer."""
        return Failed(f"answer {answer.text!r}: {self.reason}", self.excerpt)

    def of(self, example: str) -> Lost:
        """The same as the loss of an example, given by its id."""
        return Lost(example, self.reason, self.excerpt)
