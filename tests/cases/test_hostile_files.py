"""Files that are broken on purpose: each is read, or refused in one line; nothing else is raised."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from crossfare.data import artifact, files, inspect, load, passages, read_qrels, read_run, save, tabulate
from crossfare.errors import CrossfareError, DataError
from crossfare.ledger.price_file import read as read_prices
from crossfare.strict import dump_yaml

QUESTION = {"id": "q1", "question": "Where?", "answers": [{"text": "Rome", "answer_start": 13}]}
SQUAD = {"data": [{"title": "T", "paragraphs": [{"context": "Ana lives in Rome.", "qas": [QUESTION]}]}]}
PAIRS = [
    {"sentence1": "a b", "sentence2": "c é", "gold_label": label, "pairID": str(number), "language": "de"}
    for number, label in enumerate(("neutral", "entailment", "-"))
]
OFFER = {
    "offer": "mine",
    "unit": "character",
    "per": 1000,
    "amount": "20.5",
    "valid_from": "2025-01-01",
    "source": "me",
}
SEEDS = {
    "squad.json": json.dumps(SQUAD, indent=1),
    "pairs.jsonl": "".join(json.dumps(pair) + "\n" for pair in PAIRS),
    "mnli.tsv": "promptID\tsentence1\tsentence2\tlabel1\tgold_label\n1\ta b\tc d\tneutral\tneutral\n",
    "xtreme.tsv": "a b\tc d\tneutral\ne\tf\tentailment\n",
    "sick.txt": "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n1\ta\tb\t4.5\tNEUTRAL\n",
    "assin.xml": '<entailment-corpus>\n<pair entailment="None" id="1">\n<t>a &amp; b</t>\n<h>c</h>\n</pair>\n'
    "</entailment-corpus>",
    "corpus.jsonl": '{"_id": "p1", "title": "t", "text": "some text"}\n{"_id": "p2", "text": "other"}\n',
    "queries.tsv": "1\twhat is x\n2\twhere is y\n",
    "qrels.txt": "1 0 p1 1\n1 0 p2 0\n",
    "run.txt": "1 Q0 p1 1 3.5 tag\n1 Q0 p2 2 2.5 tag\n",
    "cran.qry": ".I 001\n.W\nwhat similarity laws\n.I 002\n.W\nwhat are\n",
    "price.yaml": dump_yaml({"checked": "2026-01-01", "offers": [OFFER]}),
}
PIECES = [
    "\x00",
    "\x1b[2J",
    "9" * 5000,
    "-1",
    "NaN",
    "1e999",
    "null",
    "true",
    "{}",
    "[]",
    "[" * 200,
    '"',
    "\t",
    "\n",
    "\r",
    ",",
    ":",
    "\\ud800",
    "\\u0000",
    "\u2028",
    "\ufeff",
    "<!DOCTYPE a [<!ENTITY b 'c'>]>",
    "<t>",
    "</t>",
    "<pair id='1'>",
    "&b;",
    "&#0;",
    "\u0663",
    "1_000",
    "inf",
    "premise\thypothesis\tlabel",
    '{"crossfare": 1,',
    "!!int x",
    "&a",
    "*a",
    "- ",
    "\ud800",
]


def mutated(text: str, rng: random.Random) -> bytes:
    for _ in range(rng.randint(1, 4)):
        place, choice = rng.randrange(len(text) + 1), rng.random()
        if choice < 0.5:
            text = text[:place] + rng.choice(PIECES) * rng.choice((1, 1, 40)) + text[place:]
        elif choice < 0.75:
            text = text[:place] + text[place + rng.randint(1, 40) :]
        else:
            other = rng.randrange(len(text) + 1)
            text = text[:place] + text[other : other + rng.randint(1, 100)] + text[place:]
    return text.encode("utf-8", "surrogatepass")


def kept(path: Path) -> None:
    """What was read is written and read again."""
    dataset = load(path).dataset
    for suffix in (".json", ".jsonl", ".tsv", ".xml"):
        try:
            save(dataset, path.with_name(f"out{suffix}"))
        except CrossfareError:
            continue
    assert artifact.read(artifact.write(dataset, path.parent / "made")).examples == dataset.examples


USES: dict[str, tuple[Callable[[Path], object], ...]] = {
    "qrels.txt": (read_qrels,),
    "run.txt": (read_run,),
    "price.yaml": (read_prices,),
    "corpus.jsonl": (lambda path: list(passages(path)),),
}
READ: tuple[Callable[[Path], object], ...] = (
    lambda path: tabulate(inspect(str(path))),
    kept,
    lambda path: load(path, task="ranking"),
)


@pytest.mark.parametrize("name", [*SEEDS, "artifact.jsonl"])
def test_mutated_files_are_read_or_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "squad.json").write_text(SEEDS["squad.json"], encoding="utf-8")
    seed = SEEDS.get(name) or artifact.render(load(tmp_path / "squad.json").dataset)
    rng = random.Random(name)
    refused = 0
    for _ in range(60):
        (tmp_path / name).write_bytes(mutated(seed, rng))
        for use in USES.get(name, READ):
            try:
                use(tmp_path / name)
            except CrossfareError as error:
                refused += 1
                assert "\n" not in str(error)
                str(error).encode()
    assert refused > 20


ARTIFACT = artifact.render(load("world:qa", language="en", split="test", limit=1).dataset)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("id", 1, "line 2: not an example of task qa (1 where text must stand)"),
        ("context", None, "(null where text must stand)"),
        ("question", ["a"], "where text must stand)"),
        ("title", False, "(false where text must stand)"),
        ("answers", [["a", 1.5]], "(1.5 where a whole number must stand)"),
        ("answers", [["a", True]], "(true where a whole number must stand)"),
        ("answers", [[None, 0]], "(null where text must stand)"),
    ],
)
def test_an_artifact_with_a_value_of_another_kind_is_refused(
    tmp_path: Path, key: str, value: object, told: str
) -> None:
    header, example = map(json.loads, ARTIFACT.splitlines())
    path = tmp_path / "d.jsonl"
    path.write_text(f"{json.dumps(header)}\n{json.dumps({**example, key: value})}\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        artifact.read(path)
    assert told in str(caught.value)


@pytest.mark.parametrize("key", ["name", "split", "language", "revision", "examples", "origin"])
def test_a_header_with_a_value_of_another_kind_is_refused(tmp_path: Path, key: str) -> None:
    header, example = map(json.loads, ARTIFACT.splitlines())
    path = tmp_path / "d.jsonl"
    path.write_text(f"{json.dumps({**header, key: [1]})}\n{json.dumps(example)}\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 1: not a header"):
        artifact.read(path)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<pair id='1'><t>a<t>b</t></t><h>c</h></pair>", "<t> stands inside <t>"),
        ("<pair id='1'><t>a<pair id='2'><t>b</t><h>c</h></pair></t></pair>", "<pair> stands inside <t>"),
        ("<pair id='1'><pair id='2'><t>b</t><h>c</h></pair></pair>", "<pair> stands inside <pair>"),
    ],
)
def test_assin_parts_that_stand_in_each_other_are_refused(tmp_path: Path, body: str, told: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(f"<entailment-corpus>{body}</entailment-corpus>", encoding="utf-8")
    with pytest.raises(DataError, match=told):
        load(path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_files_without_end_are_refused_before_they_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(files, "_LARGEST", 1 << 20)
    monkeypatch.setattr(files, "_LONGEST_LINE", 1 << 16)
    monkeypatch.setattr(files, "_MOST_EMPTY", 1000)
    path = tmp_path / name
    pack = gzip.compress if name.endswith(".gz") else bytes
    for text, told in ((b"x" * (1 << 17), "more than 0 MiB"), (b"\n" * 2000, "are empty")):
        path.write_bytes(pack(text))
        with pytest.raises(DataError, match=told):
            list(files.stream_lines(path))
    path.write_bytes(pack(b"x" * 1000 + b"\n" * (1 << 20)))
    with pytest.raises(DataError, match="more than 1 MiB, too much to be read at once"):
        files.read_text(path)


def test_many_answers_and_heaps_of_marks_take_no_time(tmp_path: Path) -> None:
    marks, letters = "e" + "\u0301\u0323" * 30_000, "a" * 200_000
    for context, text in ((marks, "x"), (letters, "a" * 80_000)):
        answers = [{"text": text, "answer_start": 150_000}]
        qas = [QUESTION | {"answers": answers}, QUESTION | {"id": "2", "answers": [{"text": "e", "answer_start": 0}]}]
        data = {"data": [{"paragraphs": [{"context": f"e{context}", "qas": qas}]}]}
        (tmp_path / "d.json").write_text(json.dumps(data), encoding="utf-8")
        assert load(tmp_path / "d.json").report.read == 2


@pytest.mark.parametrize("name", ["x" * 3000, "a\0b"])
@pytest.mark.parametrize("format_name", [None, "beir", "cranfield", "quati", "squad"])
def test_a_name_that_no_file_can_have_is_one_line(name: str, format_name: str | None) -> None:
    for use in (load, inspect, passages):
        with pytest.raises(DataError, match="cannot be read"):
            list(use(name, format=format_name))  # type: ignore[operator]
