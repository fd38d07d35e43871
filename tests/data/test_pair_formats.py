"""MNLI, XNLI, XTREME, SICK and ASSIN: crafted files of each layout, and round trips of odd text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfare.data import load, save
from crossfare.types import Dataset, PairExample, content_revision

XNLI_HEADER = (
    "language gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse sentence1 "
    "sentence2 promptID pairID genre label1 label2 label3 label4 label5 sentence1_tokenized sentence2_tokenized match"
)
XNLI = XNLI_HEADER.split()


def xnli_file(path: Path) -> Path:
    rows = [
        {"language": language, "gold_label": label, "sentence1": f"p-{language}", "sentence2": f"h{n}-{language}"}
        | {"promptID": "1", "pairID": str(n), "genre": "facetoface", "label1": label, "match": "True"}
        for language in ("ar", "de", "vi")
        for n, label in ((1, "neutral"), (2, "contradiction"), (3, "entailment"))
    ]
    lines = ["\t".join(XNLI), *("\t".join(row.get(column, "") for column in XNLI) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_original_xnli_filters_by_language(tmp_path: Path) -> None:
    loaded = load(xnli_file(tmp_path / "xnli.dev.tsv"), language="vi")
    assert loaded.report.format == "xnli"
    assert [(e.id, e.premise, e.hypothesis, e.label) for e in loaded.dataset.examples] == [
        ("1", "p-vi", "h1-vi", "neutral"),
        ("2", "p-vi", "h2-vi", "contradiction"),
        ("3", "p-vi", "h3-vi", "entailment"),
    ]
    assert dict(loaded.dataset.examples[0].extra)["genre"] == "facetoface"
    assert loaded.report.other_languages == (("ar", 3), ("de", 3))


def test_original_xnli_is_written_with_its_nineteen_columns(tmp_path: Path) -> None:
    dataset = load(xnli_file(tmp_path / "xnli.dev.tsv"), language="vi").dataset
    save(dataset, tmp_path / "again" / "xnli.dev.tsv", "xnli")
    text = (tmp_path / "again" / "xnli.dev.tsv").read_text()
    assert text.split("\n")[0].split("\t") == XNLI
    again = load(tmp_path / "again" / "xnli.dev.tsv")
    assert (again.dataset, again.report.language_from) == (dataset, "file")


def test_jsonl_with_the_keys_of_mnli(tmp_path: Path) -> None:
    rows = [
        {"annotator_labels": ["neutral", "entailment"], "genre": "oup", "gold_label": "-", "pairID": "8e"}
        | {"promptID": 8, "sentence1": ' From "Home"', "sentence2": "Modern\tthings.\n"},
        {"gold_label": "neutral", "pairID": "9n", "sentence1": "a", "sentence2": "b"},
    ]
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    loaded = load(path)
    first = loaded.dataset.examples[0]
    assert (first.id, first.premise, first.hypothesis, first.label) == ("8e", ' From "Home"', "Modern\tthings.\n", None)
    assert dict(first.extra) == {"annotator_labels": '["neutral", "entailment"]', "genre": "oup", "promptID": "8"}
    save(loaded.dataset, tmp_path / "out" / "m.jsonl", "nli-jsonl")
    written = json.loads((tmp_path / "out" / "m.jsonl").read_text().split("\n")[0])
    assert written["annotator_labels"] == ["neutral", "entailment"]
    assert load(tmp_path / "out" / "m.jsonl").dataset == loaded.dataset


def test_jsonl_filters_by_language_and_takes_plain_keys(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    row = {"premise": "a", "hypothesis": "b", "label": None}
    path.write_text("".join(json.dumps({**row, "language": x}) + "\n" for x in ("de", "pt", "de")))
    loaded = load(path, language="de")
    assert [(e.id, e.label) for e in loaded.dataset.examples] == [("1", None), ("2", None)]
    assert loaded.report.unlabelled == ("1", "2")


def test_rows_of_mnli_may_leave_out_the_last_annotators(tmp_path: Path) -> None:
    path = tmp_path / "m.txt"
    path.write_text(
        "gold_label\tsentence1\tsentence2\tpairID\tlabel1\tlabel2\tlabel3\nneutral\ta\tb\t31193n\tneutral\n"
    )
    (example,) = load(path).dataset.examples
    assert example == PairExample("31193n", "a", "b", "neutral", (("label1", "neutral"),))


def test_machine_translated_mnli_of_xnli(tmp_path: Path) -> None:
    path = tmp_path / "multinli.train.de.tsv"
    path.write_text("premise\thypo\tlabel\na\tb\tcontradictory\n")
    loaded = load(path)
    assert (loaded.report.format, loaded.dataset.language) == ("xnli-mt", "de")
    assert loaded.dataset.examples[0].label == "contradiction"
    save(loaded.dataset, tmp_path / "out.tsv", "xnli-mt")
    assert (tmp_path / "out.tsv").read_text() == path.read_text()


def test_quotes_are_characters_and_only_line_feeds_end_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    odd = 'He said "no\u2028one", \u00a0"\x85\x0b\x0c\x1c'
    path.write_bytes(f'{odd}\t"\tneutral\na\t{odd}\tentailment\n'.encode())
    first, second = load(path).dataset.examples
    assert (first.premise, first.hypothesis, second.hypothesis) == (odd, '"', odd)


ASSIN = """<?xml version='1.0' encoding='utf-8'?>
<entailment-corpus>
  <pair entailment="Entailment" id="1" similarity="4.5"><t>A &amp; B</t><h> &lt;b&gt; </h></pair>
  <pair entailment="None" id="2" similarity="1.0"><t>c</t><h>d</h></pair>
  <pair entailment="Paraphrase" id="3" similarity="5.0"><t>e</t><h/></pair>
  <pair id="4"><t>blind</t><h>test</h></pair>
