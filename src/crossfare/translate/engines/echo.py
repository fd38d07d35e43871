"""The identity translation: what goes in comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossfare.languages.codes import named
from crossfare.meter import meter
from crossfare.translate.sentences import Granularity
from crossfare.types import Translation, Usage


class EchoEngine:
    """Return every text unchanged, metered like a real engine.

    Translating a dataset with it must change nothing but the language tag: the proof that marking,
    cutting, joining and recovering answers lose nothing.
    """

    label = "echo (no translation)"
    billing = "characters"

    def __init__(
        self, *, name: str = "echo", granularity: Granularity = "document", codes: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.revision = "1"
        named(codes or {})  # as every engine has it; here no language is called anything
        self.granularity: Granularity = granularity

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:  # noqa: ARG002
        """Return ``texts``."""
        with meter("cpu") as running:
            running.add(Usage(requests=1 if texts else 0, characters=sum(map(len, texts))))
        return Translation(tuple(texts), running.usage)
