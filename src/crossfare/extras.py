"""Which extra of the package brings what could not be imported."""

from __future__ import annotations

from collections.abc import Mapping

_MODELS = "torch transformers tokenizers safetensors huggingface_hub ctranslate2 sentencepiece accelerate sacremoses "
_MODELS += "bm25s Stemmer ir_measures numba scipy sklearn"

_EXTRA: Mapping[str, str] = {
    **dict.fromkeys(_MODELS.split(), "models"),
    "codecarbon": "energy",
    "datasets": "hub",
    "ftfy": "encoding",
    "genai_prices": "llm",
    "jinja2": "report",
    "matplotlib": "report",
    "py3langid": "lint",
    "sacrebleu": "lint",
    "starlette": "serve",
    "uvicorn": "serve",
}


def explained(error: ModuleNotFoundError) -> str | None:
    """What to install, in one line; None if no extra brings the package."""
    name = (error.name or "").partition(".")[0]
    return f"this needs the package {name}: pip install 'crossfare[{_EXTRA[name]}]'" if name in _EXTRA else None
