"""A stranger's checkpoint runs nothing, asks nothing, and is refused in one line where it must be."""

from __future__ import annotations

import ast
import json
import logging
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from crossfare import translate
from crossfare.errors import ConfigError
from crossfare.model import biencoder, labels, qa, ranking
from crossfare.pretrained import loading, resolve
from crossfare.pretrained.convert import main as convert
from crossfare.translate.alignment import EncoderAligner
from crossfare.translate.engines.ctranslate2_seq2seq import converted
from tune_markers import MarkedPair, finetune_markers

torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[1]

Folder = Callable[..., Path]

QUESTION = {"id": "1", "question": "Where?", "answers": [{"text": "Paris", "answer_start": 13}]}
OWN = {"AutoConfig": "evil.EvilConfig", "AutoModel": "evil.EvilModel", "AutoModelForSeq2SeqLM": "evil.EvilModel"}
EVIL = """
from pathlib import Path
Path({marker!r}).touch()
from transformers import BertConfig as EvilConfig, BertModel as EvilModel, PreTrainedTokenizerFast as EvilTokenizer
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Copy a tiny checkpoint; give its JSON files other entries, and it code that leaves a marker."""
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    loading._say_once.cache_clear()

    def make(kind: str = "bert", **changed: dict[str, Any]) -> Path:
        made = tmp_path / f"stranger-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(tiny_models.checkpoint(kind), made)
        for name, entries in changed.items():
            path = made / f"{name}.json"
            path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **entries}))
        code = EVIL.format(marker=str(tmp_path / "ran"))
        (made / "evil.py").write_text(code)
        (made / "custom_generate").mkdir()
        (made / "custom_generate" / "generate.py").write_text(code)
        return made

    return make


LOADS: dict[str, Callable[[str], Any]] = {
    "qa": qa.load,
    "nli": lambda path: labels.load(path, labels=("entailment", "neutral", "contradiction")),
    "ranking": ranking.load,
    "bi-encoder": biencoder.load,
    "aligner": lambda path: EncoderAligner(path).align([("a b", "a b")]),
    "transformers": lambda path: translate.engine("transformers", model=path).translate(
        ["a"], source="en", target="de"
    ),
    "ctranslate2": lambda path: translate.engine("ctranslate2", model=path).translate(["a"], source="en", target="de"),
    "conversion": lambda path: converted(path, "r", "int8", path, guided=False),
    "markers": lambda path: finetune_markers(
        path, [MarkedPair("house 12", "Haus 12", "en", "de")], out=Path(path) / "out", steps=1
    ),
}


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
@pytest.mark.parametrize("where", ["config", "tokenizer_config"])
def test_code_of_a_folder_never_runs_and_is_named(folder: Folder, tmp_path: Path, load: Any, where: str) -> None:
    named = {"auto_map": OWN if where == "config" else {"AutoTokenizer": ["evil.EvilTokenizer", "evil.EvilTokenizer"]}}
    own = folder(
        **{where: {**named, "tokenizer_class": "EvilTokenizer"}}, **({} if where == "config" else {"config": {}})
    )
    config = json.loads((own / "config.json").read_text())
    (own / "config.json").write_text(json.dumps({**config, "model_type": "evil"}))
    with pytest.raises(ConfigError, match=r"brings code of its own \(evil\.Evil\w+\) and cannot be loaded") as raised:
        load(str(own))
    assert str(own) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "ran").exists()


def test_an_architecture_that_transformers_has_is_loaded_without_its_code(
    folder: Folder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = folder(config={"auto_map": OWN})
    with caplog.at_level(logging.WARNING, "crossfare"):
        for _ in range(2):
            assert type(qa.load(str(own)).model).__name__ == "BertForQuestionAnswering"
    (record,) = caplog.records
    assert record.getMessage().startswith(
        f"model {str(own)!r} brings code of its own (evil.EvilConfig), which is not run"
    )
    assert not (tmp_path / "ran").exists()


def test_nobody_is_asked(folder: Folder, tmp_path: Path) -> None:
    """The command line's answers are not for transformers: the first line of input is still there afterwards."""
    own = folder(config={"auto_map": OWN, "model_type": "evil"})
    ask = (
        "import sys\nfrom crossfare.cli import main\n"
        "try: main()\nfinally: print('next:', sys.stdin.readline())"
    )  # fmt: skip
    article = {"title": "t", "paragraphs": [{"context": "Ana lives in Paris.", "qas": [QUESTION]}]}
    (tmp_path / "in.json").write_text(json.dumps({"version": "1.1", "data": [article]}))
    options = (
        f"--task qa --source en --target pt --engine echo --projection align --aligner {own} --out {tmp_path}/o.json"
    )
    command = [sys.executable, "-c", ask, "translate", str(tmp_path / "in.json"), *options.split()]
    run = subprocess.run(command, input="y\nyes\n", capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stdout == "next: y\n\n"
    assert run.stderr.count("\n") == 1
    assert "brings code of its own (evil.EvilConfig)" in run.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"config": {"attn_implementation": "someone/kernel"}}, "attention by a kernel of its own"),
        ({"config": {"text_config": {"_attn_implementation": "someone/kernel"}}}, "attention by a kernel of its own"),
        ({"config": {"quantization_config": {"quant_method": "gptq", "bits": 4}}}, "has quantized weights"),
        ({"config": {"transformers_weights": "adapter_model.bin"}}, "names weights of its own"),
        ({"adapter_config": {"base_model_name_or_path": "x/y"}}, r"holds an adapter .*merge it"),
    ],
)
def test_what_is_not_loaded_is_refused_before_anything_is(folder: Folder, changed: Any, said: str) -> None:
    path = str(folder(**changed))
    for load in (resolve, qa.load):
        with pytest.raises(ConfigError, match=said):
            load(path)


