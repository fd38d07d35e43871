"""Lint: what is visibly wrong with a translation, found without a reference.

Every check is made to be nearly silent on good translations; how silent, and what each finds, is
measured in docs/translation-quality.md. Checks compare a text with its source: a source that is odd
itself (a loop, another language) is not held against its translation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from importlib.util import find_spec
from statistics import median
from typing import Any

from crossfare.languages import by_characters, ends_by_blank, names_of, primary
from crossfare.translate import junk
from crossfare.translate.outcome import Lost
from crossfare.types import Example

CHECKS = (
    "empty",
    "no-letters",
    "untranslated",
    "repeated",
    "truncated",
    "wrong-language",
    "lost-number",
    "length-ratio",
    "markup",
    "subtitle",
    "preamble",
    "one-for-many",
)
SHOWN = 5
"""Examples listed of each check."""

_WORD = re.compile(r"\w+")
_LINK = re.compile(r"\S*(?:://|www\.|@)\S*")
_NUMBER = re.compile(r"\d+(?:[.,:'’\u00a0\u202f]\d+)*|\d+(?: \d{3})+(?!\d)")
_CLOSERS = "\"'”’»«“„)]}›* \u00a0"
_FINAL = ".!?…。！？؟।։"
_SENTENCE = 3  # words
_ROMAN = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was found among the translations of a dataset.

    ``checked``  distinct texts looked at
    ``counts``   examples with a finding, by check
    ``examples`` ids of the first ones, by check
    ``skipped``  checks that could not be made, with what they need
    ``flagged``  of every example with a finding, its checks
    """

    checked: int
    counts: Mapping[str, int]
    examples: Mapping[str, tuple[str, ...]]
    skipped: Mapping[str, str] = field(default_factory=dict)
    flagged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def losses(self) -> list[Lost]:
        """The flagged examples as lost ones, for who drops them: the checks are the reason."""
        return [Lost(name, f"lint: {', '.join(checks)}") for name, checks in self.flagged.items()]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON; of the flagged examples, their number."""
        return {**asdict(self), "flagged": len(self.flagged)}


def lint_examples(
    originals: Sequence[Example], translated: Sequence[Example], *, source: str, target: str
) -> LintReport:
    """Lint a translated dataset: each text of an example against that of the original with the same id."""
    by_id = {example.id: example for example in originals}
    triples = (
        (example.id, given, made)
        for example in translated
        if example.id in by_id
        for given, made in zip(by_id[example.id].texts, example.texts, strict=False)
    )
    return lint_texts(triples, source=source, target=target)


def lint_texts(triples: Iterable[tuple[str, str, str]], *, source: str, target: str) -> LintReport:
    """Lint translations given as (example id, source text, translation).

    Texts that several examples share are looked at once.
    """
    owners: dict[tuple[str, str], list[str]] = {}
    for example_id, given, made in triples:
        owners.setdefault((given, made), []).append(example_id)
    checks, skipped = _checks(source, target)
    whole = {
        "length-ratio": _odd_lengths(list(owners), source, target),
        "one-for-many": junk.one_for_many(list(owners)),
    }
    found: dict[str, dict[str, None]] = {}
    for pair, ids in owners.items():
        named = [name for name, check in checks.items() if check(*pair)] if pair[1].strip() else []
        if pair[0].strip() and not pair[1].strip():
            named.append("empty")
        named += [name for name, pairs in whole.items() if pair in pairs]
        for example_id in ids:
            found.setdefault(example_id, {}).update(dict.fromkeys(named))
    flagged = {example_id: tuple(names) for example_id, names in found.items() if names}
    counts = {name: sum(name in names for names in flagged.values()) for name in CHECKS if name not in skipped}
    examples = {
        name: tuple(example_id for example_id, names in flagged.items() if name in names)[:SHOWN]
        for name, count in counts.items()
        if count
    }
    return LintReport(len(owners), counts, examples, skipped, flagged)


Check = Callable[[str, str], bool]


def _checks(source: str, target: str) -> tuple[dict[str, Check], dict[str, str]]:
    """The checks of a text against its source, for two languages, and those that cannot be made."""
    checks: dict[str, Check] = {
        "no-letters": junk.letterless,
        "repeated": _repeated,
        "lost-number": _lost_number,
        "markup": junk.marked_up,
        "subtitle": junk.subtitled,
        "preamble": partial(junk.announced, names=names_of(target)),
    }
    skipped: dict[str, str] = {}
    if primary(source) == primary(target):
        return checks, skipped
    checks["untranslated"] = _untranslated
    if not (ends_by_blank(source) or ends_by_blank(target)):
        checks["truncated"] = _truncated
    if find_spec("py3langid") is None:
        skipped["wrong-language"] = "pip install 'crossfare[lint]'"
    elif not {primary(source), primary(target)} <= _known_languages():
        skipped["wrong-language"] = "the language is not one that py3langid tells"
    else:
        checks["wrong-language"] = lambda given, made: _wrong_language(given, made, primary(source), primary(target))
    return checks, skipped


def _untranslated(given: str, made: str) -> bool:
    """The source again. Names, numbers and titles may stay: it takes three words that are none of them."""
    if " ".join(given.split()).casefold() != " ".join(made.split()).casefold():
        return False
    words: list[str] = [word for word in _WORD.findall(_LINK.sub("", given)) if not any(map(str.isdigit, word))]
    if any(word != word.casefold() or word != word.upper() for word in words):  # a script with two cases
        return sum(word.islower() for word in words) >= 3
    return sum(map(len, words)) >= 8


def _repeated(given: str, made: str) -> bool:
    """A phrase four times in a row (a single word five times) or all of it twice, and more often than in the source."""
    most = _loops(made)
    return (most > 3 and most > _loops(given)) or (_doubled(made) and not _doubled(given))


def _doubled(text: str) -> bool:
    """Whether a text of several words says all of it twice."""
    words = _WORD.findall(text.casefold())
    half = len(words) // 2
    return half >= _SENTENCE and len(words) == 2 * half and words[:half] == words[half:]


def _loops(text: str) -> int:
    """How often the most repeated phrase stands in a row; a single word counts one less."""
    words = _WORD.findall(text.casefold())
    if len(words) < 8 and len(text) > 12 * (len(words) or 1):  # a script without blanks: letters are its words
        words = [character for character in text if character.isalpha()]
    most = 1
    for size in _distances(words):
        run = 0
        for position in range(size, len(words)):
            run = run + 1 if words[position] == words[position - size] else 0
            if run and not words[position].isdigit():
                most = max(most, run // size + 1 - (size == 1))
    return most


def _distances(words: Sequence[str]) -> set[int]:
    """How far apart equal words follow each other, up to what fits into the text four times."""
    last: dict[str, int] = {}
    found = set()
    for position, word in enumerate(words):
        found.add(position - last.get(word, position))
        last[word] = position
    return {size for size in found if 0 < size <= len(words) // 4}


def _truncated(given: str, made: str) -> bool:
    """The source ends as a sentence does, with a final mark; the translation ends in the middle."""
    return _ends(given) and not _ends(made) and len(_WORD.findall(given)) > 3


def _ends(text: str) -> bool:
    return text.rstrip().rstrip(_CLOSERS).endswith(tuple(_FINAL)) or text.rstrip().endswith((":", ";"))


def _lost_number(given: str, made: str) -> bool:
    """A number of two digits or more in the source that stands nowhere in the translation.

    Separators may differ (1,000 and 1.000), a year may lose its century, thousands may become a
    word, a century Roman, an afternoon hour grow by twelve.
    """
    there = {_digits(number) for number in _NUMBER.findall(made)}
    joined = "".join(character for character in made if character.isdigit())
    return any(
        len(_digits(number)) > 1
        and not any(form in there for form in _forms(number))
        and _digits(number) not in joined
        and not _as_roman(number, made)
        for number in _NUMBER.findall(given)
    )


def _digits(number: str) -> str:
    return "".join(str(int(c)) for c in number if c.isdecimal())


def _forms(number: str) -> set[str]:
    """The ways a number may be written with digits."""
    digits = _digits(number)
    forms = {digits, digits.lstrip("0"), digits.rstrip("0") if "." in number or "," in number else digits}
    while digits.endswith("000"):  # 5,000: 5 mil
        digits = digits[:-3]
        forms.add(digits)
    if len(digits) == 4:
        forms.add(digits[2:])  # the 1980s: los años 80
    hour, colon, minutes = number.partition(":")
    if colon or len(digits) <= 2:
        later = str(int(_digits(hour) or 0) % 12 + 12)
        forms |= {later, later + _digits(minutes), _digits(hour)}
    return forms - {""}


def _as_roman(number: str, text: str) -> bool:
    value = int(_digits(number) or 0)
    if not 0 < value <= 30 or not number.isdigit():
        return False
    roman = ""
    for worth, letters in _ROMAN:
        roman += letters * (value // worth)
        value %= worth
    return re.search(rf"\b{roman}\b", text) is not None


_SURE = 0.9
_LETTERS = 40


def _wrong_language(given: str, made: str, source: str, target: str) -> bool:
    """Another language than the target's, with near certainty, in a text long enough to tell.

    Told apart are the target's, the source's and English; a source that is not in its own language
    is not held against the translation.
    """
    letters = sum(map(str.isalpha, made))
    if letters < (_LETTERS // 3 if by_characters(target) else _LETTERS):
        return False
    candidates = tuple(sorted({source, target, "en"}))
    language, sure = _identify(made, candidates)
    return language != target and sure > _SURE and _identify(given, candidates)[0] == source


def _identify(text: str, candidates: tuple[str, ...]) -> tuple[str, float]:
    language, sure = _identifier(candidates).classify(text)
    return str(language), float(sure)


@lru_cache(maxsize=8)
def _identifier(candidates: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    made = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    made.set_languages(list(candidates))
    return made


@lru_cache(maxsize=1)
def _known_languages() -> frozenset[str]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return frozenset(LanguageIdentifier.from_model_file(MODEL_FILE).labels)


_FEWEST = 50  # pairs that a spread can be estimated from
_FURTHEST = 5.0  # robust standard deviations
_SHORTEST = 20  # characters of the longer text
_LONGEST_RATIO = 4.0


def _odd_lengths(pairs: Sequence[tuple[str, str]], source: str, target: str) -> set[tuple[str, str]]:
    """Pairs whose ratio of lengths is far from that of the others, or where there are few, from 1.

    Scripts that write a word with one or two signs are compared with each other only.
    """
    ratios = {
        pair: math.log(len(pair[1].strip()) / len(pair[0].strip()))
        for pair in pairs
        if pair[0].strip() and pair[1].strip() and max(map(len, pair)) >= _SHORTEST
    }
    if len(ratios) >= _FEWEST:
        middle = median(ratios.values())
        spread = 1.4826 * median(abs(ratio - middle) for ratio in ratios.values())
        return {pair for pair, r in ratios.items() if abs(r - middle) > max(_FURTHEST * spread, _tolerated(pair))}
    if by_characters(source) != by_characters(target):
        return set()
    return {pair for pair, ratio in ratios.items() if abs(ratio) > max(math.log(_LONGEST_RATIO), _tolerated(pair))}


def _tolerated(pair: tuple[str, str]) -> float:
    """Short texts vary more: what is tolerated falls with the root of their length, towards a factor of two."""
    return math.log(2) + 4 / math.sqrt(max(map(len, pair)))
