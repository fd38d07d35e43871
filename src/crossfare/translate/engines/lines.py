"""Texts as the lines that a local model reads one by one; line ends and outer blanks never reach it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_LINE_END = re.compile(r"(\s*[\n\r\u2028\u2029]\s*)")


def split_lines(text: str) -> list[str]:
    """Cut into lines and the line ends between them, in turn: line, end, line ...; nothing if the text is blank."""
    return _LINE_END.split(text.strip()) if text.strip() else []


def rebuild(text: str, parts: Sequence[str], translated: Mapping[str, str]) -> str:
    """Put translated lines between the line ends and outer blanks of ``text``, cut by `split_lines` into ``parts``."""
    if not parts:
        return text
    lead = text[: len(text) - len(text.lstrip())]
    tail = text[len(text.rstrip()) :]
    body = "".join(part if number % 2 else translated[part] for number, part in enumerate(parts))
    return f"{lead}{body}{tail}"
