"""A model of the Hugging Face hub as a local folder with an exact commit."""

from __future__ import annotations

import logging
from pathlib import Path

from crossfare.errors import ConfigError
from crossfare.pretrained.inspection import pickled_weights

_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.spm", "README.md"]  # the card states the licence
# Models that the hub once had without an owner, and whose they are now.
_OWNERS = {
    "albert": "albert",
    "bert": "google-bert",
    "distilbert": "distilbert",
    "roberta": "FacebookAI",
    "t5": "google-t5",
    "xlm": "FacebookAI",
}
_PICKLED = "pytorch_model*.bin"  # of checkpoints older than safetensors


def snapshot(ref: str, *, pickled: bool = False) -> tuple[Path, str]:
    """Return the folder and the commit of ``org/name[@revision]``; download what is not cached.

    Weights are fetched as safetensors; ``pickled`` fetches those that are to be converted to them.
    With HF_HUB_OFFLINE set, or without a network, only what was downloaded before is found.

    Raises:
        ConfigError: no such model or revision, it is neither cached nor reachable, or its weights are pickled.
    """
    try:
        import huggingface_hub
    except ImportError:
        raise ConfigError(f"model {ref!r}: hub models need huggingface_hub; pip install 'crossfare[models]'") from None

    name, _, revision = ref.partition("@")
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        patterns = [*_FILES, _PICKLED] if pickled else _FILES
        folder = Path(huggingface_hub.snapshot_download(name, revision=revision or None, allow_patterns=patterns))
    except (OSError, ValueError) as error:  # every error of the hub's client is one of these
        raise ConfigError(_explain(ref, error)) from error
    if not (folder / "config.json").is_file():
        raise ConfigError(f"model {ref!r}: the hub's repository has no config.json; it is no transformers checkpoint")
    if not pickled and not any(folder.glob("*.safetensors")):
        raise ConfigError(pickled_weights(ref, "the hub has no safetensors of it"))
    return folder, folder.name


def _explain(ref: str, error: Exception) -> str:
    kind = type(error).__name__
    if "/" not in ref and kind != "HFValidationError":
        owner = _OWNERS.get(ref.partition("-")[0], "OWNER")
        return f"model {ref!r}: not a folder, and on the hub every model has an owner ({kind}); write {owner}/{ref}"
    if kind in {"RepositoryNotFoundError", "RevisionNotFoundError", "GatedRepoError", "HFValidationError"}:
        return f"model {ref!r}: not a folder, not embedded:/offline:, and the hub refuses it ({kind}); check the name"
    return (
        f"model {ref!r}: neither cached nor reachable on the hub ({kind}); "
        "go online once without HF_HUB_OFFLINE, or give a local folder, embedded:NAME or offline:NAME"
    )
