from __future__ import annotations

import importlib.util
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.errors import ConfigError, DataError
from crossfare.types import Translation, Usage
from tune_markers import (
    MarkedPair,
    finetune_markers,
    main,
    marker_survival,
    read_pairs,
    same_words,
    zero_padding_row,
)

PAIR = MarkedPair("the cat sat on the mat", "the mat on sat the cat", "en", "de", (((4, 7), (19, 22)),))


def checkpoints() -> ModuleType:
    """The tiny checkpoints the engines are tested with."""
    path = Path(__file__).resolve().parent / "conformance" / "checkpoints.py"
    spec = importlib.util.spec_from_file_location("tiny_checkpoints", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Rewriting:
    """An engine that changes text by a function."""

    name = revision = "rewriting"
    granularity = "sentence"

    def __init__(self, change: Callable[[str], str | None]) -> None:
        self.change = change

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:
        return Translation(tuple(self.change(text) for text in texts), Usage())


# --- spans without alignment ---


def test_names_and_numbers_are_found_and_neighbours_joined() -> None:
    source, target = "In 1990, Anna Weber moved to Rio de Janeiro.", "Anna Weber zog 1990 nach Rio de Janeiro."
    found = {(source[a:b], target[c:d]) for (a, b), (c, d) in same_words(source, target)}
    assert found == {("1990", "1990"), ("Anna Weber", "Anna Weber"), ("Rio de Janeiro", "Rio de Janeiro")}


def test_a_word_that_occurs_twice_is_ambiguous() -> None:
    assert same_words("Paul met Paul in Rome", "Paul in Rome traf Paul") == (((14, 21), (5, 12)),)


def test_neighbours_in_another_order_are_not_joined() -> None:
    source, target = "Weber Anna", "Anna Weber"
    assert [source[a:b] for (a, b), _ in same_words(source, target)] == ["Weber", "Anna"]


WORDS = st.lists(st.sampled_from(["Rome", "12", "naïve", "a", "Đà", "x-ray", "der", ".", "Straße"]), max_size=8)


@given(WORDS, WORDS)
def test_spans_read_the_same_on_both_sides_and_do_not_overlap(left: list[str], right: list[str]) -> None:
    source, target = " ".join(left), " ".join(right)
    spans = same_words(source, target)
    for (a, b), (c, d) in spans:
        assert source[a:b] == target[c:d] != ""
        assert source.split().count(source[a:b].split()[0]) == 1
    for side in (0, 1):
        ends = sorted(pair[side] for pair in spans)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(ends))


# --- reading parallel text ---


