"""Junk that engines leave in place of a translation, or around it, is seen without a reference."""

from __future__ import annotations

import html

import pytest

from crossfare.translate import lint_texts

SENTENCE = "The mayor opened the new bridge over the river on Monday morning."
ITS_TRANSLATION = "O prefeito abriu a nova ponte sobre o rio na segunda-feira de manhã."


def checks(given: str, made: str, source: str = "en", target: str = "pt") -> set[str]:
    found = lint_texts([("x", given, made)], source=source, target=target)
    return set(found.flagged.get("x", ()))


@pytest.mark.parametrize(
    "made", ["." * 40, "?" * 10, "$ " * 40, "…", "-", "? . ! , ;", "。。。。", "♪ ♪ ♪", "1. . . . . . . . . ."]
)
def test_a_translation_without_letters(made: str) -> None:
    assert "no-letters" in checks(SENTENCE, made)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("nineteen hundred and ninety nine", "1999"),
        ("twenty", "20"),
        ("?", "?"),
        ("3 + 4 = 7, ok", "3 + 4 = 7"),
        ("- - - 12:30 - - -", "- - - 12:30 - - -"),
        ("The water boils.", "น้ำกำลังเดือด"),
        ("The water boils.", "पानी उबलता है"),
    ],
)
def test_numbers_and_other_scripts_are_letters_enough(given: str, made: str) -> None:
    assert not {"no-letters", "markup", "subtitle", "preamble"} & checks(given, made)


@pytest.mark.parametrize(
    "made",
    [
        html.escape(f'"{ITS_TRANSLATION}"'),
        ITS_TRANSLATION.replace("a", "&atilde;", 1),
        f"{ITS_TRANSLATION} &#39;",
        f"{ITS_TRANSLATION} & quot ;",
        f"<p>{ITS_TRANSLATION}</p>",
        f"{ITS_TRANSLATION}<br/>",
        rf"{ITS_TRANSLATION}\n",
        rf"\u201c{ITS_TRANSLATION}",
        f"u003ca{ITS_TRANSLATION}",
        ITS_TRANSLATION.replace(" ", "%20"),
        ITS_TRANSLATION.replace("ã", "Ã£"),
        ITS_TRANSLATION.replace("ã", "\ufffd"),
        ITS_TRANSLATION.replace(" ", " ▁"),
        ITS_TRANSLATION.replace("pre", "pre@@ ", 1),
        f"{ITS_TRANSLATION} <unk>",
        f">>por<< {ITS_TRANSLATION}",
        f"{ITS_TRANSLATION}<|im_end|>",
        f"**{ITS_TRANSLATION}**",
        f"```\n{ITS_TRANSLATION}\n```",
        f"# {ITS_TRANSLATION}",
        f"__pt__ {ITS_TRANSLATION}",
        f"por_Latn {ITS_TRANSLATION}",
        f"\uff1cb\uff1e{ITS_TRANSLATION}\uff1c/b\uff1e",
        f'{{"text": "{ITS_TRANSLATION}"}}',
        rf"\textbf{{{ITS_TRANSLATION}}}",
        f"\ufeff{ITS_TRANSLATION}",
        f"{ITS_TRANSLATION}\x07",
    ],
)
def test_markup_and_escapes_that_the_source_has_not(made: str) -> None:
    assert "markup" in checks(SENTENCE, made)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("Use <b>this</b> &amp; that.", "Use <B>isto</B> &amp; aquilo."),
        ("A woman < a man in age & size > ours.", "Uma mulher < um homem em idade & tamanho > o nosso."),
        ("It rose by 20% in 2020.", "Subiu 20% em 2020."),
        ("See C:\\new and \\u0041.", "Veja C:\\new e \\u0041."),
        ("NO! Not me!", "NÃO! EU NÃO!"),
        ("AT&T; others too.", "AT&T; outros também."),
        ("It costs 3 * 4 dollars.", "Custa 3 * 4 dólares."),
    ],
)
def test_markup_of_the_source_may_stay(given: str, made: str) -> None:
    assert "markup" not in checks(given, made)


