"""What a provider counts as a billed character, against the examples of its own documentation."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.ledger import Catalogue, Counting

CATALOGUE = Catalogue.load()
KINDS: tuple[Literal["code-point", "utf-16", "byte"], ...] = ("code-point", "utf-16", "byte")


def rule(offer: str) -> Counting:
    counting = CATALOGUE.get(offer).counting
    assert counting is not None
    return counting


@pytest.mark.parametrize(
    ("offer", "text", "billed"),
    [
        # Google counts tags: a paragraph of five characters is billed as twelve.
        ("google-translate", "<p>こんにちは</p>", 12),
        ("google-translate", "\N{GRINNING FACE}", 1),
        ("azure-translator", "\N{GRINNING FACE}", 2),  # "Unicode surrogate pairs count as two characters"
        ("azure-translator", "<a>é </a>", 9),
        ("deepl-api", "é", 1),  # "represented as two bytes in UTF-8 ... only considers this as one character"
        ("deepl-api", '<h1 style="color:red;">This is an important title</h1>', len("This is an important title")),
        ("deepl-api", "a\tb\n", 4),
    ],
)
def test_the_rules_of_shipped_offers(offer: str, text: str, billed: int) -> None:
    assert rule(offer).billed(text) == billed


def test_bytes_white_space_and_a_minimum() -> None:
    assert Counting("byte").billed("é x") == 4
    assert Counting(white_space=False).billed(" a\u00a0b\n") == 2
    assert Counting(minimum=5).billed("ab") == 5
    assert Counting(minimum=5).billed("abcdefg") == 7
    assert str(Counting(minimum=50_000)) == "counts code points, blanks billed, tags billed, at least 50,000 a request"


@given(st.text())
def test_no_rule_bills_more_than_bytes_or_less_than_bare_code_points(text: str) -> None:
    code_points, units, size = (Counting(kind).billed(text) for kind in KINDS)
    assert Counting(white_space=False, markup="free").billed(text) <= code_points <= units <= size
    assert code_points == len(text)
