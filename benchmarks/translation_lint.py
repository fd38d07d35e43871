"""How often lint finds fault with good translations, and how many faults it finds.

    python benchmarks/translation_lint.py DATA [--seed 0]

DATA holds ``flores/flores-dev.{en,pt,de,vi,es}``, human translations of the same 997 sentences, and outputs of systems
in ``flores/SOURCE-TARGET/flores-dev.SYSTEM.TARGET`` (not part of this repository). Prints, check by check: the share
of human translations it flags over all 20 directions, the share of the systems' outputs, and the share of corrupted
human translations it finds, each corrupted in one known way. A sentence that a corruption cannot touch (one without
a number has none to lose) is not counted.
"""

from __future__ import annotations

import argparse
import html
import itertools
import random
import re
from pathlib import Path

from crossfare.translate import lint_texts
from crossfare.translate.lint import CHECKS

LANGUAGES = ("en", "pt", "de", "vi", "es")
PREAMBLES = {
    "en": (
        "Here is the translation: ",
        "Sure! Here's the translated text:\n",
        "Translation: ",
        "Certainly! Here you go: ",
    ),
    "pt": (
        "Aqui está a tradução: ",
        "Claro! Segue o texto traduzido:\n",
        "Tradução: ",
        "A tradução para português é: ",
    ),
    "de": ("Hier ist die Übersetzung: ", "Gerne! Die Übersetzung lautet:\n", "Übersetzung: ", "Übersetzter Text: "),
    "vi": ("Đây là bản dịch: ", "Bản dịch tiếng Việt:\n", "Dịch: ", "Dưới đây là bản dịch của văn bản: "),
    "es": ("Aquí está la traducción: ", "¡Claro! Esta es la traducción:\n", "Traducción: ", "Texto traducido: "),
}
MARKED = (
    lambda text: html.escape(f'"{text}"'),
    lambda text: f"<p>{text}</p>",
    lambda text: text.replace(" ", "&nbsp;", 1) if " " in text else f"{text}&nbsp;",
    lambda text: f"\\u201c{text}\\u201d",
    lambda text: f"▁{text.replace(' ', ' ▁')}",
    lambda text: f"{text[:3]}@@ {text[3:]}",
    lambda text: f"{text} <unk>",
    lambda text: f"{text}\\n",
    lambda text: f"**{text}**",
    lambda text: f"# {text}",
    lambda text: f"por_Latn {text}",
    lambda text: f'{{"translation": "{text}"}}',
)
SUBTITLES = (
    "{{\\an8}}{}",
    "{{y:i}}{}",
    "♪ {} ♪",
    "00:01:02,500 --> 00:01:05,000 {}",
    "{{\\pos(192,250)}}{}",
    "{{120}}{{180}}{}",
    "[{:.20}]",
)
NAMES = {"en": "English", "pt": "Português", "de": "Deutsch", "vi": "Tiếng Việt", "es": "Español"}
EXCUSES = {
    "en": "I'm sorry, but I can't translate this.",
    "pt": "Desculpe, mas não posso traduzir este texto.",
    "de": "Es tut mir leid, aber ich kann diesen Text nicht übersetzen.",
    "vi": "Xin lỗi, tôi không thể dịch văn bản này.",
    "es": "Lo siento, pero no puedo traducir este texto.",
}


def talk(rng: random.Random, target: str, made: str) -> str:
    """What a chat model says before a translation, after it, or in place of it."""
    said = (
        f"{rng.choice(PREAMBLES[target])}{made}",
        f"{NAMES[target]}: {made}",
        f"{made}\n\nLet me know if you need anything else!",
        f"{made} (Note: names were kept.)",
        EXCUSES[target],
    )
    return rng.choice(said)


