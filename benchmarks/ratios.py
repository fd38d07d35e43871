"""What a benchmark found as ratios to named peers, kept as lines of JSON beside its own table: what a check reads."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many ``times`` as fast as a ``peer`` in the same run something was.

    ``least`` is what it must reach, less than was measured by what machines and moments differ by; ``same`` says how
    far both gave the same output.
    """

    what: str
    peer: str
    times: float
    least: float
    same: str

    @property
    def held(self) -> bool:
        """Whether it is as fast as it must be."""
        return self.times >= self.least


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser of the options of a benchmark, described by its module's docstring."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--ratios", type=Path, help="file to add the ratios to, a line of JSON each")
    return made


def keep(path: Path | None, found: Iterable[Ratio]) -> None:
    """Add ratios to a file, if one is named."""
    if path:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(each)) + "\n" for each in found)


def read(path: Path) -> list[Ratio]:
    """The ratios that benchmarks added to a file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [Ratio(**json.loads(line)) for line in lines]
