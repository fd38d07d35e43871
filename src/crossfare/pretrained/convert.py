"""Turn pickled weights into safetensors: ``python -m crossfare.pretrained.convert MODEL FOLDER``.

Only tensors are read from the pickle: torch's restricted reader refuses everything else, and with it code.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from crossfare.errors import ConfigError, CrossfareError
from crossfare.pretrained.hub import snapshot
from crossfare.pretrained.inspection import WEIGHTS, inspect

_COPIED = (".json", ".txt", ".model", ".spm", ".md")


def convert(ref: str, out: Path) -> None:
    """Write the checkpoint ``ref`` (a folder or a hub id) to the folder ``out``, its weights as safetensors.

    Raises:
        ConfigError: there is no such checkpoint, ``out`` exists, or the pickle holds more than tensors.
    """
    from safetensors.torch import save_file

    folder = Path(ref).expanduser()
    if not (folder / "config.json").is_file():
        folder, _ = snapshot(ref, pickled=True)
    pickles = sorted(folder.glob("pytorch_model*.bin"))
    if not pickles:
        raise ConfigError(f"model {ref!r} has no pickled weights (pytorch_model.bin): there is nothing to convert")
    if out.exists():
        raise ConfigError(f"{out} exists already; give a folder that does not")
    tensors = {name: tensor for path in pickles for name, tensor in _tensors(path, ref).items()}
    out.mkdir(parents=True)
    for path in folder.iterdir():
        if path.is_file() and path.suffix in _COPIED and not path.name.endswith(".index.json"):
            shutil.copyfile(path, out / path.name)
    save_file(tensors, out / WEIGHTS, metadata={"format": "pt"})
    inspect(out, str(out))


def _tensors(path: Path, ref: str) -> dict[str, Any]:
    """The tensors of a pickle by name, none sharing memory with another, which safetensors cannot hold."""
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        return {str(name): tensor.detach().clone().contiguous() for name, tensor in found.items()}
    except Exception as error:  # a pickle can hold anything
        raise ConfigError(f"model {ref!r}: {path.name} holds more than tensors and is not read") from error


def main(arguments: list[str]) -> int:
    """Convert one checkpoint; errors are one line."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m crossfare.pretrained.convert MODEL FOLDER\n")
        return 2
    try:
        convert(arguments[0], Path(arguments[1]))
    except CrossfareError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
