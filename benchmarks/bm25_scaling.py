"""How long the BM25 index takes to build and search, and how much memory, as the collection grows.

    python benchmarks/bm25_scaling.py [passages ...]

Text is synthetic: about 56 words a passage, drawn from a million words by Zipf's law, the most frequent of them the
stop words of English; a query is six words of one passage. Each measurement runs in a process of its own, so that its
peak memory is its own. The peer is bm25s used as its documentation says (its tokeniser, the same stemmer and stop
words, numba), measured in the same run on collections up to 100,000 passages. Both are timed from the text of a query
to the ids and scores of its passages; the scores are checked to be equal.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import ratios
from crossfare import retrieve
from crossfare.retrieve.analysis import stop_list
from crossfare.types import Passage

SIZES = (10_000, 100_000, 1_000_000)
PEER_UP_TO = 100_000
QUERIES = 200
DEPTH = 1000
VOCABULARY = 1_000_000
CHUNK = 10_000


def words() -> list[str]:
    """The vocabulary, most frequent first: stop words, then random strings of 2 to 11 letters."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(2, 12, size=VOCABULARY)
    letters = "".join(map(chr, rng.integers(97, 123, size=int(lengths.sum())).tolist()))
    ends = np.cumsum(lengths).tolist()
    made = (letters[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True))
    return list(dict.fromkeys([*stop_list("english"), *made]))


def texts(size: int) -> Iterator[str]:
    """Passages whose words follow Zipf's law (exponent 1.07, as Mandelbrot shifted it)."""
    vocabulary = words()
    rng = np.random.default_rng(2)
    weights = np.cumsum(1 / (np.arange(len(vocabulary)) + 2.7) ** 1.07)
    for done in range(0, size, CHUNK):
        lengths = np.clip(rng.normal(56, 25, size=min(CHUNK, size - done)), 8, 200).astype(int)
        drawn = np.searchsorted(weights, rng.random(int(lengths.sum())) * weights[-1])
        for end, length in zip(np.cumsum(lengths).tolist(), lengths.tolist(), strict=True):
            yield " ".join([vocabulary[rank] for rank in drawn[end - length : end].tolist()])


def lines(folder: Path) -> Iterator[str]:
    """The passages as they lie on disk."""
    with (folder / "texts").open(encoding="utf-8") as file:
        yield from file


def queries(folder: Path) -> list[str]:
    """Six words each of the first passages."""
    rng = np.random.default_rng(3)
    firsts = (line.split() for line, _ in zip(lines(folder), range(QUERIES), strict=False))
    return [" ".join(rng.choice(line, 6).tolist()) for line in firsts]


def build(folder: Path, _: str) -> float:
    """Seconds to build the index from the file."""
    began = time.process_time()
    passages = (Passage(f"p{number}", text) for number, text in enumerate(lines(folder)))
    retrieve.build(passages, folder / "index", retrieve.BM25("en"))
    return time.process_time() - began


def search(folder: Path, backend: str) -> float:
    """Seconds per query, after a first one that opens files and compiles."""
    index = retrieve.Index.open(folder / "index", backend=backend)  # type: ignore[arg-type]
    asked = [(str(number), text) for number, text in enumerate(queries(folder))]
    return per_query(lambda: index.search(asked[:1], DEPTH), lambda: index.search(asked, DEPTH))


def peer_build(folder: Path, _: str) -> float:
    """Seconds that bm25s takes to tokenise and index the same texts."""
    import bm25s

    began = time.process_time()
    index = bm25s.BM25(k1=0.82, b=0.68, method="lucene", backend="numba")
    index.compile()
    index.index(_tokenised(list(lines(folder))), show_progress=False)
    index.save(folder / "peer", show_progress=False)
    return time.process_time() - began


