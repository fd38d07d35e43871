"""`crossfare export`: a cell's model as a plain Hugging Face folder with its model card."""

from __future__ import annotations

import shutil
from pathlib import Path

from crossfare import compare
from crossfare.errors import ConfigError, DataError
from crossfare.output import new_folder
from crossfare.serving.card import card
from crossfare.serving.choice import Wanted, choose, is_exported
from crossfare.serving.parts import read_parts
from crossfare.store import write_json
from crossfare.strict import read_json

_OURS = ("training.json",)
"""What fine-tuning wrote besides the model."""


def export(
    run: str | Path,
    out: str | Path,
    *,
    task: str | None = None,
    target: str | None = None,
    method: str | None = None,
    engine: str | None = None,
    model: str | None = None,
    seed: int | None = None,
    gold_size: int | str | None = None,
) -> Path:
    """Write the model of a cell into a new folder: config, weights, tokenizer, README.md.

    The cell is chosen as by `open_pipeline`, among those that are one fine-tuned model. Nothing of crossfare is needed
    to load the model. The folder is complete or not there at all.

    Raises:
        ConfigError: no cell fits, or several do; it has no model of its own; or the folder is not empty.
        DataError: the run or a step of it cannot be read, or the model holds links to other files.
    """
    record = compare.read_run(Path(run))
    asked = Wanted(task, target, method, engine, model, seed, gold_size)
    parts = read_parts(record, choose(record, asked, is_exported))
    if "model" not in parts.predict.inputs:
        raise ConfigError(f"{parts.cell.method} has no model that could be exported; choose another --method")
    target_folder = Path(out)
    source = parts.artifact(parts.source(parts.predict, "model"))
    if links := [path for path in source.rglob("*") if path.is_symlink()]:
        raise DataError(f"{links[0]}: a link, where fine-tuning writes files; it is not exported")
    text = card(parts)
    with new_folder(target_folder) as made:
        shutil.copytree(source, made, ignore=shutil.ignore_patterns(*_OURS), dirs_exist_ok=True)
        _name_segments(made)
        (made / "README.md").write_text(text, encoding="utf-8")
        for path in (made, *made.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)  # weights are written for their owner only
    return target_folder


def _name_segments(folder: Path) -> None:
    """Let the tokenizer give token type ids where the model has them.

    Models that tell two texts apart are fine-tuned with the ids. A tokenizer that does not name them among its inputs
    leaves them out, and the model would silently answer something else.
    """
    config = read_json(folder / "config.json")
    path = folder / "tokenizer_config.json"
    if config.get("type_vocab_size", 0) < 2 or not path.exists():
        return
    settings = read_json(path)
    settings["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    write_json(path, settings)