def corrupt(name: str, rng: random.Random, target: str, given: str, made: str, other: str) -> str | None:
    """Spoil a translation in one way, given its source and the text in another language; None if it cannot be."""
    words = made.split()
    start = rng.randrange(len(words))
    numbers = re.findall(r"\d[\d.,]*\d", made)
    loop = words[start : start + rng.randint(1, 5)] * rng.randint(5, 12)
    spoilt = {
        "empty": "",
        "untranslated": given,
        "repeated": " ".join([*words[:start], *loop, *words[start:]]) if rng.random() < 0.7 else f"{made} {made}",
        "truncated": " ".join(words[: max(1, int(len(words) * rng.uniform(0.2, 0.9)))]),
        "wrong-language": other,
        "lost-number": made.replace(rng.choice(numbers), "") if numbers else None,
        "length-ratio": f"{made} {made} {made}",
        "no-letters": rng.choice(("." * 40, "?" * len(words), "$ " * 20, "-", "…", "? ? ?", "\u266a", "12.", "。。。")),
        "markup": rng.choice(MARKED)(made),
        "subtitle": rng.choice(SUBTITLES).format(made),
        "preamble": talk(rng, target, made),
        "one-for-many": "NS",
    }
    return spoilt[name]


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    flores = asked.data / "flores"
    texts = {name: lines(flores / f"flores-dev.{name}") for name in LANGUAGES}
    human: dict[str, int] = {}
    for source, target in itertools.permutations(LANGUAGES, 2):
        add(human, counts(texts[source], texts[target], source, target))
    total = 20 * len(texts["en"])
    show("human translations flagged", {name: (count, total) for name, count in human.items()})
    systems: dict[str, int] = {}
    outputs = [path for path in sorted(flores.glob("*/flores-dev.*.??")) if path.suffix[1:] in LANGUAGES]
    for path in outputs:
        source, target = path.parent.name.split("-")
        add(systems, counts(texts[source], lines(path), source, target))
    total = len(outputs) * len(texts["en"])
    show(f"outputs of systems flagged ({len(outputs)} files)", {name: (n, total) for name, n in systems.items()})
    escaped = [path.name for path in outputs if "&#39;" in path.read_text(encoding="utf-8")]
    print(f"{len(escaped)} of them hold escapes, which are no false alarms: {', '.join(sorted(set(escaped)))}")
    show("corrupted human translations found", found(texts, random.Random(asked.seed)))


def found(texts: dict[str, list[str]], rng: random.Random) -> dict[str, tuple[int, int]]:
    """Of each corruption, how many are found by its own check, and how many there were."""
    totals = {}
    for name in CHECKS:
        hits = made = 0
        for source, target in itertools.permutations(LANGUAGES, 2):
            # Told apart are the target's language, the source's and English: the other one must be one of these.
            other = texts["en" if source != "en" and target != "en" else source]
            spoilt = [corrupt(name, rng, target, *row) for row in zip(texts[source], texts[target], other, strict=True)]
            rows = [(str(n), texts[source][n], bad) for n, bad in enumerate(spoilt) if bad is not None]
            # A tenth, among sound ones: the check of lengths compares with the others.
            spoiled = {row[0]: row for row in rows[::10]}
            mixed = [spoiled.get(str(n), (str(n), given, texts[target][n])) for n, given in enumerate(texts[source])]
            flagged = lint_texts(mixed, source=source, target=target).flagged
            hits += sum(name in flagged.get(each, ()) for each in spoiled)
            made += len(spoiled)
        totals[name] = (hits, made)
    return totals


def counts(given: list[str], made: list[str], source: str, target: str) -> dict[str, int]:
    """Lint line-aligned texts."""
    numbered = zip(map(str, range(len(given))), given, made, strict=True)
    return dict(lint_texts(numbered, source=source, target=target).counts)


def add(totals: dict[str, int], more: dict[str, int]) -> None:
    """Add counts by check."""
    for name, count in more.items():
        totals[name] = totals.get(name, 0) + count


def lines(path: Path) -> list[str]:
    """Read a file of one text a line."""
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def show(title: str, rates: dict[str, tuple[int, int]]) -> None:
    """Print a table."""
    print(f"\n{title}")
    for name, (count, total) in rates.items():
        print(f"{name:>15} {count:6,} of {total:6,} {count / max(1, total):8.2%}")


if __name__ == "__main__":
    main()
