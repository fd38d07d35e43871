"""Where Apertium's tags end up: tied to words, as crossfare sends them, against Apertium's own HTML mode.

    python benchmarks/apertium_tags.py XQUAD

XQUAD is the English file of XQuAD, which is not part of this repository; Apertium must be installed with the pairs
eng-spa and es-pt. Every answer is marked in its paragraph, one at a time. "Like alone" is the edit similarity (0-1)
of the marked translation and the translation of the answer on its own; punctuation round them and case do not count.
"""

from __future__ import annotations

import argparse
import html
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from rapidfuzz.fuzz import ratio

from crossfare import data, translate
from crossfare.types import QAExample

ROUTES = {"es": ("eng-spa",), "pt": ("eng-spa", "es-pt_BR")}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("xquad", type=Path)
    examples = data.load(parser.parse_args().xquad, task="qa", language="en").dataset.examples
    answers = [(each.context, each.answers[0]) for each in examples if isinstance(each, QAExample)]
    marked = [
        f"{text[: answer.start]}<a>{answer.text}</a>{text[answer.start + len(answer.text) :]}"
        for text, answer in answers
    ]
    engine = translate.engine("apertium")
    print("| | answers | tags survive | HTML mode | elsewhere | like alone | HTML mode | text unchanged |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for target, modes in ROUTES.items():
        tied = [text or "" for text in engine.translate(marked, source="en", target=target).texts]
        plain = engine.translate([text for text, _ in answers], source="en", target=target).texts
        alone = engine.translate([answer.text for _, answer in answers], source="en", target=target).texts
        filtered = html_mode(marked, modes)
        ours, theirs = [inside(text) for text in tied], [html.unescape(inside(text)) for text in filtered]
        elsewhere = sum(a.strip() != b.strip() for a, b in zip(ours, theirs, strict=True))
        unchanged = sum(re.sub("</?a>", "", a) == b for a, b in zip(tied, plain, strict=True))
        print(
            f"| en-{target} | {len(answers)} | {sum(map(bool, ours))} | {sum(map(bool, theirs))} | {elsewhere} "
            f"| {likeness(ours, alone):.3f} | {likeness(theirs, alone):.3f} | {unchanged} |"
        )


def html_mode(texts: Sequence[str], modes: Sequence[str]) -> list[str]:
    """Translate in Apertium's HTML mode, a paragraph a text."""
    page = "".join(
        f"<p>{html.escape(text, quote=False).replace('&lt;a&gt;', '<a>').replace('&lt;/a&gt;', '</a>')}</p>\n"
        for text in (" ".join(text.split()) for text in texts)
    )
    for mode in modes:
        command = ["apertium", "-u", "-f", "html", mode]
        page = subprocess.run(command, input=page, capture_output=True, text=True, check=True).stdout
    found = re.findall("<p>(.*?)</p>", page, re.DOTALL)
    if len(found) != len(texts):
        raise SystemExit(f"the HTML mode returned {len(found)} paragraphs for {len(texts)}")
    return found


def inside(text: str) -> str:
    """What the tags hold; nothing if they did not survive."""
    found = re.search("<a>(.*?)</a>", text, re.DOTALL)
    return found[1] if found else ""


def likeness(some: Sequence[str], others: Sequence[str | None]) -> float:
    """Mean edit similarity."""
    pairs = zip(some, others, strict=True)
    return fmean(ratio(a.lower().strip(" .,"), (b or "").lower().strip(" .,")) / 100 for a, b in pairs)


if __name__ == "__main__":
    main()
