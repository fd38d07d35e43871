from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from crossfare.report import Cell, Column, Table, table1, task_table, to_latex
from crossfare.report.latex import escape
from report import fixed

COMMANDS = {"textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar", "textdagger"}
COMMANDS |= {"textdaggerdbl", "textdegree", "geq", "leq"}


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_a_table_has_the_rules_of_booktabs_and_a_line_for_each_row() -> None:
    text = to_latex(task_table(fixed.results(), "nli", fixed.CONTEXT), "table3")
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\hline")] == [1, 1, 1, 0]
    assert body.count(r" \\") == 6
    assert r"\label{tab:table3}" in text
    assert r"\textbf{0.8" in body  # the best of its column


def test_every_line_has_as_many_cells_as_there_are_columns() -> None:
    table = table1(fixed.results(), fixed.CONTEXT)
    text = to_latex(table, "table1")
    rows = [line for line in lines(text) if line.endswith(r" \\") and not line.startswith(r"\multicolumn")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(table.columns) - 1}
    assert len(re.findall(r"^\\multicolumn", text, re.MULTILINE)) == len(table.sections)
    spec = re.search(r"\\begin\{tabular\}\{@\{\}([lr]+)@\{\}\}", text)
    assert spec and len(spec[1]) == len(table.columns)


def test_environments_and_braces_are_closed() -> None:
    text = to_latex(table1(fixed.results(), fixed.CONTEXT), "table1")
    assert re.findall(r"\\begin\{([a-z*]+)\}", text).count("tabular") == text.count(r"\end{tabular}")
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")


@given(st.text())
def test_text_is_never_a_command(text: str) -> None:
    found = escape(text)
    assert set(re.findall(r"\\([a-zA-Z]+)", found)) <= COMMANDS
    assert not re.search(r"(?<!\\)[#%&_]", found)
    assert not re.search(r"[\x00-\x1f]", found)


def test_text_from_data_stays_text() -> None:
    table = Table("A & B", (Column("x_1"),), ((Cell(r"\input{/etc/passwd} 100% of {a}"),),), ("note #1",))
    text = to_latex(table, "t")
    assert r"\textbackslash{}input\{/etc/passwd\} 100\% of \{a\}" in text
    assert r"\caption{A \& B}" in text and r"x\_1" in text and r"note \#1" in text
