"""The paper's sentences against its tables: intervals as published for their formulas, verdicts worked out by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scipy import stats

from crossfare import paper
from crossfare.paper import layout
from crossfare.paper.claims import claims, newcombe, wilson
from crossfare.paper.layout import claims_table
from crossfare.report import to_markdown

DOCS = Path(__file__).parents[2] / "docs" / "audit-paper.md"
CLAIMS = {claim.name: claim for claim in claims()}
NOISE, AGAINST = "within noise", "contradicted by its own table"


def test_intervals_are_those_of_their_authors() -> None:
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998a, Table I
    assert newcombe(9 / 10, 3 / 10, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)  # Newcombe 1998b, Table II, (c)
    low, high = stats.binomtest(52, 63).proportion_ci(method="wilson")
    assert wilson(52 / 63, 63) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("task-dependent", "supported"),
        ("state-of-the-art", "supported"),
        ("main-results", AGAINST),
        ("qa-zero-shot", NOISE),
        ("qa-competitive", AGAINST),
        ("qa-engines-quality", NOISE),
        ("nli-best", "supported"),
        ("nli-above-bert-en", "supported"),
        ("nli-above-zero-shot", AGAINST),
        ("nli-german", NOISE),
        ("nli-hours", AGAINST),
        ("nli-zero-shot-lower", "supported"),
        ("nli-all-good", AGAINST),
        ("ranking-bm25", "supported"),
        ("ranking-commercial", NOISE),
        ("ranking-joint", NOISE),
        ("ranking-open-cheaper", "supported"),
        ("engines", NOISE),
        ("extra-gains", NOISE),
        ("assin2-points", "supported"),
        ("faquad-points", NOISE),
        ("labelled-data", AGAINST),
    ],
)
def test_verdicts(name: str, verdict: str) -> None:
    assert CLAIMS[name].verdict == verdict


def test_what_is_behind_the_verdicts() -> None:
    def points(name: str, language: str) -> list[float]:
        return [round(100 * each.difference, 1) for each in CLAIMS[name].scores if each.over.language == language]

    assert points("nli-above-zero-shot", "pt") == [6.3]  # "almost up to 5 points"
    (joint, *_) = CLAIMS["extra-gains"].scores
    assert (joint.over.value, joint.under.value, round(joint.difference * joint.n)) == (0.9207, 0.9195, 3)
    assert points("qa-competitive", "de") == [-3.7]
    assert sum(each.difference < 0 for each in CLAIMS["main-results"].scores) == 7  # of 12
    faquad = CLAIMS["qa-zero-shot"].scores[0]
    assert (faquad.n, faquad.low < 0 < faquad.high) == (63, True)
    assert points("labelled-data", "vi") == [-14.8]
    assert round(100 * (wilson(0.8240, 63)[0] - 0.8240)) == -11  # the 11 points that 63 questions leave


def test_a_wider_claim_than_the_table_has_is_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures decide, not the file: with other scores the same sentences read otherwise."""
    from crossfare.paper import claims as module

    def raised(*args: object, **named: object) -> tuple[paper.PublishedScore, ...]:
        from dataclasses import replace

        found = paper.published_scores(*args, **named)  # type: ignore[arg-type]
        return tuple(replace(each, value=0.84) if (each.table, each.row) == (2, "(3)") else each for each in found)

    monkeypatch.setattr(module, "published_scores", raised)
    changed = {claim.name: claim.verdict for claim in claims()}
    assert changed["qa-zero-shot"] == AGAINST
    assert changed["nli-best"] == CLAIMS["nli-best"].verdict


def test_every_sentence_stands_in_the_paper_where_it_is_said_to(shared_data: Path) -> None:
    (file,) = (shared_data.parent / "paper").glob("*.txt")
    text = _plain(file.read_text(encoding="utf-8"))
    begins = {"abstract": "Abstract", "5": "Results Table 1", "5.1": "5.1Question", "5.2": "5.2Natural"}
    begins |= {"5.2.1": "Furthermore, we fine-tune", "5.3": "5.3Passage", "6": "Conclusion We investigate"}
    for claim in CLAIMS.values():
        start = text.index(_plain(begins[claim.section]))
        for part in claim.sentence.split(" ... "):  # where a table stands in between
            assert _plain(part) in text[start:], claim.name


def _plain(text: str) -> str:
    """Without what a line's end and the columns of the page put into it."""
    return re.sub(r"[\s\-\W]+", "", text).lower()


def test_the_page_shows_what_the_code_computes() -> None:
    """After a wanted change renew it with `python tests/paper/test_paper_claims.py` and read the difference."""
    assert _page() == DOCS.read_text(encoding="utf-8")


def _page() -> str:
    text = DOCS.read_text(encoding="utf-8")
    for name, table in (("test sets", layout.tested_table()), ("claims", claims_table(paper.audit()))):
        _, _, body = to_markdown(table).partition("\n\n")  # the page has headings of its own
        mark, end = f"<!-- computed: {name} -->", "<!-- end -->"
        before, _, rest = text.partition(mark)
        text = f"{before}{mark}\n\n{body}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    DOCS.write_text(_page(), encoding="utf-8")
