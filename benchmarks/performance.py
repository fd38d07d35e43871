"""All that crossfare claims to be fast at, as ratios to named peers measured in the same run.

    python benchmarks/performance.py [--check] [benchmark ...]

Runs the benchmarks that have a peer, one after the other, each on one core unless it says otherwise, and prints their
ratios in one table. With --check the status is 1 if one is less than it must be. Nothing else should be running.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import ratios

SUITE: dict[str, tuple[str, ...]] = {
    "translation_engines": (),
    "dataset_translation": (),
    "bm25_scaling": ("10000", "100000"),
    "reranking": (),
    "qa_decoding": (),
    "squad_scoring": (),
    "finetune_loop": (),
    "remote_engines": (),
}
"""The benchmarks, with their arguments."""


def main() -> None:
    """Run them, and print a table."""
    asked = ratios.parser(__doc__)
    asked.add_argument("benchmarks", nargs="*", default=list(SUITE), help=f"of {', '.join(SUITE)}; default: all")
    asked.add_argument("--check", action="store_true", help="fail if a ratio is less than it must be")
    given = asked.parse_args()
    if unknown := set(given.benchmarks) - SUITE.keys():
        asked.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(SUITE)}")
    print("| benchmark | what | peer: 1 | times as fast | at least | same output |\n|---|---|---|---|---|---|")
    began, low = time.monotonic(), 0
    for name in given.benchmarks:
        for found in _measured(name):
            low += not found.held
            mark = "" if found.held else " **less**"
            cells = (name, found.what, found.peer, f"{found.times:.2f}{mark}", f"{found.least:g}", found.same)
            print(f"| {' | '.join(cells)} |", flush=True)
            ratios.keep(given.ratios, [found])
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes, {os.cpu_count()} cores")
    if given.check and low:
        sys.exit(f"{low} ratios are less than they must be")


def _measured(name: str) -> list[ratios.Ratio]:
    script = Path(__file__).with_name(f"{name}.py")
    with TemporaryDirectory() as folder:
        out = Path(folder) / "ratios"
        command = [sys.executable, str(script), *SUITE[name], "--ratios", str(out)]
        alone = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=alone)
        if done.returncode:
            sys.exit(f"{name} failed:\n{done.stderr}")
        return ratios.read(out)


if __name__ == "__main__":
    main()
