"""Translate what is asked, for methods that translate when serving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossfare.errors import ConfigError, DataError
from crossfare.experiment.charges import Charge, Charged
from crossfare.experiment.engines import make_engine
from crossfare.experiment.steps import engine_options
from crossfare.serving.parts import Parts
from crossfare.translate import TranslationMemory
from crossfare.translate.bitext import translate_aligned
from crossfare.translate.engines.hosts import check_key
from crossfare.translate.projection.projected import Parallel
from crossfare.types import Engine, Usage


@dataclass(frozen=True, slots=True)
class Translated:
    """Translations by their originals, reasons where there is none, and what it took."""

    pairs: Mapping[str, Parallel]
    failures: Mapping[str, str]
    usage: Usage

    def __getitem__(self, text: str) -> str:
        return self.pairs[text].target

    def why_not(self, texts: Mapping[str, str]) -> str | None:
        """Say which of some texts, named by their role, has no translation."""
        for role, text in texts.items():
            if text in self.failures:
                return f"the {role} was not translated: {self.failures[text]}"
        return None


@dataclass(frozen=True, slots=True)
class Translator:
    """An engine in the direction of serving: from the target language into the model's.

    With a ``charge``, its requests are paid from that one's budget.
    """

    engine: Engine
    source: str
    target: str
    memory: TranslationMemory | None = None
    charge: Charge | None = None

    @property
    def revision(self) -> str:
        """What identifies its output."""
        return self.engine.revision

    def __call__(self, texts: Sequence[str]) -> Translated:
        """Translate the distinct ones among ``texts``; blank ones stay as they are.

        Raises:
            EngineError: the engine could do nothing at all.
            BudgetExceeded: the next request would pass the budget.
        """
        wanted = list(dict.fromkeys(texts))
        engine = Charged(self.engine, self.charge) if self.charge else self.engine
        made = translate_aligned(wanted, engine, source=self.source, target=self.target, memory=self.memory)
        pairs = {text: pair for text, pair in zip(wanted, made.pairs, strict=True) if pair is not None}
        failures = {wanted[place]: failed.reason for place, failed in made.failures.items()}
        return Translated(pairs, failures, made.segments.usage)


def translator(
    parts: Parts, memory: TranslationMemory | None = None, charge: Charge | None = None
) -> Translator | None:
    """The cell's engine in the direction of serving; None if nothing is translated then.

    Raises:
        ConfigError: the cell's translations were looked up, which no new text can be.
        DataError: the engine has changed since the run, so that its scores are not those of what would be served.
        EngineError: the engine is not installed or has no key.
    """
    own = parts.translating
    if own is None:
        return None
    cell = own.cell
    assert cell.engine is not None
    spec = parts.spec.engines[cell.engine]
    if spec.engine == "reference":
        raise ConfigError(
            f"engine {cell.engine!r} looks translations up and has none of new text; choose another --engine"
        )
    engine = make_engine(spec.engine, engine_options(spec, cell.task, cell.target, cell.source))
    check_key(engine)
    scored = own.source(own.predict, "data").params["engine"]["revision"]
    if engine.revision != scored:
        raise DataError(
            f"engine {cell.engine!r} is not what {parts.run.name} was scored with (revision {engine.revision}, then "
            f"{scored}); run its spec again"
        )
    return Translator(engine, cell.target, cell.source, memory, charge)
