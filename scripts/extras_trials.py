"""What each extra promises, tried in an environment that has nothing else: `python extras_trials.py EXTRA`.

Called by try_extras.py in an empty folder, which is left to it to fill.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

TESTS = Path(__file__).resolve().parents[1] / "tests"
COMMAND = Path(sys.executable).with_name("crossfare")
RATES = "--rate tokens=0.25 --compute v100-gcp --rate finetune=1e-5 --rate predict=1e-5 --rate translate=1e-5"
HEAVY = ("torch", "transformers", "sklearn")
ENGINES = {"llm": "llm", "libretranslate": "libretranslate"} | {n: n for n in ("google", "deepl", "azure", "amazon")}


def crossfare(line: str, *, status: int = 0, told: str = "") -> str:
    """Call a command; another status, or a traceback, ends the trial. Returns what it printed."""
    done = subprocess.run([str(COMMAND), *line.split()], capture_output=True, text=True, check=False)
    printed = done.stdout + done.stderr
    if done.returncode != status or "Traceback" in printed or told not in printed:
        wanted = f"status {status}" + (f" and {told!r}" if told else "")
        sys.exit(f"crossfare {line}: status {done.returncode} where {wanted} was promised:\n{printed[-3000:]}")
    return printed


def light() -> None:
    """Lists, forecasts and comparisons; what is missing is named with its extra."""
    _absent(*HEAVY, "datasets", "tokenizers", "huggingface_hub", "vl_convert", "openai")
    for line in ("--help", "prices", "datasets", "engines", "audit-paper", "compare run", "recommend run --margin 30"):
        crossfare(line)
    _pairs("en.tsv", "en", "train")
    _pairs("de.tsv", "de", "test")
    Path("my.yaml").write_text(
        """
name: mine
targets: [de]
tasks: {nli: {train: en.tsv, test: {de: de.tsv}}}
methods: [zero-shot, translate-train, translate-infer]
models: {target-encoder: google-bert/bert-base-multilingual-cased, source-encoder: google-bert/bert-base-cased}
engines: {open: {engine: ctranslate2, models: {"*": Helsinki-NLP/opus-mt-en-de}}}
"""
    )
    crossfare(f"plan my.yaml {RATES}")
    crossfare(f"plan --task nli --targets pt --examples 1000 --characters 170 --engine deepl-api --model 86M {RATES}")
    crossfare("plan demo --tasks nli --targets pt", status=1, told="unknown: ")
    crossfare("run my.yaml", status=2, told="pip install 'crossfare[models]'")
    crossfare("report run", status=2, told="pip install 'crossfare[report]'")
    crossfare("datasets inspect hub:facebook/xnli:de --split test", status=2, told="pip install 'crossfare[hub]'")


def report() -> None:
    """The page and its figures."""
    _absent(*HEAVY)
    crossfare("report run")
    assert Path("run/report.html").stat().st_size > 100_000
    assert list(Path("run/figures").glob("*.svg"))


def hub() -> None:
    """Data by id, here of a local folder; without a network a line says so."""
    _absent(*HEAVY)
    row = {"premise": "a", "hypothesis": "b", "label": "neutral"}
    Path("data").mkdir()
    Path("data/test.jsonl").write_text(json.dumps(row) + "\n")
    crossfare("datasets inspect hub:./data --split test --language en")
    crossfare("datasets inspect hub:facebook/xnli:de --split test", status=2, told="cannot be loaded")
    crossfare("datasets inspect hub:xnli/de --split test", status=2, told="write hub:facebook/xnli/de")


def encoding() -> None:
    """Text that was decoded by the wrong table is repaired."""
    _absent(*HEAVY)
    from crossfare.data.repair import encoding_repair

    assert encoding_repair()("dâ€™oro") == "d’oro"


def lint() -> None:
    """BLEU, and which language a translation is in."""
    _absent(*HEAVY)
    Path("a.txt").write_text("A Ana mora em Lisboa.\n")
    crossfare("score-translation a.txt a.txt --target pt", told="100")
    _pairs("en.tsv", "en", "test")
    printed = crossfare("translate en.tsv --task nli --source en --target pt --engine echo --out o.tsv", told="lint:")
    assert "not checked" not in printed


def energy() -> None:
    """Electricity of a piece of work is metered."""
    _absent(*HEAVY)
    from crossfare import meter

    meter.check_energy()
    os.environ[meter.ENERGY] = "1"
    with meter.energy() as metered:
        sum(range(20_000_000))
    assert metered.usage.energy_kwh


def engine(name: str) -> None:
    """The engine through its SDK, against a local server; without a key it says which."""
    _absent("torch", "transformers")
    listed = {each["name"]: each for each in json.loads(crossfare("engines --json"))}
    assert not listed[name].get("missing"), listed[name]
    tests = [TESTS / "conformance" / "test_vendors.py"]
    if name == "libretranslate":
        tests = [TESTS / "translate" / "test_libretranslate.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", name, *map(str, tests)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or " passed" not in done.stdout:
        sys.exit(done.stdout[-3000:] + done.stderr[-1000:])


def models() -> None:
    """A comparison is run, reported on and served from files; mT5 is read as it is published."""
    crossfare("run small.yaml --jobs 1 --quiet")
    _requests()
    crossfare("predict runs/small --task nli --method zero-shot --input in.jsonl --output out.jsonl")
    assert json.loads(Path("out.jsonl").read_text())["label"] in {"entailment", "neutral", "contradiction"}
    crossfare("export runs/small --task nli --method zero-shot --out exported")
    _mt5()


def serve() -> None:
    """A cell answers over HTTP."""
    crossfare("run small.yaml --jobs 1 --quiet")
    line = "serve runs/small --task nli --method zero-shot --port 0"
    server = subprocess.Popen([str(COMMAND), *line.split()], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip().rpartition(" ")[2]
        with urlopen(f"{address}/health", timeout=60) as answer:
            assert json.load(answer)["status"] == "ok"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=60)


def offline() -> None:
    """Encoders that packages carry."""
    from crossfare.pretrained import resolve

    for name in ("e5-small", "minilm"):
        assert (Path(resolve(f"offline:{name}").path) / "config.json").is_file()


# -- what the trials need ---------------------------------------------------------------------


def _absent(*packages: str) -> None:
    if there := [name for name in packages if find_spec(name)]:
        sys.exit(f"{', '.join(there)} should not be in this environment")


def _pairs(name: str, language: str, split: str) -> None:
    from crossfare import data

    data.save(data.load("world:nli", language=language, split=split, limit=8).dataset, name)


def _requests() -> None:
    request = {"premise": "A Ana mora em Lisboa.", "hypothesis": "Ana mora em Portugal."}
    Path("in.jsonl").write_text(json.dumps(request) + "\n")


def _small() -> None:
    """The spec of a run of seconds, through the embedded models and both local engines."""
    Path("small.yaml").write_text(
        """
