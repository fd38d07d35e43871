"""Save models small: half-precision weights that load as single precision."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file


def save_half(model: Any, out: Path, extra: Mapping[str, torch.Tensor] | None = None) -> None:
    """Save ``model`` with fp16 weights whose config says float32.

    transformers 5 loads weights in the precision the config names, so plain ``from_pretrained`` gives fp32.
    The folder is replaced in one step, so that a reader never meets half a checkpoint.
    """
    draft = out.with_name(out.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    model.save_pretrained(draft)
    weights = draft / "model.safetensors"
    tensors = {**load_file(weights), **(extra or {})}
    halves = {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    save_file(halves, weights, metadata={"format": "pt"})
    weights.chmod(0o644)
    config = json.loads((draft / "config.json").read_text(encoding="utf-8"))
    config["dtype"] = "float32"
    (draft / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if out.exists():
        for file in out.iterdir():
            if not (draft / file.name).exists():
                shutil.copy(file, draft / file.name)
        shutil.rmtree(out)
    draft.rename(out)
