"""Whether a tokenizer's offsets give the text back: a predicted answer is the text between two of them.

Judged by the tokenizer's own word: tokens that decode to a word must stand where that word stands. What it drops, or
knows only as unknown, is not judged, so an English tokenizer passes without knowing Thai.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from crossfare.errors import ConfigError

PROBES = (
    "The bank (founded 1890) lends 3.5 per cent; Smith's sister lives in Rio de Janeiro.",
    "Zij werkt in Amsterdam, bij de bank.",
    "O João nasceu em São Paulo, às 7h30, e não voltou.",
    "Bà Hương sống ở Đà Nẵng, gần sông Hàn.",
    "Мария живёт в Москве (с 1990 года).",
    "Η Μαρία ζει στην Αθήνα.",
    "تعيش مريم في القاهرة منذ 1990.",
    "מרים גרה בתל אביב.",
    "मरियम दिल्ली में रहती है।",
    "玛丽住在北京，1990年出生。",
    "マリアは1990年から東京に住んでいる。",
    "마리아는 서울에 산다.",
    "มาเรียอาศัยอยู่ในกรุงเทพฯ",
)
"""Words with affixes, signs, digits and accents, in the scripts of the languages that test sets come in."""

_WORDS = (re.compile(r"\w+"), re.compile(r"\S+"))


def trustworthy(tokenizer: Any, ref: str) -> None:
    """Make sure of a tokenizer's offsets; those of byte-level ones that leave a word's first letter out are mended.

    A tokenizer that sets a blank before every part of a word, and then takes blanks off its offsets, takes off a letter
    where there was none (RobBERT: "patos" comes back as "atos"). Blanks at the edges do not matter here, so it is told
    to leave them.

    Raises:
        ConfigError: offsets that do not give the text back even so, or none.
    """
    if not tokenizer.is_fast:
        raise ConfigError(f"the tokenizer of {ref} has no offsets (it is not a fast tokenizer); convert it first")
    if fault(tokenizer) is None:
        return
    _keep_blanks(tokenizer)
    if found := fault(tokenizer):
        raise ConfigError(
            f"the offsets of the tokenizer of {ref} do not give the text back ({found[1]!r} for {found[0]!r}), so "
            "neither would its answers; give a model with another tokenizer"
        )


def fault(tokenizer: Any) -> tuple[str, str] | None:
    """The first word of the probes that does not come back, and what comes back for it; None if all do."""
    encoded = tokenizer(list(PROBES), add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    for text, ids, offsets in zip(PROBES, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        if ids and not any(end > start for start, end in offsets):
            return text, ""
        for start, end in _spans(text):
            touched = [i for i, (left, right) in enumerate(offsets) if left < end and right > start and right > left]
            if not touched or tokenizer.unk_token_id in (own := [ids[i] for i in touched]):
                continue
            decoded = tokenizer.decode(own, skip_special_tokens=False, clean_up_tokenization_spaces=False)
            given = text[min(offsets[i][0] for i in touched) : max(offsets[i][1] for i in touched)]
            if _letters(decoded) == _letters(text[start:end]) != _letters(given):
                return text[start:end], given
    nowhere = {
        token
        for ids, offsets in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        for token, (start, end) in zip(ids, offsets, strict=True)
        if start == end and token != tokenizer.unk_token_id
    }
    words = (tokenizer.decode([token], skip_special_tokens=True).strip() for token in sorted(nowhere))
    return next(((word, "") for word in words if _letters(word)), None)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for pattern in _WORDS for match in pattern.finditer(text))


def _letters(text: str) -> str:
    """Letters and digits alone, without case and accents, which tokenizers may take away."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text).casefold() if sign.isalnum())


def _keep_blanks(tokenizer: Any) -> None:
    backend = tokenizer.backend_tokenizer
    whole = backend.post_processor
    for part in _parts(whole):
        if getattr(part, "trim_offsets", False):
            part.trim_offsets = False
    backend.post_processor = whole


def _parts(processor: Any) -> list[Any]:
    """The post-processors of one: a sequence does not tell how many it has."""
    from tokenizers.processors import Sequence

    if not isinstance(processor, Sequence):
        return [processor]
    parts: list[Any] = []
    try:
        while True:
            parts.append(processor[len(parts)])
    except IndexError:
        return parts