name: small
targets: [pt]
tasks:
  nli:
    train: {ref: "world:nli", limit: 8}
    test: {ref: "world:nli", limit: 6}
    training: {max_steps: 1, batch_size: 4, max_length: 48}
  ranking:
    train: {ref: "world:ranking", limit: 8}
    test: {ref: "world:ranking", limit: 4}
    ranking: {depth: 3, negatives: 1}
    training: {max_steps: 1, batch_size: 4, max_length: 48, loss: listwise, optimizer: adamw}
methods: [bm25, zero-shot, translate-train]
models: {target-encoder: embedded:multilingual-encoder, source-encoder: embedded:english-encoder}
engines:
  open: {engine: ctranslate2, models: {"*": embedded:marian-en-xx}, tasks: [nli]}
  slow: {engine: transformers, models: {"*": embedded:marian-en-xx}, tasks: [nli]}
latency: {repeats: 0}
"""
    )


def _mt5() -> None:
    """A checkpoint with spiece.model and no tokenizer.json, as mT5 is published."""
    import sentencepiece
    import transformers

    from crossfare.model import monot5

    words = "Query: Document: Relevant: yes no true false"
    text = [f"{a} lives in {b}. {words}" for a in ("Ana", "Bruno", "Chi") for b in ("Berlin", "Lisboa", "Paris")]
    Path("text.txt").write_text("\n".join(text * 20))
    sentencepiece.SentencePieceTrainer.train(
        input="text.txt", model_prefix="spiece", vocab_size=48, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        minloglevel=2, user_defined_symbols=["▁yes", "▁no"], hard_vocab_limit=False,
    )  # fmt: skip
    size = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "vocab_size": 64}
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    transformers.MT5ForConditionalGeneration(transformers.MT5Config(**size, **ids)).save_pretrained("mt5")
    shutil.copy("spiece.model", "mt5")
    Path("mt5/tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "T5Tokenizer"}))
    assert not Path("mt5/tokenizer.json").exists()
    monot5.load(str(Path("mt5").absolute()))


def main(extra: str) -> None:
    """Try one extra."""
    sys.path.insert(0, str(TESTS / "compare"))
    import made  # a run directory as another machine made it

    made.run(Path("run"))
    _small()
    if extra in ENGINES:
        os.environ["PYTHONPATH"] = os.environ.get("CROSSFARE_PYTEST", "")
        engine(ENGINES[extra])
    else:
        trial = {f.__name__: f for f in (light, report, hub, encoding, lint, energy, models, serve, offline)}
        trial[extra]()


if __name__ == "__main__":
    main(sys.argv[1])
