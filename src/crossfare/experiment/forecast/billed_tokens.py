"""TokenForecast that a language model bills for a translation, which nobody knows before it has answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossfare.experiment.forecast.rates import PROMPT, TOKENS, Rate, spread

# About four characters a token in English text (OpenAI, "What are tokens and how to count them?"); other languages and
# scripts take more. Around each text stands an instruction, which is billed with it.
_PER_CHARACTER = Rate(0.2, 0.25, 0.4, "character", "assumed: 4 characters a token")
_PROMPT = Rate(20, 60, 150, "request", "assumed: 60 tokens of instruction a request")


@dataclass(frozen=True, slots=True)
class TokensTold:
    """What one translation told: tokens read and written per character of its source texts."""

    step_id: str
    read: float
    written: float
    where: str


@dataclass(frozen=True, slots=True)
class TokenForecast:
    """TokenForecast read and written, at the least, as expected and at the most, and how that is known."""

    read: tuple[int, int, int]
    written: tuple[int, int, int]
    source: str


def forecast(
    characters: int, requests: int, stretch: float, measured: Sequence[TokensTold], stated: Mapping[str, Rate]
) -> TokenForecast:
    """The tokens of so many characters in so many requests; ``stretch`` is characters out per character in.

    By what the user states, else by what finished translations of the engine told, else by what is assumed.
    """
    if measured and not {TOKENS, PROMPT} & set(stated):
        read, written = ([characters * getattr(each, name) for each in measured] for name in ("read", "written"))
        wheres = ", ".join(dict.fromkeys(each.where for each in measured))
        steps = f"{len(measured)} step{'s' if len(measured) > 1 else ''}"
        return TokenForecast(_rounded(read), _rounded(written), f"{wheres} ({steps})")
    ratio, prompt = stated.get(TOKENS, _PER_CHARACTER), stated.get(PROMPT, _PROMPT)
    levels = ("low", "expected", "high")
    low, expected, high = (
        round(characters * getattr(ratio, level) + requests * getattr(prompt, level)) for level in levels
    )
    out = [round(characters * stretch * getattr(ratio, level)) for level in levels]
    source = "; ".join(dict.fromkeys((ratio.source, prompt.source)))
    return TokenForecast((low, expected, high), (out[0], out[1], out[2]), source)


def _rounded(found: Sequence[float]) -> tuple[int, int, int]:
    low, expected, high = spread(found, sum(found) / len(found))
    return round(low), round(expected), round(high)
