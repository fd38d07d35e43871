"""An identity translation of published data changes nothing but the language tag."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfare import data
from crossfare.translate import engine, translate_dataset

QA_FILES = [
    "faquad/train.json",
    *(f"mlqa/dev/dev-context-{pair}.json" for pair in ("de-question-de", "en-question-vi", "es-question-es")),
    "mlqa/dev/dev-context-vi-question-en.json",
    "squad/train-v1.1.first12.json.gz",
    "squad-pt-google/sample-v1.1-pt.json.gz",
    "squadshifts/new_wiki_v1.0.json.gz",
    "tydiqa/tydiqa.goldp.en.train.json.gz",
    *(f"xquad/xquad.{language}.json" for language in ("de", "en", "es", "vi")),
]
NLI_FILES = [
    "assin2/assin2-dev.xml",
    "assin2/assin2-train-only.xml.gz",
    "mnli/mnli_train.tsv.gz",
    "mnli/mnli_validation.tsv.gz",
    "sick/SICK_train.txt",
    "sick/SICK_trial.txt",
    *(f"xnli/dev-{language}.tsv" for language in ("de", "en", "es", "vi")),
]


def test_no_file_is_forgotten(shared_data: Path) -> None:
    """MLQA pairs contexts of one language with questions of several: one file per context language is enough."""
    folders = (
        "assin2",
        "faquad",
        "mlqa",
        "mnli",
        "sick",
        "squad",
        "squad-pt-google",
        "squadshifts",
        "tydiqa",
        "xnli",
        "xquad",
    )
    there = {str(path.relative_to(shared_data)) for folder in folders for path in (shared_data / folder).rglob("*.*")}
    assert {name for name in there - {*QA_FILES, *NLI_FILES} if not name.startswith("mlqa/dev/")} == set()


@pytest.mark.parametrize("name", [*QA_FILES, *NLI_FILES])
def test_echo_loses_and_moves_nothing(shared_data: Path, name: str) -> None:
    source = data.load(shared_data / name).dataset
    # Sentences are the harder way for QA; pairs are cut alike by either.
    made = translate_dataset(source, engine("echo", granularity="sentence"), target="pt")
    assert made.report.lost == made.report.answers_dropped == ()
    assert made.yield_.rate == 1.0
    assert made.dataset.examples == source.examples
    assert made.dataset.revision == source.revision
