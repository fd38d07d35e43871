"""Every published QA and NLI file: read, written in its own format, read again; counts as its table states."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from crossfare.data import Loaded, artifact, load, save
from crossfare.types import QAExample

# path, language guessed from the name, questions
QA_FILES = [
    ("squad/train-v1.1.first12.json.gz", "und", 4370),
    ("squad-pt-google/sample-v1.1-pt.json.gz", "pt", 3286),
    ("squadshifts/new_wiki_v1.0.json.gz", "und", 7938),
    ("tydiqa/tydiqa.goldp.en.train.json.gz", "en", 3696),
    *[(f"xquad/xquad.{language}.json", language, 612) for language in ("en", "de", "vi", "es")],
    ("mlqa/dev/dev-context-en-question-en.json", "en", 532),
    ("mlqa/dev/dev-context-de-question-de.json", "de", 238),
    ("mlqa/dev/dev-context-vi-question-vi.json", "vi", 225),
    ("mlqa/dev/dev-context-es-question-es.json", "es", 244),
    ("mlqa/dev/dev-context-de-question-en.json", "de", 238),
    ("mlqa/dev/dev-context-vi-question-en.json", "vi", 225),
    ("mlqa/dev/dev-context-en-question-de.json", "en", 238),
    ("mlqa/dev/dev-context-en-question-vi.json", "en", 225),
    ("faquad/train.json", "und", 837),
]

# path, language guessed, format, pairs labelled entailment, neutral, contradiction
NLI_FILES = [
    ("assin2/assin2-train-only.xml.gz", "und", "assin", (3250, 3250, 0)),
    ("assin2/assin2-dev.xml", "und", "assin", (250, 250, 0)),
    *[(f"xnli/dev-{language}.tsv", language, "xtreme", (830, 830, 830)) for language in ("en", "de", "vi", "es")],
    ("mnli/mnli_train.tsv.gz", "und", "mnli", (3213, 3326, 3349)),
    ("mnli/mnli_validation.tsv.gz", "und", "mnli", (2183, 1995, 2060)),
    ("sick/SICK_train.txt", "und", "sick", (1299, 2536, 665)),
    ("sick/SICK_trial.txt", "und", "sick", (144, 282, 74)),
]


@cache
def read(path: Path) -> Loaded:
    return load(path)


@pytest.mark.parametrize(("name", "language", "questions"), QA_FILES)
def test_question_counts(shared_data: Path, name: str, language: str, questions: int) -> None:
    loaded = read(shared_data / name)
    assert loaded.report.read == questions
    assert (loaded.dataset.language, loaded.dataset.task, loaded.report.format) == (language, "qa", "squad")
    assert len({e.id for e in loaded.dataset.examples}) == len(loaded.dataset)


@pytest.mark.parametrize(("name", "language", "format_name", "counts"), NLI_FILES)
def test_pair_counts(
    shared_data: Path, name: str, language: str, format_name: str, counts: tuple[int, int, int]
) -> None:
    loaded = read(shared_data / name)
    labels = Counter(e.label for e in loaded.dataset.examples)
    assert tuple(labels[x] for x in ("entailment", "neutral", "contradiction")) == counts
    assert loaded.report.read == len(loaded.dataset) == sum(counts)
    assert (loaded.dataset.language, loaded.dataset.task, loaded.report.format) == (language, "nli", format_name)


@pytest.mark.parametrize("name", [row[0] for row in QA_FILES + NLI_FILES])
def test_written_and_read_again_it_is_equal(shared_data: Path, tmp_path: Path, name: str) -> None:
    loaded = read(shared_data / name)
    again = tmp_path / Path(name).name
    save(loaded.dataset, again, loaded.report.format)
    assert load(again).dataset == loaded.dataset


@pytest.mark.parametrize(
    "name", ["faquad/train.json", "xquad/xquad.vi.json", "xnli/dev-vi.tsv", "assin2/assin2-dev.xml", QA_FILES[3][0]]
)
def test_the_artifact_is_lossless(shared_data: Path, tmp_path: Path, name: str) -> None:
    dataset = read(shared_data / name).dataset
    path = artifact.write(dataset, tmp_path / "step")
    assert artifact.read(tmp_path / "step") == dataset
    assert load(path).dataset == dataset


@pytest.mark.parametrize("name", [row[0] for row in QA_FILES])
def test_every_answer_is_a_span_of_its_context(shared_data: Path, name: str) -> None:
    for example in read(shared_data / name).dataset.examples:
        assert isinstance(example, QAExample)
        assert example.answers
        for answer in example.answers:
            assert example.context[answer.start : answer.start + len(answer.text)] == answer.text


def test_faquad_repairs_thirty_answers_and_says_which(shared_data: Path) -> None:
    loaded = read(shared_data / "faquad/train.json")
    assert len(loaded.report.repaired) == 30
    assert (loaded.report.lost, loaded.report.answers) == ((), 3 * 837)
    contexts = {e.id: e.context for e in loaded.dataset.examples if isinstance(e, QAExample)}
    for repair in loaded.report.repaired:
        context = contexts[repair.id]
        assert not context.startswith(repair.text, repair.given)
        assert context.startswith(repair.text, repair.found)
        nearest = min(abs(i - repair.given) for i in range(len(context)) if context.startswith(repair.text, i))
        assert abs(repair.found - repair.given) == nearest


def test_the_google_translation_loses_1176_answers_and_lists_them(shared_data: Path) -> None:
    loaded = read(shared_data / "squad-pt-google/sample-v1.1-pt.json.gz")
    assert len(loaded.report.lost) == len(set(loaded.report.dropped)) == 1176
    assert [x.id for x in loaded.report.lost] == list(loaded.report.dropped)
    assert len(loaded.dataset) == 3286 - 1176
    assert any("&quot;" in e.context for e in loaded.dataset.examples if isinstance(e, QAExample))
    assert any("1,176" in line for line in loaded.report.summary())


def test_tydiqa_ids_repeat_and_are_made_unique(shared_data: Path) -> None:
    loaded = read(shared_data / "tydiqa/tydiqa.goldp.en.train.json.gz")
    assert len(loaded.report.renamed) == 3607
    assert all(new.startswith(f"{old}#") for old, new in loaded.report.renamed)


def test_squadshifts_says_which_key_is_not_carried_over(shared_data: Path) -> None:
    assert read(shared_data / "squadshifts/new_wiki_v1.0.json.gz").report.ignored == ("data[].split",)


def test_xquad_is_parallel_and_keeps_its_byte_order_mark_inside_a_context(shared_data: Path) -> None:
    languages = [read(shared_data / f"xquad/xquad.{x}.json").dataset.examples for x in ("en", "de", "vi", "es")]
    assert len({tuple(e.id for e in examples) for examples in languages}) == 1
    first = languages[3][0]
    assert isinstance(first, QAExample)
    assert first.context.startswith("\ufeff")


def test_the_two_class_mapping(shared_data: Path) -> None:
    pairs = load(shared_data / "xnli/dev-de.tsv", labels="two-class").dataset.examples
    assert Counter(e.label for e in pairs) == {"entailment": 830, "neutral": 1660}