</entailment-corpus>
"""


def test_assin_labels_ids_and_similarity(tmp_path: Path) -> None:
    path = tmp_path / "assin.xml"
    path.write_bytes(ASSIN.replace("\n", "\r\n").encode())
    loaded = load(path)
    assert [e.label for e in loaded.dataset.examples] == ["entailment", "neutral", "paraphrase", None]
    first, _, third, _ = loaded.dataset.examples
    assert first == PairExample("1", "A & B", " <b> ", "entailment", (("similarity", "4.5"),))
    assert third.hypothesis == ""
    assert loaded.report.unlabelled == ("4",)
    two = load(path, labels="two-class").dataset.examples
    assert [e.label for e in two] == ["entailment", "neutral", "entailment", None]
    save(loaded.dataset, tmp_path / "out" / "assin.xml")
    assert load(tmp_path / "out" / "assin.xml").dataset == loaded.dataset
    assert 'entailment="None" id="2"' in (tmp_path / "out" / "assin.xml").read_text()


def test_sick_keeps_the_relatedness(tmp_path: Path) -> None:
    path = tmp_path / "SICK_train.txt"
    text = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n6\ta\tb\t4.5\tCONTRADICTION\n"
    path.write_text(text.replace("\n", "\r\n"), newline="")
    (example,) = load(path).dataset.examples
    assert example == PairExample("6", "a", "b", "contradiction", (("relatedness_score", "4.5"),))
    save(load(path).dataset, tmp_path / "out.txt", "sick")
    assert (tmp_path / "out.txt").read_text() == text


# --- any text, any format

LABELS = {
    "mnli": ("entailment", "neutral", "contradiction", None),
    "xnli": ("entailment", "neutral", "contradiction", None),
    "xnli-mt": ("entailment", "neutral", "contradiction", None),
    "sick": ("entailment", "neutral", "contradiction"),
    "xtreme": ("entailment", "neutral", "contradiction", None),
    "nli-jsonl": ("entailment", "neutral", "contradiction", None),
    "assin": ("entailment", "neutral", "paraphrase", None),
    "crossfare": ("entailment", "neutral", "contradiction", "paraphrase", None),
}
TABULAR = {"mnli", "xnli", "xnli-mt", "sick", "xtreme"}


def texts(format_name: str) -> st.SearchStrategy[str]:
    banned = "\t\n\r" if format_name in TABULAR else ""
    if format_name == "assin":
        banned = "".join(map(chr, range(32))).translate(dict.fromkeys(map(ord, "\t\n\r"))) + "\ufffe\uffff"
    odd = [c for c in "a\"' \u00a0\u2028\x85\ufeffe\u0301&<>]😀\\\t\n\r[{" if c not in banned]
    return st.text(
        st.sampled_from(odd) | st.characters(exclude_categories=["Cs"], exclude_characters=banned), max_size=12
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pairs")


@pytest.mark.parametrize("format_name", list(LABELS))
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_any_pairs_survive(folder: Path, format_name: str, data: st.DataObject) -> None:
    text = texts(format_name)
    number = data.draw(st.integers(1, 4))
    ids = [str(i + 1) for i in range(number)]
    extras: st.SearchStrategy[dict[str, str]] = st.just({})
    if format_name != "xtreme":
        ids = data.draw(st.lists(text, min_size=number, max_size=number, unique=True))
        extras = st.dictionaries(st.sampled_from(["genre", "match", "similarity"]), text.filter(bool))
    examples = tuple(
        PairExample(
            id_,
            data.draw(text),
            data.draw(text),
            data.draw(st.sampled_from(LABELS[format_name])),
            tuple(sorted(data.draw(extras).items())),
        )
        for id_ in ids
    )
    dataset = Dataset("d", "nli", "train", "de", examples, content_revision(examples))
    path = folder / "d.x"
    save(dataset, path, format_name)
    assert load(path, format=format_name, language="de", split="train").dataset == dataset
    assert load(path, language="de", split="train").report.format == format_name