@pytest.mark.parametrize(
    "made",
    [
        rf"{{\an8}}{ITS_TRANSLATION}",
        rf"{{\pos(192,250)}}{ITS_TRANSLATION}",
        f"{{y:i}}{ITS_TRANSLATION}",
        f"{{C:$aaccff}}{ITS_TRANSLATION}",
        f"{{120}}{{180}}{ITS_TRANSLATION}",
        f"♪ {ITS_TRANSLATION} ♪",
        f"00:01:02,500 --> 00:01:05,000 {ITS_TRANSLATION}",
        r"O prefeito abriu\Na nova ponte.",
        "Legendas por João da Silva",
        "Subtitles by the Amara.org community",
        "Untertitel der Amara.org-Community",
        "Legendas pela comunidade.",
        "[Música]",
        "(Aplausos)",
    ],
)
def test_codes_and_credits_of_subtitles(made: str) -> None:
    assert "subtitle" in checks(SENTENCE, made)
    assert "subtitle" not in checks(made, made)


@pytest.mark.parametrize(
    "opening",
    [
        "Here is the translation: ",
        "Sure! Here is the translation:\n",
        "Translation: ",
        "Certainly! Here you go: ",
        "Aqui está a tradução para o português: ",
        "Hier ist die Übersetzung: ",
        "Voici la traduction : ",
        "Вот перевод: ",
        "以下是翻译：",
        "翻訳：",
        "I'm sorry, but I can't assist with that.",
        "I cannot translate this text.",
        "As an AI language model, I cannot say.",
        "Certainly, I'd be happy to help! ",
        "Translation (Portuguese): ",
        "Português: ",
        "Output: ",
        "Sinto muito, mas não posso traduzir isto. ",
        "Es tut mir leid, aber ich kann dabei nicht helfen. ",
        "抱歉，我无法翻译。",
    ],
)
def test_what_a_chat_model_says_before_its_answer(opening: str) -> None:
    assert "preamble" in checks("They discuss the new bridge.", f"{opening}{ITS_TRANSLATION}")


@pytest.mark.parametrize(
    "end", ["\n\nLet me know if you need more!", " (Note: I kept the names.)", "\nNota: mantive os nomes."]
)
def test_what_it_says_after_it(end: str) -> None:
    assert "preamble" in checks(SENTENCE, f"{ITS_TRANSLATION}{end}")


@pytest.mark.parametrize(
    ("given", "made", "source", "target"),
    [
        ("Translation: a short history", "Tradução: uma breve história", "en", "pt"),
        ("Desculpe, mas não posso ajudar.", "I'm sorry, but I can't help.", "pt", "en"),
        ("I'm afraid I can't come.", "Sinto muito, não posso ir.", "en", "pt"),
        ("Portuguese: a short course", "Português: um curso breve", "en", "pt"),
        ("Done (note: twice).\n\nYes.", "Feito (nota: duas vezes).\n\nSim.", "en", "pt"),
        ("Claro! Aqui está o livro.", "Sure! Here is the book.", "pt", "en"),
        ("He said: I read it in translation.", "Ele disse: li a tradução.", "en", "pt"),
        ("The district (Dutch: Grachten)", "O distrito (traduzido do holandês: Grachten)", "en", "pt"),
    ],
)
def test_a_text_may_speak_of_translations_and_excuses(given: str, made: str, source: str, target: str) -> None:
    assert "preamble" not in checks(given, made, source, target)


def many(pairs: list[tuple[str, str]]) -> set[str]:
    rows = [(str(number), *pair) for number, pair in enumerate(pairs)]
    found = lint_texts(rows, source="en", target="pt").flagged
    return {name for name, names in found.items() if "one-for-many" in names}


def test_one_translation_for_many_sources() -> None:
    sources = [
        "The ferry leaves at noon.",
        "A baker closed his shop.",
        "Three children play outside.",
        "The lake is cold now.",
    ]
    assert many([(text, "Não sei o que dizer.") for text in sources]) == {"0", "1", "2", "3"}
    assert many([(text, "Não sei o que dizer.") for text in sources[:2]]) == set(), "two may be chance"
    assert many([(text, "Sim.") for text in ("Yes.", "Yeah.", "Yep, right.", "Sure.")]) == set(), (
        "short texts may agree"
    )
    alike = ["A man is outside now.", "A man is outside today.", "A man is outside, now!", "A man  is outside now"]
    assert many([(text, "Um homem está lá fora.") for text in alike]) == set()
