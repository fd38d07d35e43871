"""`load` and `save` around the formats: selection, guesses, gzip, and every message for a bad file."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from crossfare.data import FORMATS, load, save
from crossfare.data.loading import guess_language, guess_split
from crossfare.errors import ConfigError, CrossfareError, DataError
from crossfare.tasks import TASKS
from crossfare.types import Answer, Dataset, PairExample, QAExample, content_revision

MNLI = "gold_label\tsentence1\tsentence2\nentailment\tA.\tB.\nneutral\tC.\tD.\n-\tE.\tF.\n"


def squad(*questions: dict[str, object], context: str = "Paris is big.") -> str:
    return json.dumps({"data": [{"title": "T", "paragraphs": [{"context": context, "qas": list(questions)}]}]})


def question(id_: object = "q", **keys: object) -> dict[str, object]:
    return {"id": id_, "question": "?", "answers": [{"text": "Paris", "answer_start": 0}], **keys}


# --- what load returns


def test_a_dataset_knows_its_name_split_language_and_revision(tmp_path: Path) -> None:
    path = tmp_path / "mnli_dev.tsv"
    path.write_text(MNLI)
    loaded = load(path, language="en")
    assert loaded.dataset.name == "mnli_dev"
    assert (loaded.dataset.language, loaded.dataset.split) == ("en", "validation")
    assert loaded.dataset.revision == content_revision(loaded.dataset.examples)
    assert loaded.report.unlabelled == ("3",)
    assert loaded.dataset.examples[2].label is None


@pytest.mark.parametrize(
    ("name", "language", "split"),
    [
        ("xquad.de.json", "de", None),
        ("dev-vi.tsv", "vi", "validation"),
        ("dev-context-vi-question-en.json", "vi", "validation"),
        ("tydiqa.goldp.en.train.json.gz", "en", "train"),
        ("sample-v1.1-pt.json.gz", "pt", None),
        ("SICK_trial.txt", None, "validation"),
        ("train.json", None, "train"),
        ("en-de.train.tsv", None, "train"),
        ("train_test.tsv", None, None),
    ],
)
def test_language_and_split_are_guessed_only_where_one_fits(name: str, language: str | None, split: str | None) -> None:
    assert (guess_language(Path(name)), guess_split(Path(name))) == (language, split)


def test_what_is_given_wins_over_the_guess_and_the_report_says_so(tmp_path: Path) -> None:
    path = tmp_path / "dev-vi.tsv"
    path.write_text(MNLI)
    given, guessed = load(path, language="de", split="test"), load(path)
    assert (given.dataset.language, given.dataset.split, given.report.language_from) == ("de", "test", "given")
    assert (guessed.dataset.language, guessed.report.language_from) == ("vi", "file name")


def test_nothing_known_is_und_and_unknown(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(MNLI)
    loaded = load(path)
    assert (loaded.dataset.language, loaded.dataset.split, loaded.report.language_from) == ("und", "unknown", "unknown")


def test_limit_takes_the_first_and_a_seed_draws_a_sample_in_order(tmp_path: Path) -> None:
    path = tmp_path / "many.tsv"
    path.write_text("sentence1\tsentence2\tgold_label\n" + "".join(f"p{i}\th{i}\tneutral\n" for i in range(100)))
    assert [e.id for e in load(path, limit=3).dataset.examples] == ["1", "2", "3"]
    drawn = [int(e.id) for e in load(path, limit=10, seed=7).dataset.examples]
    assert drawn == sorted(set(drawn))
    assert len(drawn) == 10
    assert drawn != list(range(1, 11))
    assert drawn == [int(e.id) for e in load(path, limit=10, seed=7).dataset.examples]
    assert drawn != [int(e.id) for e in load(path, limit=10, seed=8).dataset.examples]
    loaded = load(path, limit=500, seed=7)
    assert (loaded.report.selected, loaded.report.read) == (100, 100)


def test_skip_passes_over_the_first_so_that_parts_of_a_file_share_nothing(tmp_path: Path) -> None:
    path = tmp_path / "few.tsv"
    path.write_text("sentence1\tsentence2\tgold_label\n" + "".join(f"p{i}\th{i}\tneutral\n" for i in range(10)))
    parts = [load(path, limit=4), load(path, skip=4), load(path, skip=4, limit=2, seed=3)]
    ids = [{e.id for e in part.dataset.examples} for part in parts]
    assert ids[:2] == [{"1", "2", "3", "4"}, {"5", "6", "7", "8", "9", "10"}]
    assert len(ids[2]) == 2
    assert ids[2] < ids[1]
    with pytest.raises(DataError, match="skip=10 leaves nothing of 10 examples"):
        load(path, skip=10)


def test_the_embedded_world(tmp_path: Path) -> None:
    german = load("world:nli", language="de", split="validation")
    assert (german.dataset.task, german.dataset.language, german.report.format) == ("nli", "de", "embedded")
    save(german.dataset, tmp_path / "a.jsonl")
    assert load(tmp_path / "a.jsonl").dataset == german.dataset


# --- files


@pytest.mark.parametrize("name", ["a.tsv.gz", "a.tsv"])
def test_gzip_by_suffix_byte_order_mark_and_crlf(tmp_path: Path, name: str) -> None:
    raw = ("\ufeff" + MNLI.replace("\n", "\r\n")).encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    assert [e.hypothesis for e in load(tmp_path / name).dataset.examples] == ["B.", "D.", "F."]


def test_saving_gzip_is_deterministic_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    examples = (PairExample("1", "p", "h", "neutral"),)
    dataset = Dataset("d", "nli", "train", "en", examples, content_revision(examples))
    save(dataset, tmp_path / "new" / "a.jsonl.gz")
    save(dataset, tmp_path / "new" / "b.jsonl.gz")
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["a.jsonl.gz", "b.jsonl.gz"]
    assert (tmp_path / "new/a.jsonl.gz").read_bytes() == (tmp_path / "new/b.jsonl.gz").read_bytes()
    assert load(tmp_path / "new" / "a.jsonl.gz").dataset == dataset


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("old")
    with pytest.raises(DataError, match="lone surrogate"):
        save(Dataset("d", "nli", "train", "en", (PairExample("1", "\ud800", "h", "neutral"),)), path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tsv"]
    assert path.read_text() == "old"


def test_a_text_that_begins_with_a_byte_order_mark_keeps_it(tmp_path: Path) -> None:
    examples = (PairExample("1", "\ufeffp", "h", "neutral"),)
    save(Dataset("d", "nli", "train", "en", examples), tmp_path / "a.tsv", "xtreme")
    assert load(tmp_path / "a.tsv").dataset.examples == examples


# --- formats are data


def test_every_format_has_its_own_name_and_task() -> None:
    assert len({(row.task, row.name) for row in FORMATS}) == len(FORMATS)
    assert {row.task for row in FORMATS} == {None, *TASKS}
    assert all(row.read or row.open for row in FORMATS)


def test_format_overrides_recognition(tmp_path: Path) -> None:
    path = tmp_path / "odd.tsv"
    path.write_text("sentence_A\tsentence_B\tneutral\n")  # one pair of the XTREME layout, though it looks like SICK
    (example,) = load(path, format="xtreme").dataset.examples
    assert (example.premise, example.label) == ("sentence_A", "neutral")


@pytest.mark.parametrize("premise", ["<b>", "{", "[1]", '"', ""])
def test_a_premise_may_look_like_the_beginning_of_another_format(tmp_path: Path, premise: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(f"{premise}\th\tneutral\n")
    loaded = load(path)
    assert (loaded.report.format, loaded.dataset.examples[0].premise) == ("xtreme", premise)


# --- messages: (file name, content, how load is called, message after the path)

BAD = [
    ("a.json", "", {}, ": the file is empty; check that it was downloaded or written completely"),
    ("a.json", " \n\n", {}, ": the file is empty; check that it was downloaded or written completely"),
    (
        "a.json",
        '{"data": [\n  {"title": "x",\n   oops}]}',
        {},
        ", line 3, column 4: broken JSON (Expecting property name enclosed in double quotes); "
        "correct it or fetch the file again",
    ),
    (
        "a.json",
        squad(question("1"), {"id": "2", "question": "?", "answers": [{"text": "Paris"}]}),
        {},
        ": data[0].paragraphs[0].qas[1].answers[0].answer_start is missing; SQuAD v1.1 JSON is "
        "data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}",
    ),
    (
        "a.json",
        squad(question("1", answers=[{"text": "Paris", "answer_start": "0"}])),
        {},
        ': data[0].paragraphs[0].qas[0].answers[0].answer_start must be a whole number, not "0"; SQuAD v1.1 JSON is '
        "data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}",
    ),
    (
        "a.json",
        "[1]",
        {},
        ": the top level must be an object, not [1]; SQuAD v1.1 JSON is "
        "data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}",
    ),
    (
        "a.json",
        '{"data": {}}',
        {},
        ": data must be a list, not {}; SQuAD v1.1 JSON is "
        "data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}",
    ),
    ("a.json", '{"data": []}', {}, ": holds no question; check that it is the complete file"),
    (
        "a.json",
        squad(question("1", answers=[{"text": "London", "answer_start": 0}]), question("2", answers=[])),
        {},
        ": none of its 2 questions can be used (1 have no answer, 1 only answers that do not occur in their context); "
        "check that contexts and answers belong together",
    ),
    (
        "a.json",
        squad(question("1"), context="Paris \ud800"),
        {},
        ": data[0].paragraphs[0].context holds the lone surrogate '\\ud800' at offset 6, which is not valid Unicode; "
        "correct the text",
    ),
    (
        "a.tsv",
        "a\tb\tneutral\nc\td\n",
        {},
        ", line 2: 2 columns, not 3 (premise, hypothesis, label); "
        "columns are separated by one tab, and a sentence may not hold one",
    ),
    (
        "a.tsv",
        "a\tb\tneutral\nc\td\tmaybe\n",
        {},
        ", line 2: unknown label 'maybe'; known are entailment, neutral, contradiction and - for none; say with labels "
        "what others mean, such as {maybe: neutral}",
    ),
    (
        "a.tsv",
        "gold_label\tsentence1\tsentence2\nneutral\ta\tb\tc\n",
        {},
        ", line 2: 4 columns, not 3 (gold_label, sentence1, sentence2); columns are separated by one tab, and a "
        "sentence may not hold one",
    ),
    (
        "a.tsv",
        "sentence1\tsentence2\tx\na\tb\tc\n",
        {},
        ", line 1: the header lacks gold_label (it has sentence1, sentence2, x); "
        "correct it, or name another format with format=",
    ),
    (
        "a.tsv",
        "sentence1\tsentence2\tgold_label\tx\tx\n",
        {},
        ", line 1: the header names x twice; rename or remove one",
    ),
    ("a.tsv", "sentence1\tsentence2\tgold_label\n", {}, ": holds no pair; check that it is the complete file"),
    (
        "a.jsonl",
        '{"premise": "a", "hypothesis": "b", "label": "neutral"}\n{"premise": "a", "label": "neutral"}\n',
        {},
        ", line 2: lacks hypothesis; add it, or name another format with format=",
    ),
    (
        "a.jsonl",
        '{"premise": "a", "hypothesis": "b", "label": 1}\n',
        {},
        ", line 1: unknown label '1'; numbers are known by their order only: say it with labels, such as [entailment, "
        "neutral, contradiction] if 0 is entailment (as on the hub)",
    ),
    (
        "a.jsonl",
        '{"premise": "a", "hypothesis": "b", "label": "neutral"}\n{"premise"\n',
        {},
        ", line 2, column 11: broken JSON (Expecting ':' delimiter); one JSON object per line",
    ),
    (
        "a.tsv",
        "language\tgold_label\tsentence1\tsentence2\nde\tneutral\ta\tb\nvi\tneutral\ta\tb\n",
        {},
        ": holds 2 languages (de, vi); say which with language=",
    ),
    (
        "a.tsv",
        "language\tgold_label\tsentence1\tsentence2\nde\tneutral\ta\tb\n",
        {"language": "pt"},
        ": has no row in language 'pt'; it holds de",
    ),
    (
        "a.xml",
        "<entailment-corpus>\n<pair id='1' entailment='None'><t>a</t></pair>\n</entailment-corpus>",
        {},
        ", line 2: the pair lacks <h>; add it",
    ),
    (
        "a.xml",
        "<entailment-corpus>\n<pair id='1' entailment='nil'><t>a</t><h>b</h></pair></entailment-corpus>",
        {},
        ", line 2: unknown label 'nil'; known are entailment, neutral, contradiction and - for none; say with labels "
        "what others mean, such as {nil: neutral}",
    ),
    (
        "a.xml",
        "<entailment-corpus>\n<pair>\n</entailment-corpus>",
        {},
        ", line 3: broken XML (mismatched tag); correct it or fetch the file again",
    ),
    (
        "a.xml",
        "<?xml version='1.0'?>\n<!DOCTYPE x [<!ENTITY e 'boom'>]>\n<x>&e;</x>",
        {},
        ", line 2: document types and entities are not allowed; remove the DOCTYPE",
    ),
    (
        "a.txt",
        "just a line\n",
        {},
        ": format not recognised, its first line is 'just a line'; if it is a table, say which column is which with "
        "columns, such as {premise: NAME}, or name the format with format= (one of crossfare, parquet, nli-jsonl, "
        "qa-jsonl, labels-jsonl, nli-json, qa-json, squad, labels-json, labels-tsv, labels-csv, assin, xnli, mnli, "
        "sick, xnli-mt, nli-tsv, nli-csv, qa-tsv, qa-csv, xtreme)",
    ),
    ("a.tsv", MNLI, {"task": "qa"}, ": holds nli data (format mnli), not qa; name another file"),
    (
        "a.jsonl",
        '{"crossfare": 1, "name": "x", "task": "nli", "split": "s", "language": "en", "revision": "?", '
        '"origin": null, "examples": 2}\n{"id": "1", "premise": "a", "hypothesis": "b", "label": null}\n',
        {},
        ": cut short, 1 of 2 examples are there; write it again",
    ),
    (
        "a.jsonl",
        '{"crossfare": 9}\n',
        {},
        ", line 1: artifact version 9, this crossfare reads 1; write the dataset again",
    ),
]


@pytest.mark.parametrize(("name", "content", "call", "message"), BAD)
def test_a_bad_file_is_named_with_its_place_and_a_remedy(
    tmp_path: Path, name: str, content: str, call: dict[str, str], message: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(DataError) as caught:
        load(path, **call)
    assert str(caught.value) == f"{path}{message}"
    assert "\n" not in str(caught.value)


def test_not_utf8_names_the_line_and_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "latin1.tsv"
    path.write_bytes("a\tb\tneutral\nação\tb\tneutral\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"line 2: not UTF-8 \(byte 0xe7 at offset 13\); convert the file to UTF-8"):
        load(path)


@pytest.mark.parametrize("raw", [b"not gzip", gzip.compress(b"x" * 1000, mtime=0)[:-9]], ids=["other", "cut short"])
def test_broken_gzip(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(raw)
    with pytest.raises(DataError, match="not a complete gzip file"):
        load(path)


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "train.json.gz").write_bytes(b"")
    with pytest.raises(DataError, match=r"train\.json: no such file; did you mean .*train\.json\.gz\?"):
        load(tmp_path / "train.json")
    with pytest.raises(DataError, match=r"folder .* does not exist either"):
        load(tmp_path / "nowhere" / "train.json")
    with pytest.raises(DataError, match=r"is a folder in no known format .*; name a file in it"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"limit": 0}, "limit=0 selects nothing"),
        ({"labels": "binary"}, "labels: 'binary' is neither a mapping from the file's labels"),
        ({"format": "csv"}, "format 'csv' is not known; choose one of crossfare, parquet, nli-jsonl"),
    ],
)
def test_a_wrong_argument_is_a_config_error(tmp_path: Path, call: dict[str, object], message: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(MNLI)
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(path, **call)


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("world:mt", "the embedded data is world:qa, world:nli and world:ranking"),
        ("world:qa", "needs a language (en, pt, de, vi) and a split"),
    ],
)
def test_world_references(ref: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(ref)


def test_two_classes_are_for_pairs(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(squad(question()))
    with pytest.raises(ConfigError, match="is for NLI"):
        load(path, labels="two-class")


QA = Dataset("d", "qa", "train", "en", (QAExample("1", "Paris is", "?", (Answer("Paris", 0),)),))
NLI = Dataset("d", "nli", "train", "en", (PairExample("x", "a\tb", "h", "contradiction", (("genre", "f"),)),))


@pytest.mark.parametrize(
    ("dataset", "name", "format_name", "message"),
    [
        (QA, "a.tsv", None, "no qa format has the suffix '.tsv'; use one of .json, .jsonl or name a format"),
        (QA, "a.tsv", "mnli", "dataset 'd' holds qa data, not pairs; save it as .json or .jsonl"),
        (NLI, "a.json", "squad", "example 'x' is no question"),
        (NLI, "a.tsv", None, "example 'x': 'a\\tb' holds a tab or line end, which a tab-separated file cannot hold"),
        (NLI, "a.tsv", "xtreme", "dataset 'd' has the columns genre, which the xtreme format cannot hold"),
        (NLI, "a.xml", None, "example 'x': the assin format has no label for contradiction; save as .jsonl, or load"),
    ],
)
def test_nothing_is_left_out_silently_when_saving(
    tmp_path: Path, dataset: Dataset, name: str, format_name: str | None, message: str
) -> None:
    with pytest.raises(CrossfareError, match=re.escape(message)):
        save(dataset, tmp_path / name, format_name)
    assert list(tmp_path.iterdir()) == []