@pytest.mark.parametrize(
    "shard", ["../elsewhere.safetensors", "/etc/passwd", "pytorch_model.bin", "absent.safetensors", 7]
)
def test_weights_lie_in_the_folder_as_safetensors(folder: Folder, shard: Any) -> None:
    own = folder()
    shutil.copy(own / "model.safetensors", own.parent / "elsewhere.safetensors")
    (own / "model.safetensors").unlink()
    (own / "pytorch_model.bin").touch()
    (own / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": {"x": shard}}))
    with pytest.raises(ConfigError, match=r"index\.json names"):
        qa.load(str(own))


@pytest.mark.parametrize("name", ["config", "tokenizer_config"])
@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000])
def test_broken_configurations_are_named(folder: Folder, name: str, text: str) -> None:
    own = folder()
    (own / f"{name}.json").write_text(text)
    with pytest.raises(ConfigError, match=rf"its {name}\.json"):
        qa.load(str(own))


class Bomb:
    """A pickle of this leaves a marker where it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def pickled(own: Path) -> dict[str, Any]:
    """Replace a folder's weights by pickled ones."""
    from safetensors.torch import load_file

    weights = load_file(own / "model.safetensors")
    torch.save(weights, own / "pytorch_model.bin")
    (own / "model.safetensors").unlink()
    return weights


def test_pickled_weights_are_refused_and_can_be_converted(folder: Folder, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    own, made = folder(), tmp_path / "converted"
    weights = pickled(own)
    for load in (resolve, qa.load):
        with pytest.raises(
            ConfigError, match=r"pickled weights \(pytorch_model\.bin\).*crossfare\.pretrained\.convert"
        ):
            load(str(own))
    assert convert([str(own), str(made)]) == 0
    assert not list(made.glob("*.bin"))
    assert not list(made.glob("*.py"))
    again = load_file(made / "model.safetensors")
    assert again.keys() == weights.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in weights.items())
    qa.load(str(made))


def test_converting_reads_tensors_alone(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = folder()
    assert convert([str(own), str(tmp_path / "out")]) == 2
    assert "nothing to convert" in capsys.readouterr().err
    (own / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Bomb(tmp_path / "ran")}))
    assert convert([str(own), str(tmp_path / "out")]) == 2
    assert "holds more than tensors" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()


def test_a_vocabulary_larger_than_the_model_is_refused(folder: Folder) -> None:
    own = folder()
    config = loading.load_config(str(own))
    tokenizer = loading.load_tokenizer(str(own), config)
    tokenizer.add_special_tokens({"mask_token": "[HIDDEN]"})
    tokenizer.save_pretrained(own)
    qa.load(str(own))  # no text becomes a mask
    tokenizer.add_tokens(["xyzzy"])
    tokenizer.save_pretrained(own)
    with pytest.raises(
        ConfigError, match=rf"has {len(tokenizer)} pieces, but its model {config.vocab_size}: they do not"
    ):
        qa.load(str(own))


def test_a_tokenizer_that_cannot_pad_is_refused(folder: Folder) -> None:
    own = folder()
    tokenizer = loading.load_tokenizer(str(own), loading.load_config(str(own)))
    tokenizer.pad_token = None
    tokenizer.save_pretrained(own)
    with pytest.raises(ConfigError, match="has no padding token"):
        labels.load(str(own), labels=("entailment", "neutral", "contradiction"))


def test_a_checkpoint_without_its_weights_aligns_nothing(folder: Folder) -> None:
    own = folder(config={"num_hidden_layers": 12})
    with pytest.raises(ConfigError, match=r"does not fit BertModel: \d+ of its weights"):
        EncoderAligner(str(own), layer=9).align([("a b", "a b")])


# -- the one door ------------------------------------------------------------------------------

