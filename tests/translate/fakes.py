"""Engines that behave in one known way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from crossfare.types import Translation, Usage


class ScriptedEngine:
    """Apply a function to each text; remember what was asked."""

    def __init__(
        self,
        function: Callable[[str], str | None],
        granularity: Literal["sentence", "document"] = "document",
        name: str = "scripted",
        revision: str = "1",
    ) -> None:
        self.function = function
        self.granularity = granularity
        self.name = name
        self.revision = revision
        self.calls: list[list[str]] = []

    @property
    def asked(self) -> list[str]:
        return [text for call in self.calls for text in call]

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:
        self.calls.append(list(texts))
        usage = Usage(seconds=float(len(texts)), requests=1, characters=sum(map(len, texts)), hardware="cpu")
        return Translation(tuple(self.function(text) for text in texts), usage)
