"""crossfare compare and crossfare recommend, as a shell calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import made
import pytest

from crossfare import cli

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the entry point; returns status, standard output, standard error."""

    def run(*arguments: object, columns: int = 200) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["crossfare", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", str(columns))
        try:
            cli.main()
            status = 0
        except SystemExit as stopped:
            status = int(stopped.code or 0)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made.run(tmp_path / "made")


def test_compare_prints_the_front_the_break_evens_and_the_sensitivity(call: Call, folder: Path) -> None:
    status, out, _ = call("compare", folder, "--volume", 5000, "--months", 2, "--margin", 30)
    assert status == 0
    assert "NLI pt: methods at 5,000 examples a month for 2 months" in out
    assert "NLI pt: break-even volumes" in out
    assert "NLI pt: what would change the choice" in out
    assert "Reference†: reference translation, priced as a commercial API." in out


def test_compare_fits_a_terminal_of_80_columns_and_loses_none_of_its_own(call: Call, tmp_path: Path) -> None:
    folder = made.run(tmp_path / "stored", stored=9_876_543_210)
    _, wide, _ = call("compare", folder)
    status, narrow, _ = call("compare", folder, columns=80)
    assert status == 0
    assert max(map(len, narrow.splitlines()[2:])) <= 80  # below the sentences of advice
    for word in ("Storage", "Recurring", "Total", "Added", "Front", "point"):
        assert word in narrow
    assert sorted(word for word in wide.split() if word[0].isdigit() and "." in word) == sorted(
        word for word in narrow.split() if word[0].isdigit() and "." in word
    )


def test_recommend_says_what_and_why(call: Call, folder: Path) -> None:
    status, out, _ = call("recommend", folder, "--without", "reference", "--margin", 30)
    assert status == 0
    assert "Recommended: translate-" in out
    assert out.count("Recommended is the cheapest method that is shown to be within 30 points of the best one") == 1
    assert "- in-language is worse than the best" in out or "- in-language: best with probability 0%" in out
    assert "Reference" not in out


def test_a_price_changes_the_recommendation(call: Call, folder: Path, tmp_path: Path) -> None:
    fixed = ("recommend", folder, "--without", "zero-shot,open,in-language", "--volume", 1000, "--months", 1)
    fixed = (*fixed, "--margin", 30)
    _, out, _ = call(*fixed)
    assert "Recommended: translate-infer (Reference†)" in out  # 2.16 USD against 6.13
    _, out, _ = call(*fixed, "--volume", 100_000)
    assert "Recommended: translate-train (Reference†)" in out
    _, out, _ = call(*fixed, "--price", "engine:reference=10", "--offer", "compute=v100-gcp")
    assert "1.10 USD in all" in out  # 1.08 for characters, the rest for 21 s of a V100
    rates = tmp_path / "rates.yaml"
    rates.write_text(
        "checked: 2026-11-01\noffers:\n  - {offer: ours, unit: character, per: 1000000, amount: '2000', "
        "valid_from: 2026-01-01, source: a contract}\n",
        encoding="utf-8",
    )
    _, out, _ = call(*fixed, "--offer", "engine:reference=ours", "--price-file", rates)
    assert "216.05 USD in all" in out


def test_too_little_evidence_is_status_1_and_says_what_would_do(call: Call, folder: Path) -> None:
    status, out, _ = call("recommend", folder)
    assert status == 1
    assert "Not enough evidence: no method is shown to be within 2 points of the best one." in out
    assert "would settle it" in out or "It would be enough for a margin of" in out


@pytest.mark.parametrize("worth", ["0.5", "0.5 USD per error", "0.5 usd an error"])
def test_a_worth_is_stated_in_words_or_as_a_number(call: Call, folder: Path, worth: str) -> None:
    status, out, _ = call("recommend", folder, "--worth", worth)
    assert status == 0
    assert "the greatest expected net benefit, at 0.50 USD for an error less" in out


def test_no_method_is_status_1(call: Call, folder: Path) -> None:
    status, out, _ = call("recommend", folder, "--min-quality", 0.99)
    assert status == 1
    assert "No method keeps the constraints." in out


def test_the_model_is_written_for_other_programs(call: Call, folder: Path, tmp_path: Path) -> None:
    status, _, _ = call("recommend", folder, "--json", tmp_path / "out.json", "--max-usd", "100.50", "--margin", 30)
    assert status == 0
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert written["format"] == 1
    (decision,) = written["decisions"]
    assert decision["computed"]["constraints"]["max_usd"] == "100.50"
    assert decision["computed"]["examples"] == "1200000"
    assert len(decision["options"]) == len(made.CELLS)


def test_several_runs_are_compared_together(call: Call, tmp_path: Path) -> None:
    here = [replace_seed(seed) for seed in (0, 1)]
    runs = [made.run(tmp_path / str(seed), cells, name=f"seed-{seed}") for seed, cells in enumerate(here)]
    status, out, _ = call("compare", *runs)
    assert status == 0
    assert "Runs that differ in their seeds only are pooled" in out
    status, out, _ = call("compare", runs[0], runs[0])
    assert "listed by run" in out


def replace_seed(seed: int) -> list[made.Made]:
    return [made.Made(cell.method, cell.right, cell.engine, seed=seed) for cell in made.CELLS]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tasks", "qa"], "no result for task 'qa'; there: nli"),
        (["--targets", "fr"], "no result for target 'fr'; there: pt"),
        (["--without", "google"], "no result for engine or method 'google'"),
        (["--price", "compute"], "--price takes RESOURCE=VALUE"),
        (["--price", "compute=cheap"], "--price takes an amount in USD, such as 12.50, not 'cheap'"),
        (["--price", "compute=-1"], "not '-1'"),
        (["--price", "gpu=1"], "nothing here uses 'gpu'"),
        (["--offer", "compute=cpu-cores"], "no price is known for 'cpu-cores'; did you mean cpu-core?"),
        (["--price-file", "rates.yaml"], "name the one to use with --offer"),
        (["--min-quality", "80"], "--min-quality is a fraction from 0 to 1, not 80"),
        (["--worth", "much"], "--worth takes an amount in USD"),
        (["--max-usd", "NaN"], "--max-usd takes an amount in USD"),
    ],
)
def test_a_wrong_option_is_one_line_and_status_2(call: Call, folder: Path, arguments: list[str], message: str) -> None:
    status, _, err = call("recommend", folder, *arguments)
    assert status == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_a_folder_that_is_no_run_is_one_line_and_status_2(call: Call, tmp_path: Path) -> None:
    status, _, err = call("compare", tmp_path)
    assert status == 2
    assert "not a run directory (it has no results.json)" in err
    assert len(err.strip().splitlines()) == 1


def test_deciding_loads_no_model_library(folder: Path) -> None:
    code = (
        "import sys; from crossfare.cli import app\n"
        f"app(['recommend', {str(folder)!r}], standalone_mode=False)\n"
        "heavy = {'torch', 'transformers', 'ctranslate2', 'scipy.stats', 'sklearn', 'pandas', 'bm25s', 'numba'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_file_of_decisions_is_replaced_when_asked_only_and_a_run_never(
    call: Call, folder: Path, tmp_path: Path
) -> None:
    out, results = tmp_path / "mine.json", folder / "results.json"
    out.write_text("precious")
    before = results.read_bytes()
    for command in (("compare", folder), ("recommend", folder), ("plan", "demo", "--from", folder)):
        status, _, err = call(*command, "--json", out)
        assert (status, "mine.json: exists already; add --force" in err) == (2, True)
        status, _, err = call(*command, "--json", results, "--force")
        assert (status, "results.json: belongs to" in err) == (2, True)
    assert (out.read_text(), results.read_bytes()) == ("precious", before)
    status, _, _ = call("compare", folder, "--json", out, "--force")
    assert (status, json.loads(out.read_text(encoding="utf-8"))["format"]) == (0, 1)
