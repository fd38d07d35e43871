"""Tables as LaTeX, in the paper's layout: rules of booktabs, stacked headings, notes below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from crossfare.report.table import Cell, Column, Table, one_line

_PREAMBLE = "% needs \\usepackage{booktabs,graphicx} and an engine that reads UTF-8\n"

_HEADING_WIDTH = 14  # characters of a line in a heading

# What LaTeX obeys, and what its text fonts lack, by what prints as that character.
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "°": r"\textdegree{}",
    "–": "--",
    "—": "---",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
}


def to_latex(table: Table, label: str) -> str:
    """Render as a ``table*`` with the label ``tab:<label>``; text from data is escaped.

    A table wider than the page is scaled down to it.
    """
    caption = table.title.partition(": ")[2] if table.title.startswith("Table ") else table.title
    body = [
        _row(_heading(column) for column in table.columns),
        r"\midrule",
        *(line for index, row in enumerate(table.rows) for line in _lines(table, index, row)),
    ]
    spec = "".join("r" if column.number else "l" for column in table.columns)
    notes = (
        [rf"\par\smallskip\parbox{{\textwidth}}{{\footnotesize {escape(' '.join(table.notes))}}}"]
        if table.notes
        else []
    )
    return _PREAMBLE + "\n".join(
        [
            r"\begin{table*}[t]",
            r"\centering",
            rf"\caption{{{escape(_capital(caption))}}}\label{{tab:{label}}}",
            r"\small",
            r"\sbox0{%",
            rf"\begin{{tabular}}{{@{{}}{spec}@{{}}}}",
            r"\toprule",
            *body,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\ifdim\wd0>\textwidth\resizebox{\textwidth}{!}{\usebox0}\else\usebox0\fi",
            *notes,
            r"\end{table*}",
            "",
        ]
    )


def escape(text: str) -> str:
    """Text as LaTeX prints it: one line, nothing in it a command."""
    return "".join(_ESCAPES.get(character, character) for character in one_line(text))


def _lines(table: Table, index: int, row: Sequence[Cell]) -> list[str]:
    found = [_row(rf"\textbf{{{escape(cell.text)}}}" if cell.best else escape(cell.text) for cell in row)]
    if index not in table.sections:
        return found
    rule = [r"\addlinespace"] if index else []
    return [
        *rule,
        rf"\multicolumn{{{len(table.columns)}}}{{@{{}}l}}{{\textit{{{escape(table.sections[index])}}}}} \\",
        *found,
    ]


def _heading(column: Column) -> str:
    """A heading in a cell of its own lines, so that a long one does not widen its column."""
    side = "r" if column.number else "l"
    lines = column.title.replace(" (", "\n(").splitlines()
    parts = [escape(part) for line in lines for part in wrap(line, _HEADING_WIDTH)]
    if len(parts) <= 1:
        return "".join(parts)
    stacked = r" \\ ".join(parts)
    return rf"\begin{{tabular}}[b]{{@{{}}{side}@{{}}}}{stacked}\end{{tabular}}"


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