DOOR = {"src/crossfare/pretrained/loading.py"}
MAY_READ_TENSORS = {"src/crossfare/pretrained/convert.py"}
UNSAFE = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for top in ("src", "scripts", "benchmarks"):
        for path in sorted((ROOT / top).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _faults(name: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if fault := _fault_of(node, name in DOOR, name in MAY_READ_TENSORS):
            yield f"{name}:{node.lineno} {fault}"  # type: ignore[attr-defined]


def _fault_of(node: ast.AST, door: bool, reader: bool) -> str | None:
    match node:
        case ast.Import(names=names) if UNSAFE & {alias.name.partition(".")[0] for alias in names}:
            return "imports a pickle"
        case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in UNSAFE:
            return "imports a pickle"
        case ast.ImportFrom(module="transformers", names=names) if any(each.name.startswith("Auto") for each in names):
            return "loads by an auto class"
        case ast.Attribute(value=ast.Name(id="transformers"), attr=attr) if attr.startswith("Auto") and not door:
            return "loads by an auto class"
        case ast.Attribute(attr="from_pretrained") if not door:
            return "loads beside pretrained.loading"
        case ast.Attribute(value=ast.Name(id="torch"), attr="load") if not reader:
            return "reads a pickle"
        case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id="transformers"), *_]) if not door:
            return "loads by a name"
        case ast.keyword(arg="trust_remote_code"):
            return "trusts what it loads"
        case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
            return "trusts what it loads"
        case ast.keyword(arg="weights_only" | "use_safetensors", value=ast.Constant(value=False)):
            return "trusts what it loads"
    return None


def test_checkpoints_come_in_by_one_door() -> None:
    assert [fault for name, tree in _sources() for fault in _faults(name, tree)] == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "from transformers import AutoTokenizer",
        "transformers.AutoModel",
        "BertModel.from_pretrained(x)",
        "torch.load(x)",
        "getattr(transformers, name)",
        "f(trust_remote_code=True)",
        "np.load(x, allow_pickle=True)",
    ],
)
def test_the_door_would_notice(code: str) -> None:
    assert list(_faults("src/crossfare/x.py", ast.parse(code)))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"num_hidden_layers": 10**6}, "asks for num_hidden_layers: 1,000,000 in config.json"),
        ({"num_hidden_layers": -1}, "asks for num_hidden_layers: -1"),
        ({"text_config": {"num_layers": 10**6}}, "asks for num_layers: 1,000,000"),
        ({"num_labels": 10**9}, "asks for num_labels: 1,000,000,000"),
        ({"num_hidden_layers": 1}, "has layers that its config.json leaves out"),
        ({"hidden_size": 10**7, "num_attention_heads": 1}, "asks for a network of .* parameters"),
        ({"intermediate_size": 10**8}, "asks for a network of"),
        ({"max_position_embeddings": 10**9}, "asks for a network of"),
        ({"type_vocab_size": 10**9}, "asks for a network of"),
    ],
)
def test_sizes_that_the_weights_have_not_are_refused_before_memory_is_taken(
    folder: Folder, changed: dict[str, Any], said: str
) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigError, match=said):
        qa.load(str(folder(config=changed)))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 19  # KiB


@pytest.mark.parametrize(
    "changed",
    [
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
        {"model": {"type": "Unigram", "unk_id": None, "vocab": [["a", 0.0]]}},
        {"model": {"type": "WordLevel", "vocab": {}, "unk_token": "x"}},
    ],
)
def test_a_tokenizer_that_breaks_on_a_text_breaks_in_one_line_at_loading(folder: Folder, changed: Any) -> None:
    with pytest.raises(ConfigError, match="cannot load the model") as raised:
        labels.load(str(folder(tokenizer=changed)), labels=("entailment", "neutral", "contradiction"))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("length", [-5, 3])
def test_a_model_that_reads_next_to_nothing_is_refused(folder: Folder, length: int) -> None:
    with pytest.raises(ConfigError, match=f"reads no more than {length} tokens|cannot load"):
        qa.load(str(folder(tokenizer_config={"model_max_length": length})))


def test_weights_that_are_no_numbers_are_refused(folder: Folder) -> None:
    from safetensors.torch import load_file, save_file

    weights = folder() / "model.safetensors"
    save_file({name: values * float("nan") for name, values in load_file(weights).items()}, weights)
    with pytest.raises(ConfigError, match="holds weights that are no numbers"):
        qa.load(str(weights.parent))


@pytest.mark.parametrize("ref", ["./" + "x" * 5000, "~nobody-of-that-name/model"])
def test_a_path_that_cannot_be_is_refused(ref: str) -> None:
    with pytest.raises(ConfigError, match="give a checkpoint's folder or a hub id"):
        resolve(ref)
