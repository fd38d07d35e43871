"""The one door through which checkpoints come in: nothing that a folder brings is run, and nobody is asked.

transformers would ask on the terminal whether to run a folder's code; here the answer is no, always. Weights are read
from safetensors alone. Whatever transformers meets in a stranger's folder ends in one line.
"""

from __future__ import annotations

import logging
import re
import textwrap
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from crossfare.errors import ConfigError, CrossfareError
from crossfare.pretrained.inspection import inspect, own_code, weights_bytes
from crossfare.pretrained.offsets import PROBES

_UNTRUSTED = {"trust_remote_code": False}
_NO_CODE = {**_UNTRUSTED, "local_files_only": True}
_NEW_WEIGHTS = 10**8
"""Parameters that a checkpoint's network may have beyond those that its weights can hold."""

_LAYER = re.compile(r"(?:.*?\.)?(?:layers?|blocks?|h)\.\d+\.")


def load_config(path: str, ref: str | None = None) -> Any:
    """The configuration of the checkpoint in a folder; ``ref`` is what the user calls it.

    Raises:
        ConfigError: it cannot be read, or needs code of its own; see `inspection.inspect` too.
    """
    import transformers

    with _in_one_line(path, ref or path):
        return transformers.AutoConfig.from_pretrained(path, **_NO_CODE)


def load_tokenizer(path: str, config: Any, ref: str | None = None) -> Any:
    """The tokenizer of a checkpoint with this configuration.

    Raises:
        ConfigError: see `load_config`; or it cannot encode a text, or has more pieces than the model.
    """
    import transformers

    with _in_one_line(path, ref or path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "Recommended: pip install sacremoses"
        tokenizer = transformers.AutoTokenizer.from_pretrained(path, **_NO_CODE)
        tokenizer(list(PROBES))  # one that breaks on a text should break here
        _check_vocabulary(tokenizer, config, ref or path)
    return tokenizer


def load_model(
    path: str, head: str, config: Any, ref: str | None = None, *, cut: bool = False, **settings: Any
) -> tuple[Any, dict[str, Any]]:
    """The model of a checkpoint as the transformers class ``head`` ("AutoModel"), and what loading it says.

    ``settings`` are those of `from_pretrained` (dtype, ignore_mismatched_sizes). Of what it says, "missing_keys" names
    weights that the checkpoint does not have, which are random. ``cut``: the configuration was given fewer layers than
    the checkpoint has, on purpose.

    Raises:
        ConfigError: see `load_config`; or weights of the encoder or decoder are not in the checkpoint, or more layers
            than the configuration has.
    """
    import transformers

    with _in_one_line(path, ref or path):
        _check_size(config, path, ref or path)
        model, info = getattr(transformers, head).from_pretrained(
            path, config=config, use_safetensors=True, output_loading_info=True, **_NO_CODE, **settings
        )
    _check_weights(model, info, ref or path, cut)
    return model, info


@contextmanager
def _in_one_line(path: str, ref: str) -> Iterator[None]:
    folder = Path(path)
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{ref} holds no config.json: give the folder of a saved transformers model")
    inspect(folder, ref)
    code = own_code(folder, ref)
    try:
        with quiet():
            yield
    except (CrossfareError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # whatever is met in a stranger's folder; a panic in Rust is no Exception
        if code:
            raise ConfigError(
                f"model {ref!r} brings code of its own ({code}) and cannot be loaded without it; such code is never "
                "run: give a model of an architecture that transformers has"
            ) from error
        line = textwrap.shorten(str(error), 300, placeholder=" ...") or type(error).__name__
        raise ConfigError(f"cannot load the model {ref!r}: {line}") from error
    if code:
        _say_once(f"model {ref!r} brings code of its own ({code}), which is not run: transformers' own class is used")


@lru_cache(maxsize=256)
def _say_once(line: str) -> None:
    logging.getLogger("crossfare").warning(line)


def _check_vocabulary(tokenizer: Any, config: Any, ref: str) -> None:
    """Every piece that a text can become has a row in the embeddings; a mask token, which none becomes, need not."""
    rows = getattr(config, "vocab_size", None)
    if rows is None:
        return
    unused = set(tokenizer.all_special_ids) - {tokenizer.pad_token_id, *tokenizer("a")["input_ids"]}
    pieces = max((number for number in tokenizer.get_vocab().values() if number not in unused), default=-1) + 1
    if pieces > rows:
        raise ConfigError(
            f"the tokenizer of {ref} has {pieces:,} pieces, but its model {rows:,}: they do not belong together; take "
            "both from one checkpoint"
        )


def _check_size(config: Any, path: str, ref: str) -> None:
    """Refuse a network far larger than the checkpoint's weights, which do not fit it, before it takes memory."""
    import torch
    import transformers

    with torch.device("meta"):
        wanted = transformers.AutoModel.from_config(config, **_UNTRUSTED).num_parameters()
    if wanted > 2 * weights_bytes(Path(path)) + _NEW_WEIGHTS:
        raise ConfigError(
            f"the config.json of {ref} asks for a network of {wanted:,} parameters, many more than its weights can "
            "hold: they do not belong together; take both from one checkpoint"
        )


def _check_weights(model: Any, info: Mapping[str, Any], ref: str, cut: bool) -> None:
    """Raise if weights that must come from the checkpoint did not: transformers would only warn."""
    prefix = f"{model.base_model_prefix}." if model.base_model is not model else ""
    lost = [key for key in new_weights(info) if key.startswith(prefix) and "pooler." not in key]
    if lost:
        raise ConfigError(
            f"the checkpoint {ref} does not fit {type(model).__name__}: {len(lost)} of its weights "
            f"are not in it or have another shape ({lost[0]}); check its config.json"
        )
    there = model.state_dict()
    if wrong := next((name for name, weights in there.items() if not weights.isfinite().all()), None):
        raise ConfigError(f"the checkpoint {ref} holds weights that are no numbers ({wrong}); fetch the model again")
    for layer in filter(None, map(_LAYER.match, () if cut else info["unexpected_keys"])):
        if layer[0].startswith(prefix) and not any(name.startswith(layer[0]) for name in there):
            raise ConfigError(
                f"the checkpoint {ref} has layers that its config.json leaves out ({layer[0][:-1]}); correct the "
                "number of layers there"
            )


def new_weights(info: Mapping[str, Any]) -> list[str]:
    """The names of weights that are random: missing in the checkpoint, or of another shape there."""
    return [*info["missing_keys"], *(key[0] if isinstance(key, tuple) else key for key in info["mismatched_keys"])]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from narrating: progress bars, and warnings that are errors here where they matter."""
    from transformers.utils import logging as told

    verbosity, bars = told.get_verbosity(), told.is_progress_bar_enabled()
    told.set_verbosity_error()
    told.disable_progress_bar()
    try:
        yield
    finally:
        told.set_verbosity(verbosity)
        if bars:
            told.enable_progress_bar()