def peer_search(folder: Path, backend: str) -> float:
    """Seconds per query of bm25s from texts to named passages with scores, whose order of equal scores is left open."""
    import bm25s

    index = bm25s.BM25.load(folder / "peer", mmap=True, backend=backend, show_progress=False)
    asked = queries(folder)
    names = [f"p{number}" for number in range(index.scores["num_docs"])]

    def answered(some: list[str]) -> list[list[tuple[str, float]]]:
        found, scores = index.retrieve(_tokenised(some), k=DEPTH, show_progress=False)
        rows = zip(found.tolist(), scores.tolist(), strict=True)
        return [[(names[at], score) for at, score in zip(*row, strict=True) if score > 0] for row in rows]

    check_equal(folder, answered(asked))
    return per_query(lambda: answered(asked[:1]), lambda: answered(asked))


def check_equal(folder: Path, theirs: list[list[tuple[str, float]]]) -> None:
    """Refuse to compare speeds where the best scores of a query differ."""
    index = retrieve.Index.open(folder / "index")
    own = index.search([(str(number), text) for number, text in enumerate(queries(folder))], DEPTH)
    for mine, other in zip(own, theirs, strict=True):
        np.testing.assert_allclose([score for _, score in mine.scores], [score for _, score in other], rtol=1e-4)


def _tokenised(of: list[str]) -> list[list[str]]:
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    made: list[list[str]] = bm25s.tokenize(of, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False)
    return made


def per_query(warm_up: Callable[[], object], work: Callable[[], object]) -> float:
    """CPU seconds of ``work`` per query."""
    warm_up()
    began = time.process_time()
    work()
    return (time.process_time() - began) / QUERIES


def peak_gigabytes() -> float:
    """Peak resident memory of this process; ``ru_maxrss`` would count what the parent held when it forked."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e9  # type: ignore[index]


MEASURES = {"build": build, "search": search, "peer-build": peer_build, "peer-search": peer_search}


def measured(name: str, folder: Path, backend: str = "numpy") -> tuple[float, float]:
    """Seconds and peak memory in GB of one measurement in a fresh process."""
    command = [sys.executable, __file__, "--measure", name, "--folder", str(folder), "--backend", backend]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, gigabytes = json.loads(output)
    return seconds, gigabytes


def rows(size: int, found: list[ratios.Ratio]) -> Iterator[str]:
    """Lines of the table for one size; ``found`` gets the ratios to the peer."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "texts").open("w", encoding="utf-8") as file:
            file.writelines(f"{text}\n" for text in texts(size))
        built, searched = measured("build", folder), {}
        for backend in ("numpy", "numba"):
            searched[backend] = measured("search", folder, backend)
            yield row(size, f"crossfare, {backend}", built, searched[backend], folder / "index")
        if size <= PEER_UP_TO:
            theirs = measured("peer-build", folder)
            found.append(_ratio(f"BM25, indexing {size:,} passages", "bm25s", theirs, built))
            for backend in ("numpy", "numba"):
                other = measured("peer-search", folder, backend)
                what = f"BM25, searching {size:,} passages with {backend}"
                found.append(_ratio(what, f"bm25s, {backend}", other, searched[backend]))
                yield row(size, f"bm25s, {backend}", theirs, other, folder / "peer")


def _ratio(what: str, peer: str, theirs: tuple[float, float], ours: tuple[float, float]) -> ratios.Ratio:
    return ratios.Ratio(what, peer, theirs[0] / ours[0], 0.7, "equal scores")


def row(size: int, engine: str, built: tuple[float, float], searched: tuple[float, float], folder: Path) -> str:
    """One line of the table."""
    megabytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    cells = [
        f"{size:,}",
        engine,
        f"{built[0]:.1f}",
        f"{built[1]:.2f}",
        f"{megabytes:,.0f}",
        f"{1 / searched[0]:,.0f}",
        f"{searched[1]:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = ratios.parser(__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--backend", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        seconds = MEASURES[given.measure](given.folder, given.backend)
        print(json.dumps([seconds, peak_gigabytes()]))
        return
    print("| passages | engine | build, s | build, GB | index, MB | queries/s, top 1000 | search, GB |")
    print("|---|---|---|---|---|---|---|")
    found: list[ratios.Ratio] = []
    for size in given.sizes:
        for line in rows(size, found):
            print(line, flush=True)
    ratios.keep(given.ratios, found)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
