"""Languages: the one table of them for the whole program.

`tags` reads BCP 47, script and region by CLDR; `table` says of each language its name and what BM25 does with its
words; `writing` how text is cut into words, by script; `codes` and `services` what each engine calls a language.
"""

from crossfare.languages.codes import find_code, named
from crossfare.languages.table import LANGUAGES, NONE, known_languages, language_name, name_is_pinned, names_of
from crossfare.languages.tags import Variety, has_usual_script, language_tag, primary, variety
from crossfare.languages.writing import (
    WordRule,
    bleu_tokenizer,
    by_characters,
    ends_by_blank,
    is_unspaced,
    unspaced_characters,
    word_rule,
    writes_in_pairs,
)

__all__ = [
    "LANGUAGES",
    "NONE",
    "Variety",
    "WordRule",
    "bleu_tokenizer",
    "by_characters",
    "ends_by_blank",
    "find_code",
    "has_usual_script",
    "is_unspaced",
    "known_languages",
    "language_name",
    "language_tag",
    "name_is_pinned",
    "named",
    "names_of",
    "primary",
    "unspaced_characters",
    "variety",
    "word_rule",
    "writes_in_pairs",
]
