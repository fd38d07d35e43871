"""The model card of an exported model: the hub's metadata, and in words what a reader must know to trust it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import crossfare
from crossfare import pretrained
from crossfare.data import artifact, catalog
from crossfare.data.catalog import CatalogEntry
from crossfare.data.files import stem
from crossfare.errors import ConfigError
from crossfare.experiment.files import read_yield
from crossfare.languages import primary
from crossfare.pretrained import Origin
from crossfare.report import Cell, Column, Table, to_markdown
from crossfare.report.names import metric_name, task_name
from crossfare.report.numbers import amount, score
from crossfare.serving.parts import Parts, public_name
from crossfare.strict import read_json
from crossfare.tasks import TASKS
from crossfare.translate.engines import declared
from crossfare.types import Step

_NON_COMMERCIAL = "non-commercial-training-data"
_COSTS = (
    ("translation", "translation, once"),
    ("annotation", "annotation, once"),
    ("fine_tuning", "fine-tuning, once"),
    ("translation_per_1k", "translation per 1,000 requests"),
    ("inference_per_1k", "inference per 1,000 requests"),
)


def card(parts: Parts) -> str:
    """The README.md of a cell's model: YAML header and text.

    Raises:
        ConfigError: the hub's library is not installed.
    """
    if find_spec("huggingface_hub") is None:
        raise ConfigError("exporting needs huggingface_hub: pip install 'crossfare[models]'")
    used, tested = _training_data(parts), _test_data(parts)
    base = pretrained.origin(parts.cell.checkpoint, _base_revision(parts))
    body = "\n".join(_body(parts, base, used, tested))
    return f"---\n{_metadata(parts, base, used, tested)}\n---\n\n{body}"


def _title(parts: Parts) -> str:
    cell = parts.cell
    return f"{public_name(cell.checkpoint)}, fine-tuned for {task_name(cell.task)} in {cell.target} by {cell.method}"


def _base_revision(parts: Parts) -> str:
    return str(parts.source(parts.predict, "model").params["model"])


def _metadata(parts: Parts, base: Origin, used: tuple[DataUse, ...], tested: DataUse) -> str:
    """The YAML header, as huggingface.co/docs/hub/model-cards documents it."""
    from huggingface_hub import EvalResult, ModelCardData

    cell, tag = parts.cell, TASKS[parts.cell.task].hub_task
    found = [
        EvalResult(
            task_type=tag,
            dataset_type=tested.hub or tested.name.replace(":", "-"),
            dataset_name=f"{tested.name} ({tested.language})",
            dataset_split=tested.split,
            dataset_revision=tested.revision,
            metric_type=each.metric,
            metric_name=metric_name(each.metric),
            metric_value=each.value,
        )
        for each in (parts.result.score, *parts.result.further_scores)
    ]
    licence = base.licence
    languages = dict.fromkeys(primary(language) for language in (_reads(parts), *(use.language for use in used)))
    metadata: str = ModelCardData(
        model_name=f"{parts.run.name} {cell.task} {cell.method} {cell.target}",
        language=list(languages),
        library_name="transformers",
        pipeline_tag=tag,
        tags=["crossfare", "cross-lingual-transfer", cell.method, *([_NON_COMMERCIAL] if _restricted(used) else [])],
        license=licence.name if licence else None,
        license_name=licence.full_name if licence else None,
        license_link=licence.link if licence else None,
        base_model=base.hub,
        datasets=list(dict.fromkeys(use.hub for use in used if use.hub)) or None,
        metrics=[each.metric for each in (parts.result.score, *parts.result.further_scores)],
        eval_results=found,
    ).to_yaml()
    return metadata


def _reads(parts: Parts) -> str:
    """The language that the model is given when it serves."""
    return parts.cell.source if parts.translating else parts.cell.target


def _body(parts: Parts, base: Origin, used: tuple[DataUse, ...], tested: DataUse) -> Iterator[str]:
    cell = parts.cell
    yield f"# {_title(parts)}\n"
    yield (
        f"One cell of the comparison `{parts.run.name}`, exported by crossfare {crossfare.__version__}: "
        f"task {cell.task}, method {cell.method}, source language {cell.source}, target language {cell.target}, "
        f"seed {cell.seed}.\n"
    )
    yield from _licence(parts, base, used)
    yield from _use(parts)
    yield to_markdown(_data((*used, tested)))
    yield to_markdown(_scores(parts, tested))
    yield to_markdown(_costs(parts))
    yield to_markdown(_training(parts))
    yield "## Limits\n"
    yield from (f"- {line}" for line in _limits(parts))
    yield ""


def _licence(parts: Parts, base: Origin, used: tuple[DataUse, ...]) -> Iterator[str]:
    yield "## Licence\n"
    name, found = _base_name(parts, base), base.licence
    if found:
        which = f"{found.name} ({found.full_name})" if found.full_name else found.name
        yield f"The base model, {name}, is given under {which}, as {found.stated_by} states.\n"
    else:
        yield (
            f"The licence of the base model, {name}, is not known: neither a model card nor a package states it. Find "
            "it out, and set `license` in the header, before publishing this model.\n"
        )
    if restricted := _restricted(used):
        yield f"**Trained on data for research or other non-commercial use only: {', '.join(restricted)}.**\n"
    yield "Training data have terms of their own:\n"
    yield from (f"- {title}: {licence}" for title, licence in dict.fromkeys((use.title, use.licence) for use in used))
    engines = (_engine(way) for step in _training_steps(parts) for way in _ways(parts, step))
    terms = {name: declared(name).licence for name in engines}
    yield from (f"- translated by {name}: {licence}" for name, licence in terms.items() if licence)
    yield ""


def _restricted(used: Iterable[DataUse]) -> list[str]:
    """The training sets that may not be used commercially."""
    return list(dict.fromkeys(use.title for use in used if use.non_commercial))


def _base_name(parts: Parts, base: Origin) -> str:
    """What the base model is called here, and on the hub."""
    name = public_name(parts.cell.checkpoint)
    return f"{name} ({base.hub})" if base.hub and base.hub != name.partition("@")[0] else name


def _use(parts: Parts) -> Iterator[str]:
    cell, length = parts.cell, parts.predict.params["options"]["max_length"]
    yield "## Use\n"
    if _reads(parts) != cell.target:
        yield (
            f"**This model reads {cell.source}.** What is asked in {cell.target} must be translated first, by the "
            f"engine `{cell.engine}` that the scores were made with; `crossfare serve` does both.\n"
        )
    task = TASKS[cell.task]
    loader, arguments = task.model_class, task.model_inputs
    if _is_seq2seq(parts):
        loader, arguments = "AutoModelForSeq2SeqLM", 'f"Query: {query} Document: {passage} Relevant:"'
    yield (
        "```python\n"
        f"from transformers import {loader}, AutoTokenizer\n\n"
        'tokenizer = AutoTokenizer.from_pretrained("FOLDER")\n'
        f'model = {loader}.from_pretrained("FOLDER")\n'
        f'inputs = tokenizer({arguments}, truncation=True, max_length={length}, return_tensors="pt")\n'
        "```\n"
    )
    yield f"Texts are given in Unicode NFC; {length} tokens are read at once.\n"


def _is_seq2seq(parts: Parts) -> bool:
    """Whether the model is a monoT5, which says one of two words for a query and a passage."""
    folder = parts.artifact(parts.source(parts.predict, "model"))
    return bool(read_json(folder / "config.json").get("is_encoder_decoder"))


def _data(uses: Sequence[DataUse]) -> Table:
    columns = ("role", "set", "split", "language", "examples", "revision", "licence", "how it was made")
    rows = (
        (use.role, use.name, use.split, use.language, f"{use.examples:,}", use.revision, use.licence, use.made)
        for use in uses
    )
    return _table("Data", columns, rows)


def _scores(parts: Parts, tested: DataUse) -> Table:
    rows = (
        (metric_name(each.metric), score(each.value), score(each.low), score(each.high), _number_of(each.n, parts))
        for each in (parts.result.score, *parts.result.further_scores)
    )
    note = f"{tested.name}, split {tested.split}, in {tested.language}; low to high is the 95 % bootstrap interval."
    return _table("Scores", ("metric", "score", "low", "high", "examples"), rows, note)


def _number_of(examples: int, parts: Parts) -> str:
    """How many examples a score is of; of a test file that holds more, "1 of 7"."""
    held = parts.result.held
    return f"{examples:,}" if held is None or examples >= held else f"{examples:,} of {held:,}"


def _costs(parts: Parts) -> Table:
    found = ((label, getattr(parts.result, name)) for name, label in _COSTS)
    rows = ((label, amount(cost.usd), cost.price) for label, cost in found if cost is not None)
    return _table("Cost", ("what", "USD", "price record"), rows, f"Measured on {parts.run.machine}.")


def _training(parts: Parts) -> Table:
    model = parts.source(parts.predict, "model")
    base = f"Base model: {public_name(parts.cell.checkpoint)}, revision {_base_revision(parts)}."
    # Left out, precision is spelt "auto" in a step's identity, and is fp32 (see `Hyperparameters`).
    settings = {**model.params["training"]}
    settings["precision"] = "fp32" if settings["precision"] == "auto" else settings["precision"]
    rows = ((name, str(value)) for name, value in settings.items())
    return _table("Training", ("hyperparameter", "value"), rows, base)


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> Table:
    cells = tuple(tuple(Cell(text) for text in row) for row in rows)
    return Table(title, tuple(map(Column, columns)), cells, (note,) if note else ())


def _limits(parts: Parts) -> Iterator[str]:
    yield TASKS[parts.cell.task].limits
    yield from (f"{note}." for note in parts.result.model_notes)
    yield "The scores are of one seed on one test set; other text, domains and varieties of the language may do worse."
    yield "Costs are those of the hardware, prices and day of the run."


# -- data -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DataUse:
    """One set of examples.

    ``revision`` identifies its content; ``entry`` is its row of the catalogue, where crossfare knows it; ``made``
    says how it came from an original: by which translation, and how much of it survived.
    """

    role: str
    name: str
    split: str
    language: str
    examples: int
    revision: str
    entry: CatalogEntry | None
    made: str = ""

    @property
    def licence(self) -> str:
        """As the catalogue has it."""
        return self.entry.licence if self.entry else "not known to crossfare"

    @property
    def title(self) -> str:
        """What people call it."""
        return self.entry.title if self.entry else self.name

    @property
    def non_commercial(self) -> bool:
        """Whether the catalogue says that it may not be used commercially."""
        return self.entry is not None and self.entry.non_commercial

    @property
    def hub(self) -> str | None:
        """Its id on the Hugging Face hub, without a configuration."""
        return self.entry.hub.partition(":")[0] if self.entry and self.entry.hub else None


def _training_data(parts: Parts) -> tuple[DataUse, ...]:
    """What the cell's model was fine-tuned on."""
    return tuple(_data_use(parts, step) for step in _training_steps(parts))


