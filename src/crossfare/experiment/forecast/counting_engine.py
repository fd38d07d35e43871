"""An engine that counts what it is sent: counting with it is translating without an engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from crossfare.experiment.forecast.planner import EngineFacts, Granularity
from crossfare.types import Translation, Usage


class CountingEngine:
    """Give every text back, and count: for a forecast."""

    def __init__(self, facts: EngineFacts) -> None:
        self.name = facts.name
        self.revision = facts.revision
        self.granularity: Granularity = facts.granularity
        self.tag_handling = facts.tag_handling
        self.texts = self.chunks = self.characters = 0
        if facts.batches:  # what makes it a `Metered` engine, which gets one request at a time
            self.batches = facts.batches

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:  # noqa: ARG002
        """Return ``texts``."""
        self.texts += len(texts)
        self.chunks += 1
        self.characters += sum(map(len, texts))
        return Translation(tuple(texts), Usage(characters=sum(map(len, texts))))

    def calls(self, requests: Literal["text", "chunk"] | None) -> int | None:
        """How many requests that was, for an engine that makes one a text or one a chunk; None where none is made."""
        return {"text": self.texts, "chunk": self.chunks, None: None}[requests]
