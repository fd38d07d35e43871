"""Translate what is asked, for methods that translate when serving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossfare import translate
from crossfare.errors import ConfigError
from crossfare.experiment.engines import make_engine
from crossfare.experiment.methods import METHODS
from crossfare.experiment.steps import engine_options
from crossfare.serving.parts import Parts
from crossfare.types import Engine, Usage


@dataclass(frozen=True, slots=True)
class Translated:
    """Texts by their originals, reasons where one has no translation, and what it took."""

    texts: Mapping[str, str]
    failures: Mapping[str, str]
    usage: Usage

    def why_not(self, texts: Mapping[str, str]) -> str | None:
        """Say which of some texts, named by their role, has no translation."""
        for role, text in texts.items():
            if text in self.failures:
                return f"the {role} was not translated: {self.failures[text]}"
        return None


@dataclass(frozen=True, slots=True)
class Translator:
    """An engine in the direction of serving: from the target language into the model's."""

    engine: Engine
    source: str
    target: str
    memory: translate.TranslationMemory | None = None

    @property
    def revision(self) -> str:
        """What identifies its output."""
        return self.engine.revision

    def __call__(self, texts: Sequence[str]) -> Translated:
        """Translate the distinct ones among ``texts``.

        Raises:
            EngineError: the engine could do nothing at all.
        """
        wanted = list(dict.fromkeys(texts))
        made = translate.translate_texts(
            wanted, self.engine, source=self.source, target=self.target, memory=self.memory
        )
        pairs = zip(wanted, made.texts, strict=True)
        failures = {wanted[place]: reason for place, reason in made.failures.items()}
        return Translated({text: made for text, made in pairs if made is not None}, failures, made.usage)


def translator(parts: Parts, memory: translate.TranslationMemory | None) -> Translator | None:
    """The cell's engine in the direction of serving; None if nothing is translated then.

    Raises:
        ConfigError: the cell's translations were looked up, which no new text can be.
        EngineError: the engine is not installed or has no key.
    """
    cell = parts.cell
    if METHODS[cell.method].infer_on != "translated":
        return None
    assert cell.engine is not None
    spec = parts.spec.engines[cell.engine]
    if spec.engine == "reference":
        raise ConfigError(
            f"engine {cell.engine!r} looks translations up and has none of new text; choose another --engine"
        )
    engine = make_engine(spec.engine, engine_options(spec, cell.task, cell.target, cell.source))
    return Translator(engine, cell.target, cell.source, memory)