def _training_steps(parts: Parts) -> list[Step]:
    return [parts.step(name) for name in parts.source(parts.predict, "model").inputs["train"]]


def _test_data(parts: Parts) -> DataUse:
    """What the cell was scored on, in the language it is in before any translation."""
    step = parts.source(parts.predict, "data")
    return replace(_data_use(parts, _origin(parts, step), role="test"), made="; ".join(_made(parts, step)))


def _data_use(parts: Parts, step: Step, role: str = "") -> DataUse:
    origin = _origin(parts, step)
    header = artifact.read_header(parts.artifact(step))
    found = "gold data, labelled in the target language" if origin.params.get("annotated") else "training"
    return DataUse(
        role=role or found,
        name=header["name"],
        split=header["split"],
        language=header["language"],
        examples=header["examples"],
        revision=header["revision"],
        entry=_entry(parts, header["name"]),
        made="; ".join(_made(parts, step)),
    )


def _origin(parts: Parts, step: Step) -> Step:
    """The loaded set that a step's examples come from."""
    *_, loaded = _ways(parts, step)
    return loaded


def _made(parts: Parts, step: Step) -> Iterator[str]:
    for each in _ways(parts, step):
        if each.stage == "mine":
            yield f"with {each.params['negatives']} negatives a query, mined by BM25"
        elif engine := _engine(each):
            yield f"translated by {engine}, {_survived(parts, each)}"


