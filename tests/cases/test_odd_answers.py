"""Answers that look like markup, or are spelt in decomposed characters, stay where they belong in a translation."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from test_cli import call

TEXTS = {
    "markup of their own": (
        'The company R&D and "Hill <Labs>" merged in [1984] near the <a>old</a> house &amp; the {mill}.',
        ("R&D", '"Hill <Labs>"', "[1984]", "<a>old</a>", "house &amp; the", "{mill}"),
    ),
    "decomposed": (
        unicodedata.normalize("NFD", "Thành phố Huế nằm bên sông Hương. Lê Lợi sinh năm 1385."),
        tuple(unicodedata.normalize("NFD", each) for each in ("Huế", "sông Hương", "Lê Lợi", "1385")),
    ),
}


@pytest.mark.parametrize("projection", ["markers", "tags"])
@pytest.mark.parametrize("kind", TEXTS)
def test_every_answer_survives_and_is_the_same(
    kind: str, projection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    context, answers = TEXTS[kind]
    asked = [
        {"id": text, "question": "Which?", "answers": [{"text": text, "answer_start": context.index(text)}]}
        for text in answers
    ]
    given = {"data": [{"paragraphs": [{"context": context, "qas": asked}]}]}
    file, out = tmp_path / "asked.json", tmp_path / "out.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    named = ("--task", "qa", "--source", "en", "--target", "pt", "--engine", "echo", "--projection", projection)
    status, told, _ = call(monkeypatch, capsys, "translate", str(file), *named, "--out", str(out))
    assert (status, f"yield: {len(answers)} of {len(answers)} examples" in told) == (0, True), told
    (paragraph,) = json.loads(out.read_text(encoding="utf-8"))["data"][0]["paragraphs"]
    assert [qa["answers"] for qa in paragraph["qas"]] == [each["answers"] for each in asked]
    assert paragraph["context"] == context
