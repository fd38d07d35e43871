"""What a checkpoint's folder may not bring: code, pickles, or references to what lies elsewhere.

Only its JSON files are read here, so this needs neither torch nor transformers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from crossfare.errors import ConfigError, DataError
from crossfare.strict import read_json, read_text

WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"

_PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_CONFIGS = ("config.json", "tokenizer_config.json", "generation_config.json", "processor_config.json")
_ATTENTION = ("attn_implementation", "_attn_implementation")
_BUILT_IN = {"eager", "sdpa"}
_OWN_CODE = "auto_map"
_COUNT = re.compile(r"(?:num|n|encoder|decoder)_(?:\w+_)?(?:layers?|labels|experts)")
_MOST = 4096
"""Layers, labels or experts of a network: each is built, one after another, before any weight is looked at."""

_LARGEST_JSON = 1 << 28


def inspect(folder: Path, ref: str) -> None:
    """Refuse what would run code, read a pickle or leave the folder; ``ref`` is what the user calls the model.

    Raises:
        ConfigError: there is such a thing; the message says what to do instead.
    """
    for name, config in _configs(folder, ref):
        _check_config(name, config, ref)
    if (folder / "adapter_config.json").exists():
        raise ConfigError(
            f"model {ref!r} holds an adapter (adapter_config.json), which is not applied: merge it into its model "
            "(peft: merge_and_unload) and give the folder that saves"
        )
    for path in folder.glob("*.json"):
        if path.is_file() and path.stat().st_size > _LARGEST_JSON:
            raise ConfigError(f"model {ref!r}: its {path.name} is larger than any of its kind; fetch the model again")
    _check_index(folder, ref)
    if not (folder / WEIGHTS).exists() and not (folder / INDEX).exists():
        pickled = next((path.name for pattern in _PICKLED for path in sorted(folder.glob(pattern))), None)
        if pickled:
            raise ConfigError(pickled_weights(ref, pickled))


def pickled_weights(ref: str, name: str) -> str:
    """Why weights in this file are not read, and how to convert them."""
    return (
        f"model {ref!r} has pickled weights ({name}), which are not loaded, for a pickle can run code; "
        f"convert them once with: python -m crossfare.pretrained.convert {ref} FOLDER, and give that folder"
    )


def weights_bytes(folder: Path) -> int:
    """The size of all weights that a folder may be loaded with."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors") if path.is_file())


def own_code(folder: Path, ref: str) -> str | None:
    """The code that a folder asks to be loaded with, as its configuration names it ("modeling_x.Model"); or None."""
    for _, config in _configs(folder, ref):
        for key, value in _items(config):
            if key == _OWN_CODE and (names := sorted(_strings(value))):
                return names[0]
    return None


def unnamed_head(folder: Path, ref: str, labels: Collection[str]) -> bool:
    """Whether a checkpoint classifies into two or three classes that it calls by other names than ``labels``."""
    config = _model_config(folder, ref)
    names, back = config.get("id2label"), config.get("label2id")
    if isinstance(names, dict) and isinstance(back, dict):
        told = ((place, name) for place, name in names.items() if isinstance(name, str))
        names = dict.fromkeys(names, "") if any(str(back.get(name, at)) != at for at, name in told) else names
    called = [str(name).lower() for name in names.values()] if isinstance(names, dict) else ["label_0", "label_1"]
    classifies = any("ForSequenceClassification" in name for name in _strings(config.get("architectures")))
    return classifies and len(called) in (2, 3) and not set(called) <= set(labels)


def layers(folder: Path) -> int | None:
    """How many layers a checkpoint's encoder has; None where its configuration does not say."""
    config = _model_config(folder, str(folder))
    named = (config.get(name) for name in ("num_hidden_layers", "n_layers", "num_layers"))
    return next((count for count in named if isinstance(count, int)), None)


def _model_config(folder: Path, ref: str) -> dict[str, Any]:
    return dict(_configs(folder, ref)).get("config.json", {})


def _configs(folder: Path, ref: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in _CONFIGS:
        path = folder / name
        if not path.is_file():
            continue
        try:
            # The strict reader would refuse the 10**30 that many a tokenizer has for its longest input.
            config = json.loads(read_text(path))  # noqa: TID251
        except (DataError, ValueError, RecursionError) as error:
            raise ConfigError(f"model {ref!r}: its {name} cannot be read as JSON; fetch the model again") from error
        if not isinstance(config, dict):
            raise ConfigError(f"model {ref!r}: its {name} is no JSON object; fetch the model again")
        yield name, config


def _check_config(name: str, config: dict[str, Any], ref: str) -> None:
    for key, value in _items(config):
        if key in _ATTENTION and not _BUILT_IN.issuperset(_strings(value)):
            raise ConfigError(
                f"model {ref!r} asks for attention by a kernel of its own ({key} in {name}), which is never fetched or "
                "run; take that line out"
            )
        if key == "quantization_config" and value:
            raise ConfigError(
                f"model {ref!r} has quantized weights (quantization_config in {name}), which are not loaded; "
                "give the checkpoint that they were made from"
            )
        if _COUNT.fullmatch(key) and isinstance(value, int) and not 0 <= value <= _MOST:
            raise ConfigError(f"model {ref!r} asks for {key}: {value:,} in {name}, which no network has; correct it")
        if key == "transformers_weights" and value:
            raise ConfigError(f"model {ref!r}: {name} names weights of its own ({key}); save them as {WEIGHTS}")


def _check_index(folder: Path, ref: str) -> None:
    """Weights in several files lie in the folder, all of them."""
    path = folder / INDEX
    if not path.exists():
        return
    try:
        shards = set(read_json(path)["weight_map"].values())
        wrong = sorted(name for name in shards if not _is_shard(folder, name))
    except (DataError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"model {ref!r}: its {INDEX} names no weights; fetch the model again") from error
    if wrong:
        raise ConfigError(f"model {ref!r}: {wrong[0]!r}, which its {INDEX} names, is no safetensors file in its folder")


def _is_shard(folder: Path, name: str) -> bool:
    return Path(name).name == name and name.endswith(".safetensors") and (folder / name).is_file()


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _items(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _items(inner)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)
