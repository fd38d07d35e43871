"""The specs in configs/: the paper's experiments run as they stand, with small models and data for the hub's."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from crossfare.data import world
from crossfare.errors import ConfigError
from crossfare.experiment import cells, load_spec, missing, run
from crossfare.experiment.spec import LatencySpec, Spec, TaskSpec
from crossfare.experiment.spec_engine import DataRef
from crossfare.paper import published_scores
from crossfare.paper.rows import kind, places
from crossfare.pretrained.convert import convert
from crossfare.store import Store
from crossfare.translate.engines import engine
from test_tune_markers import checkpoints

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
PAPER = ("qa", "nli", "assin2", "assin2-three-classes")

# Tiny models of the very architectures that the specs name, with their tokenizers as they are published.
LOOK_ALIKES = {
    "FacebookAI/xlm-roberta-base": "xlm-roberta",
    "microsoft/mdeberta-v3-base": "deberta-v2-spm",
    "jhu-clsp/mmBERT-base": "modernbert",
    "answerdotai/ModernBERT-base": "modernbert",
    "BAAI/bge-reranker-v2-m3": "xlm-roberta",
    "cross-encoder/mmarco-mMiniLMv2-L12-H384-v1": "xlm-roberta",
    "intfloat/multilingual-e5-base": "xlm-roberta",
    "BAAI/bge-m3": "xlm-roberta",
    "google/mt5-base": "mt5-spiece",
    "google-t5/t5-base": "t5",
    "google-bert/bert-base-uncased": "bert",
    "google-bert/bert-base-multilingual-cased": "bert",
    "neuralmind/bert-base-portuguese-cased": "bert",
    "neuralmind/bert-large-portuguese-cased": "bert",
}


def paper(name: str) -> Spec:
    return load_spec(CONFIGS / "paper" / f"{name}.yaml")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_config_is_a_valid_spec_with_every_cell_it_promises(path: Path) -> None:
    spec = load_spec(path)
    assert cells(spec)
    for cell, reason in missing(spec):
        if cell.task == "ranking":
            continue  # see test_the_papers_table_5_has_its_rows
        # An existing translation, and labels of the paper's Table 3, are Portuguese only.
        assert cell.method in ("translate-train", "in-language"), reason
        assert cell.target != "pt"


@pytest.mark.parametrize("name", ["qa", "nli"])
def test_the_papers_tables_2_and_3_have_their_rows(name: str) -> None:
    spec = paper(name)
    found = places(cells(spec), spec.engines)
    for target in ("pt", "de", "vi"):
        numbers = sorted(found[cell.without_seed].number for cell in cells(spec) if cell.target == target)
        first = 1 if name == "qa" or target == "pt" else 2  # row (1) of Table 3 is Portuguese
        assert numbers == [f"({number})" for number in range(first, 9)]
    models = {(cell.model, cell.target): cell.checkpoint for cell in cells(paper(name))}
    assert models["target-encoder", "pt"] == "neuralmind/bert-base-portuguese-cased"
    assert models["target-encoder", "de"] == models["target-encoder", "vi"] != models["source-encoder", "de"]


def test_the_papers_table_5_has_its_rows() -> None:
    """Its empty cell too: Vietnamese has no open-source translation."""
    found = {(cell.method, cell.engine, cell.target) for cell in cells(paper("ranking"))}
    for target in ("pt", "de", "vi"):
        assert {("bm25", None, target), ("zero-shot", None, target)} <= found
        for method in ("translate-train", "translate-train-joint"):
            assert (method, "google", target) in found
            assert ((method, "helsinki", target) in found) == (target != "vi")
        for strategy in ("1", "2"):
            assert (f"translate-infer-strategy-{strategy}", "open", target) in found


def test_the_papers_hyperparameters_are_written_out_as_they_are_the_defaults() -> None:
    from crossfare.tasks import TASKS

    for name in (*PAPER, "ranking"):
        for task, spec in paper(name).tasks.items():
            assert TASKS[task].hyperparameters(**spec.training) == TASKS[task].hyperparameters()


@pytest.mark.parametrize("name", ["assin2", "assin2-three-classes"])
def test_the_papers_table_4_has_its_rows_by_both_label_mappings(name: str) -> None:
    spec = paper(name)
    assert (spec.tasks["nli"].train.labels == "two-class") == (name == "assin2")
    found = places(cells(spec), spec.engines)
    values = {cell.id: found[cell.without_seed].values.get("accuracy") for cell in cells(spec)}
    printed = {
        s.value for s in published_scores("nli", table=4) if s.metric == "accuracy" and "et al." not in s.checkpoint
    }
    assert printed <= set(values.values())


def test_what_the_papers_specs_change_is_said_once_each() -> None:
    for path in sorted((CONFIGS / "paper").glob("*.yaml")):
        head = path.read_text(encoding="utf-8").partition("\nname:")[0]
        assert head.count("# What is changed:") == 1 or "says what is changed" in head, path.name


def look_alike(ref: str, positions: int) -> str:
    return tiny_models.checkpoint(LOOK_ALIKES[ref], positions=positions)


def small_models(role: str, refs: Any) -> Any:
    """A look-alike for each; one of a kind is told from another by how long its texts may be."""
    shortest = 128 if role == "source-encoder" else 96
    if isinstance(refs, Mapping):
        return {target: look_alike(ref, shortest) for target, ref in refs.items()}
    return tuple(look_alike(ref, shortest + 8 * n) for n, ref in enumerate(refs))


def in_miniature(spec: Spec) -> Spec:
    """The same spec: tiny models for the hub's, the embedded Marian models for any engine, a few embedded examples."""

    def small(ref: DataRef, task: str) -> DataRef:
        return ref.model_copy(update={"ref": f"world:{task}", "limit": 6})

    sizes: dict[str | None, dict[str, object]] = {"open": {}, "commercial": {"quantization": "float32"}}  # two, not one

    def task(name: str, given: TaskSpec) -> TaskSpec:
        return given.model_copy(
            update={
                "train": small(given.train, name),
                "test": {target: small(ref, name) for target, ref in given.test.items()},
                "gold": {target: small(ref, name) for target, ref in given.gold.items()},
                "training": {**given.training, "epochs": 1},
                "back_projection": given.back_projection.model_copy(update={"aligner": tiny_models.checkpoint()}),
            }
        )

    marian = {"en-*": "embedded:marian-en-xx-marked", "*-en": "embedded:marian-xx-en-marked"}
    return spec.model_copy(
        update={
            "tasks": {name: task(name, given) for name, given in spec.tasks.items()},
            "models": {role: small_models(role, refs) for role, refs in spec.models.items()},
            "engines": {
                name: given.model_copy(
                    update={
                        "engine": "ctranslate2",
                        "kind": kind(given),
                        "models": marian,
                        "options": sizes[kind(given)],
                    }
                )
                for name, given in spec.engines.items()
            },
            "latency": LatencySpec(batch_sizes=(2,), repeats=1, warmup=0),
        }
    )


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_experiments_run_with_small_stand_ins(name: str, tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    spec = in_miniature(paper(name))
    done = run(spec, out=tmp_path / "run", jobs=1, store=Store(tmp_path / "cache"), quiet=True, beside=True)
    assert [result.spec for result in done.results] == list(cells(spec))
    table, figures = {"qa": (2, "0.8240"), "nli": (3, "0.8921")}.get(name, (4, "0.9207"))
    assert figures in (tmp_path / "run" / "tables" / f"table{table}.md").read_text(encoding="utf-8")
    for result in done.results:
        assert 0 <= result.score.value <= 1
        assert result.fine_tuning is not None
        assert result.fine_tuning.usd > 0
        if "joint+gold" in result.spec.method:
            assert result.train_examples == 6 + 6 + 6
    assert (tmp_path / "run" / "results.json").is_file()


def mmarco(folder: Path) -> Path:
    """The embedded collection in mMARCO's files: numbered passages and queries in four languages, triples of ids."""
    asked = world.ranking("en", "validation").examples[:6]
    numbers = {passage.id: n for n, passage in enumerate(world.collection("en", "validation"))}
    gold = [numbers[query.judgements[0][0]] for query in asked]
    for language, name in (("en", "english"), ("pt", "portuguese"), ("de", "german"), ("vi", "vietnamese")):
        passages = [f"{n}\t{passage.text}" for n, passage in enumerate(world.collection(language, "validation"))]
        own = world.ranking(language, "validation").examples[:6]
        queries = [f"{n}\t{query.query}" for n, query in enumerate(own)]
        for source in ("google", "helsinki"):
            write(folder / source / "collections" / f"{name}_collection.tsv", passages)
            write(folder / source / "queries" / "train" / f"{name}_queries.train.tsv", queries)
            write(folder / source / "queries" / "dev" / f"{name}_queries.dev.small.tsv", queries)
    write(folder / "triples.train.ids.small.tsv", [f"{n}\t{p}\t{(p + 7) % len(numbers)}" for n, p in enumerate(gold)])
    write(folder / "qrels.dev.small.tsv", [f"{n}\t0\t{p}\t1" for n, p in enumerate(gold)])
    return folder


def write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_the_papers_ranking_experiment_runs_with_small_stand_ins(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    spec = load_spec(CONFIGS / "paper" / "ranking.yaml", data_dir=mmarco(tmp_path / "mmarco"))
    given = spec.tasks["ranking"]
    small = {
        "training": {**given.training, "max_steps": 1, "batch_size": 4, "max_length": 96},
        "prediction": {"max_length": 96},
        "ranking": given.ranking.model_copy(update={"depth": 4}),
    }
    engines = dict(spec.engines)
    engines["open"] = engines["open"].model_copy(update={"models": {"*-en": "embedded:marian-xx-en"}})
    assert spec.models["target-encoder"] == ("google/mt5-base",)
    spec = spec.model_copy(
        update={
            "targets": ("pt", "vi"),
            "tasks": {"ranking": given.model_copy(update=small)},
            "models": {role: small_models(role, refs) for role, refs in spec.models.items()},
            "engines": engines,
            "latency": LatencySpec(repeats=0),
        }
    )
    done = run(spec, out=tmp_path / "run", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    assert [result.spec for result in done.results] == list(cells(spec))
    by_method = {(r.spec.method, r.spec.engine, r.spec.target): r for r in done.results}
    assert by_method["translate-train", "google", "vi"].train_examples == 6
    assert by_method["translate-train-joint", "helsinki", "pt"].train_examples == 12


# -- what people use today ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def translators(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Tiny models of the architectures of NLLB-200 and MADLAD-400."""
    pytest.importorskip("ctranslate2")
    made, folder = checkpoints(), tmp_path_factory.mktemp("translators")
    nllb, madlad = made.nllb(folder / "nllb"), made.madlad(folder / "madlad")
    return {"facebook/nllb-200-distilled-600M": str(nllb), "google/madlad400-3b-mt": str(madlad)}


def test_todays_encoders_and_translators_run_with_small_stand_ins(tmp_path: Path, translators: dict[str, str]) -> None:
    spec = load_spec(CONFIGS / "examples" / "today-nli.yaml")
    given = spec.tasks["nli"]
    pairs = DataRef(ref="world:nli", limit=6)
    changed = {"train": pairs, "test": {"pt": pairs}, "training": {**given.training, "epochs": 1}}
    spec = spec.model_copy(
        update={
            "targets": ("pt",),
            "tasks": {"nli": given.model_copy(update=changed)},
            "models": {role: small_models(role, refs) for role, refs in spec.models.items()},
            "engines": {
                name: each.model_copy(update={"models": {"*": translators[each.models["*"]]}})
                for name, each in spec.engines.items()
            },
            "latency": LatencySpec(repeats=0),
        }
    )
    done = run(spec, out=tmp_path / "run", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    assert [result.spec for result in done.results] == list(cells(spec))
    assert len({result.spec.checkpoint for result in done.results}) == 4
    assert {result.spec.engine for result in done.results} == {None, "nllb", "madlad"}
    assert all(each.train_yield.kept for each in done.results if each.train_yield)


def test_todays_retrievers_and_rerankers_run_with_small_stand_ins(tmp_path: Path) -> None:
    spec = load_spec(CONFIGS / "examples" / "today-ranking.yaml", data_dir=mmarco(tmp_path / "mmarco"))
    given = spec.tasks["ranking"]
    small = {
        "training": {**given.training, "batch_size": 4, "max_length": 96},
        "prediction": {"max_length": 96},
        "ranking": given.ranking.model_copy(update={"depth": 4}),
    }
    spec = spec.model_copy(
        update={
            "targets": ("pt",),
            "tasks": {"ranking": given.model_copy(update=small)},
            "models": {role: small_models(role, refs) for role, refs in spec.models.items()},
            "latency": LatencySpec(repeats=0),
        }
    )
    done = run(spec, out=tmp_path / "run", jobs=1, store=Store(tmp_path / "cache"), quiet=True)
    found = [(result.spec.method, result.spec.model) for result in done.results]
    assert found == [
        ("bm25", "bm25"),
        *3 * [("zero-shot", "target-encoder")],
        ("bi-encoder", "e5"),
        ("bi-encoder", "bge"),
    ]


# -- as the hub has them ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mt5-spiece", "deberta-v2-spm"])
def test_a_sentencepiece_model_is_tokenizer_enough(kind: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder = Path(tiny_models.checkpoint(kind, positions=96))
    assert not (folder / "tokenizer.json").exists()
    assert (folder / {"mt5-spiece": "spiece.model", "deberta-v2-spm": "spm.model"}[kind]).is_file()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("Ana lives in Lisboa")["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "Ana lives in Lisboa"


def test_opus_mt_with_pickled_weights_is_refused_and_converted_safely(tmp_path: Path) -> None:
    """As most opus-mt repositories are: no safetensors. What comes out translates as the original does."""
    import torch
    from safetensors.torch import load_file

    pytest.importorskip("ctranslate2")
    embedded = Path(world.__file__).parents[2] / "checkpoints" / "marian-en-xx"
    published = tmp_path / "opus-mt-en-de"
    shutil.copytree(embedded, published)
    torch.save(load_file(published / "model.safetensors"), published / "pytorch_model.bin")
    (published / "model.safetensors").unlink()
    texts = ["Ana lives in Berlin.", "Who works in Lisbon?"]
    with pytest.raises(ConfigError, match=r"pickled weights .*pretrained.convert .*FOLDER"):
        engine("ctranslate2", model=str(published)).translate(texts, source="en", target="de")
    convert(str(published), tmp_path / "safe")
    assert not (tmp_path / "safe" / "pytorch_model.bin").exists()
    made, original = (
        engine("ctranslate2", model=str(folder)).translate(texts, source="en", target="de").texts
        for folder in (tmp_path / "safe", embedded)
    )
    assert made == original
    assert all(made)


def test_two_engines_never_stand_under_one_label() -> None:
    spec = paper("nli")
    twice = spec.model_copy(update={"engines": {**spec.engines, "other": spec.engines["open"]}})
    labels = {cell.engine: cell.engine_label for cell in cells(twice) if cell.engine}
    assert labels == {"open": "Open S, open", "other": "Open S, other", "google": "Comm"}
