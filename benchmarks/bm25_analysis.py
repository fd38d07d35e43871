"""What analysis in the language of the text is worth to BM25, on published data.

    python benchmarks/bm25_analysis.py DATA

Prints MRR@10 of each set in each setting. DATA holds the files named in ``SETS``; none of them is part of this
repository. In the SQuAD-format sets a question is a query, and its own paragraph the one relevant passage.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from crossfare import data, retrieve
from crossfare.score import ranking


class Set(NamedTuple):
    """Where a set lies; ``relevant`` is the grade from which on a passage counts."""

    language: str
    ref: str
    qrels: str | None = None
    collection: str | None = None
    relevant: int = 1


SETS = {
    "TREC DL 2019 (judged slice)": Set(
        "en",
        "msmarco-dl19/queries.tsv",
        "msmarco-dl19/qrels.dl19-passage.txt",
        "msmarco-dl19/collection.tsv.gz",
        relevant=2,
    ),
    "Cranfield": Set("en", "cranfield"),
    "FaQuAD": Set("pt", "faquad/train.json"),
    **{f"XQuAD {tag}": Set(tag, f"xquad/xquad.{tag}.json") for tag in ("en", "de", "es", "vi")},
    **{f"MLQA {tag}": Set(tag, f"mlqa/dev/dev-context-{tag}-question-{tag}.json") for tag in ("en", "de", "es", "vi")},
}

SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "`preset: anserini`": {"preset": "anserini"},
    "`stemmer: none`": {"stemmer": "none"},
    "`stop_words: none`": {"stop_words": "none"},
    "English analysis": {"stemmer": "english", "stop_words": "english"},
}


def mrr(folder: Path, of: Set, options: dict[str, Any]) -> float:
    """MRR@10 of BM25 on one set in one setting."""
    path = folder / of.ref
    qrels, collection = (None if name is None else str(folder / name) for name in (of.qrels, of.collection))
    loaded = data.load(
        str(path), task="ranking", language=of.language, split="test", qrels=qrels, collection=collection
    )
    passages = data.passages(collection or str(path), language=of.language, split="test")
    queries = [(example.id, example.query) for example in loaded.dataset.examples]  # type: ignore[union-attr]
    with TemporaryDirectory() as name:
        index = retrieve.build(passages, Path(name) / "index", retrieve.BM25.configured(of.language, options))
        run = index.search(queries, 10)
    return ranking.score(loaded.dataset, run, relevant=of.relevant)[0].value


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    folder = parser.parse_args().data
    print(f"| set | language | {' | '.join(SETTINGS)} |")
    print(f"|---|---|{'---|' * len(SETTINGS)}")
    for name, of in SETS.items():
        values = [f"{mrr(folder, of, options):.3f}".lstrip("0") for options in SETTINGS.values()]
        print(f"| {name} | {of.language} | {' | '.join(values)} |", flush=True)


if __name__ == "__main__":
    main()
