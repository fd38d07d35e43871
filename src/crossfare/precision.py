"""In which floating-point precision this machine computes best: the question that ``precision: auto`` asks."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from crossfare.errors import ConfigError
from crossfare.hardware import NATIVE_BF16, instructions

_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/kfd"), Path("/dev/dxg"))


def resolved(wanted: str | None) -> str:
    """What a setting means on this machine: "fp32", "bf16" or "fp16".

    "auto" is bf16 where the GPU, or else the processor, computes in it natively, and fp32 elsewhere. None is fp32 on
    a processor, so that results do not depend on which one it is, and "auto" on a GPU.
    """
    if wanted is None:
        return _on_gpu() or "fp32"
    return (_on_gpu() or _on_processor()) if wanted == "auto" else wanted


def told(wanted: str | None, unstated: str | None) -> str | None:
    """How an identity spells a precision: what it means here, so that results of different precision never share one.

    ``unstated`` is how it spells a precision that was left out and is fp32, as all were on processors once.
    """
    return unstated if wanted is None and resolved(None) == "fp32" else resolved(wanted)


def check(wanted: str | None) -> None:
    """Refuse what this machine cannot train in.

    Raises:
        ConfigError: it is fp16, and there is no GPU.
    """
    if wanted == "fp16" and _on_gpu() is None:
        raise ConfigError("fp16 training needs a GPU; set precision to fp32 or auto")


def settled(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a spec with "auto" answered."""
    if settings.get("precision") != "auto":
        return dict(settings)
    return {**settings, "precision": resolved("auto")}


@lru_cache(maxsize=1)
def _on_gpu() -> str | None:
    """The precision of the GPU; None without one. Torch is only asked where a driver is, for plans do without it."""
    driven = shutil.which("nvidia-smi") or any(map(Path.exists, _DRIVERS))
    if not driven or find_spec("torch") is None:
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"


@lru_cache(maxsize=1)
def _on_processor() -> str:
    return "bf16" if instructions().intersection(NATIVE_BF16) else "fp32"