def test_tab_separated_and_json_lines(tmp_path: Path) -> None:
    tabs, lines = tmp_path / "pairs.tsv", tmp_path / "pairs.jsonl"
    tabs.write_text("a cat\teine Katze\n\na dog\tein Hund\n", encoding="utf-8")
    lines.write_text(
        json.dumps({"source": "a cat", "target": "eine Katze", "spans": [[2, 5, 5, 10]]}) + "\n", encoding="utf-8"
    )
    assert read_pairs(tabs, "en", "de")[1] == MarkedPair("a dog", "ein Hund", "en", "de")
    assert read_pairs(lines, "en", "de") == [MarkedPair("a cat", "eine Katze", "en", "de", (((2, 5), (5, 10)),))]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("p.tsv", "only one column"),
        ("p.tsv", "one\ttwo\tthree"),
        ("p.jsonl", "{"),
        ("p.jsonl", '{"source": "a"}'),
        ("p.jsonl", '{"source": "a", "target": "b", "spans": [[0, 2, 0, 1]]}'),
        ("p.jsonl", '{"source": "a", "target": 3}'),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, name: str, line: str) -> None:
    good = "a\tb" if name.endswith("tsv") else '{"source": "a", "target": "b"}'
    (tmp_path / name).write_text(f"{good}\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"{name}, line 2"):
        read_pairs(tmp_path / name, "en", "de")


# --- survival ---


def survival_of(change: Callable[[str], str | None]) -> tuple[int, int, int]:
    pairs = [PAIR, MarkedPair("Anna left", "Anna ging", "en", "pt"), MarkedPair("no", "nein", "en", "de")]
    found = marker_survival(Rewriting(change), pairs)
    return found.total, found.survived, found.exact


def test_survival_counts_exact_lost_and_moved_markers() -> None:
    truth = {"the <a>cat</a> sat on the mat": "the mat on sat the <a>cat</a>", "<a>Anna</a> left": "<a>Anna</a> ging"}
    assert survival_of(truth.get) == (2, 2, 2)
    assert survival_of(lambda text: text.replace("<a>", "")) == (2, 0, 0)
    assert survival_of(lambda text: "<a>Anna</a> ging") == (2, 2, 1)
    assert survival_of(lambda text: None) == (2, 0, 0)


def test_rates_are_fractions_of_all_texts() -> None:
    found = marker_survival(Rewriting(lambda text: "<a>cat</a>" if "cat" in text else "lost"), [PAIR, PAIR])
    assert (found.survival_rate, found.exact_rate) == (1.0, 1.0)
    assert marker_survival(Rewriting(str), []).survival_rate == 0.0


# --- fine-tuning ---


@pytest.mark.parametrize("family", ["marian", "m2m100", "t5"])
def test_every_family_learns_and_loads_again(tmp_path: Path, family: str) -> None:
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    folder = checkpoints().MAKERS[family](tmp_path / "before")
    done: list[tuple[int, int]] = []
    usage = finetune_markers(
        str(folder),
        [PAIR],
        out=tmp_path / "after",
        steps=4,
        batch_size=4,
        learning_rate=1e-2,
        progress=lambda step, total: done.append((step, total)),
    )
    before = AutoModelForSeq2SeqLM.from_pretrained(folder)
    after = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "after")
    moved = [(a - b).abs().max().item() for a, b in zip(before.parameters(), after.parameters(), strict=True)]
    assert max(moved) > 0
    assert done == [(n, 4) for n in range(1, 5)]
    assert len(AutoTokenizer.from_pretrained(tmp_path / "after")) == len(AutoTokenizer.from_pretrained(folder))
    assert usage.seconds is not None and usage.seconds > 0 and usage.characters and usage.output_tokens
    if family == "marian":
        assert after.get_input_embeddings().weight[after.config.pad_token_id].abs().max() == 0


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSeq2SeqLM

    folder = checkpoints().marian(tmp_path / "before")
    weights = []
    for number, seed in enumerate([1, 1, 2]):
        out = tmp_path / str(number)
        finetune_markers(str(folder), [PAIR], out=out, steps=2, batch_size=4, learning_rate=1e-2, seed=seed)
        model = AutoModelForSeq2SeqLM.from_pretrained(out)
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_script_says_what_survives_before_and_after(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from transformers import AutoModelForSeq2SeqLM

    folder, pairs, out = checkpoints().marian(tmp_path / "before"), tmp_path / "pairs.tsv", tmp_path / "after"
    pairs.write_text("In 1990 the cat sat\tIn 1990 sat the cat\n" * 20, encoding="utf-8")
    asked = [str(folder), "--parallel", str(pairs), "--source", "en", "--target", "de", "--out", str(out)]
    assert main([*asked, "--steps", "1", "--batch-size", "2"]) == 0
    assert AutoModelForSeq2SeqLM.from_pretrained(out)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "18 pairs trained on, 2 held-out sentences with a marked span"
    assert said[1].startswith("delimiters survive: ") and said[1].endswith(" after")
    assert main(asked) == 2  # the folder holds something now
    assert str(out) in capsys.readouterr().err


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    plain = MarkedPair("yes", "sim", "en", "pt")
    with pytest.raises(ConfigError, match="no parallel text"):
        finetune_markers("unused", [], out=tmp_path)
    with pytest.raises(DataError, match="no pair has a span"):
        finetune_markers("unused", [plain], out=tmp_path)
    taken = MarkedPair("a <a> Rome", "ein <a> Rome", "en", "de", (((6, 10), (8, 12)),))
    with pytest.raises(DataError, match="no pair has a span"):
        finetune_markers("unused", [taken], out=tmp_path)


def test_text_longer_than_the_model_reads_is_refused(tmp_path: Path) -> None:
    folder = checkpoints().marian(tmp_path / "before")
    long = MarkedPair("the cat " * 60, "the cat " * 60 + "Rome", "en", "de", (((0, 3), (0, 3)),))
    with pytest.raises(DataError, match="split"):
        finetune_markers(str(folder), [long], out=tmp_path / "after", steps=1, batch_size=1)


def test_only_marian_has_its_padding_row_reset(tmp_path: Path) -> None:
    from transformers import AutoModelForSeq2SeqLM

    model = AutoModelForSeq2SeqLM.from_pretrained(checkpoints().t5(tmp_path / "t5"))
    row = model.get_input_embeddings().weight[model.config.pad_token_id].clone()
    zero_padding_row(model)
    assert (model.get_input_embeddings().weight[model.config.pad_token_id] == row).all()
