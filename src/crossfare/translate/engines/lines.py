"""Texts as the lines that a local model reads one by one; line ends and outer blanks never reach it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from crossfare.translate.outcome import ExplainedTranslation
from crossfare.types import Usage

_LINE_END = re.compile(r"(\s*[\n\r\u2028\u2029]\s*)")


class Lines:
    """Texts cut at their line ends.

    ``distinct`` are their lines, each once; ``characters`` those of all texts that are not blank.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        # Lines and the line ends between them, in turn; nothing of a blank text.
        self._parts = [_LINE_END.split(text.strip()) if text.strip() else [] for text in texts]
        self.distinct = list(dict.fromkeys(line for parts in self._parts for line in parts[::2]))
        self.characters = sum(len(text) for text in texts if text.strip())

    def joined(self, translated: Mapping[str, str], failures: Mapping[str, str], usage: Usage) -> ExplainedTranslation:
        """Put translated lines between the line ends and outer blanks of texts; one that failed fails its text."""
        texts: list[str | None] = []
        failed: dict[int, str] = {}
        for index, (text, parts) in enumerate(zip(self._texts, self._parts, strict=True)):
            why = next((failures[line] for line in parts[::2] if line in failures), "")
            if why:
                failed[index] = why
            lead = text[: len(text) - len(text.lstrip())] if parts else text
            body = "" if why else "".join(part if i % 2 else translated[part] for i, part in enumerate(parts))
            texts.append(None if why else f"{lead}{body}{text[len(text.rstrip()) :] if parts else ''}")
        return ExplainedTranslation(tuple(texts), usage, failed)
