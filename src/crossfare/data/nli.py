"""Natural language inference: the layouts of MNLI, XNLI, XTREME and SICK (for ASSIN see `assin`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from crossfare.data.labelled import Layout
from crossfare.errors import ConfigError
from crossfare.types import Example, PairExample

LABELS: Mapping[str, str | None] = {
    "entailment": "entailment",
    "neutral": "neutral",
    "contradiction": "contradiction",
    "-": None,  # the annotators did not agree
}

TWO_CLASS = {"contradiction": "neutral", "paraphrase": "entailment"}
"""The paper's mapping of three classes to two (its section on NLI), and of ASSIN 1's third class."""


_XNLI_COLUMNS = (
    "language gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse sentence1 "
    "sentence2 promptID pairID genre label1 label2 label3 label4 label5 sentence1_tokenized sentence2_tokenized match"
)


def layout(
    name: str,
    id: str,
    premise: str,
    hypothesis: str,
    label: str,
    columns: Sequence[str] = (),
    labels: Mapping[str, str | None] = LABELS,
) -> Layout:
    """A layout of pairs, by the names of its columns."""
    return Layout(name, "nli", PairExample, id, (premise, hypothesis), label, tuple(columns), labels)


MNLI = layout("mnli", "pairID", "sentence1", "sentence2", "gold_label", ("gold_label", "sentence1", "sentence2"))
XNLI = replace(MNLI, name="xnli", columns=tuple(_XNLI_COLUMNS.split()))
XNLI_MT = layout(
    "xnli-mt",
    "id",
    "premise",
    "hypo",
    "label",
    ("premise", "hypo", "label"),
    {"entailment": "entailment", "neutral": "neutral", "contradictory": "contradiction", "-": None},
)
SICK = layout(
    "sick",
    "pair_ID",
    "sentence_A",
    "sentence_B",
    "entailment_judgment",
    ("pair_ID", "sentence_A", "sentence_B", "relatedness_score", "entailment_judgment"),
    {"ENTAILMENT": "entailment", "NEUTRAL": "neutral", "CONTRADICTION": "contradiction"},
)
PLAIN = layout("plain", "id", "premise", "hypothesis", "label", ("premise", "hypothesis", "label"))
XTREME = replace(PLAIN, name="xtreme", id="", header=False)


def two_class(examples: Sequence[Example]) -> tuple[Example, ...]:
    """Map labels to the two classes of ASSIN 2.

    Raises:
        ConfigError: the examples are not pairs.
    """
    return tuple(_two_class(e) for e in examples)


def _two_class(example: Example) -> PairExample:
    if not isinstance(example, PairExample):
        raise ConfigError("labels='two-class' is for NLI; leave it out for question answering")
    return replace(example, label=TWO_CLASS.get(example.label or "", example.label))
