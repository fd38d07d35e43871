"""What the stages that read files of a spec share: `dataset` and `existing`."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from crossfare import data, translate
from crossfare.data.reading import READING_KEYS
from crossfare.errors import DataError
from crossfare.types import Dataset, Example, PairExample, QAExample, Step, content_revision


def load_data(step: Step) -> data.Loaded:
    """Load the dataset of a step as it asks for it."""
    params, ref = step.params, cast("str", step.runtime["ref"])
    kept_ids = step.runtime["ids_of"]
    told = {key: params[key] for key in READING_KEYS if key in params}
    loaded = data.load(
        ref,
        task=params["task"],
        language=params["language"],
        split=params["split"],
        format=params.get("format"),
        limit=None if kept_ids else params.get("limit"),
        seed=params["seed"],
        skip=0 if kept_ids else params.get("skip", 0),
        **told,
        unescape=params.get("unescape", False),
        **{name: step.runtime[name] for name in ("collection", "qrels", "queries") if step.runtime.get(name)},
    )
    if not kept_ids:
        return loaded
    wanted = {example.id for example in data.load(kept_ids, task=params["task"], **told).dataset.examples}
    examples = tuple(example for example in loaded.dataset.examples if example.id in wanted)
    examples = examples[params.get("skip", 0) :][: params.get("limit")]
    if not examples:
        raise DataError(f"{ref}: no example has an id of {kept_ids}; check ids_of in the spec")
    return replace(loaded, dataset=with_examples(loaded.dataset, examples))


def with_examples(dataset: Dataset, examples: tuple[Example, ...]) -> Dataset:
    """The dataset with these examples alone."""
    return replace(dataset, examples=examples, revision=content_revision(examples))


def projection_of(step: Step) -> translate.Projection | None:
    """How a step carries answers into its translation, where the spec says so."""
    chosen = step.runtime.get("projection")
    return translate.Projection(**chosen) if chosen else None


def billed_characters(dataset: Dataset) -> int:
    """Code points an API bills for a dataset: each context once, and in ranking each query and passage."""
    texts: list[str] = []
    once: set[str] = set()
    for example in dataset.examples:
        if isinstance(example, QAExample):
            texts.append(example.question)
            once.add(example.context)
        elif isinstance(example, PairExample):
            texts += example.texts
        else:
            once.update(example.texts)
    return sum(map(len, texts)) + sum(map(len, once))