def _engine(step: Step) -> str:
    """The engine that made a set from another; "" where none did."""
    engine = step.params.get("engine", "")
    return str(engine["name"] if isinstance(engine, dict) else engine)


def _ways(parts: Parts, step: Step) -> Iterator[Step]:
    """The steps that made a set from the one that was loaded, the last first, and that one."""
    yield step
    while step.stage != "dataset":
        step = parts.source(step, "original" if "original" in step.inputs else "data")
        yield step


def _survived(parts: Parts, step: Step) -> str:
    found = read_yield(parts.artifact(step))
    return f"{found.kept:,} of {found.total:,} examples survived"


def _entry(parts: Parts, name: str) -> CatalogEntry | None:
    """The catalogue's row for a set: by its name, its id on the hub, or the folder that the spec names it in."""
    task = parts.spec.tasks[parts.cell.task]
    paths = [Path(ref.ref) for ref in (task.train, *task.test.values(), *task.gold.values())]
    names = {name, *(folder.lower() for path in paths if stem(path) == name for folder in path.parent.parts)}
    for entry in (each for each in catalog() if each.task == parts.cell.task):
        hub = entry.hub.partition(":")[0] if entry.hub else None
        if entry.name in names or (hub and (name == hub or name.startswith(f"{hub}/"))):
            return entry
    return None
