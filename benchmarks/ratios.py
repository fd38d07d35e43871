"""What benchmarks share: ratios to named peers, kept as lines of JSON beside a benchmark's own table, for a check."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


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


def fastest(call: Callable[[], T]) -> tuple[float, T]:
    """Processor seconds of the fastest of three calls, and what it returns."""
    seconds = []
    for _ in range(3):
        began = time.process_time()
        result = call()
        seconds.append(time.process_time() - began)
    return min(seconds), result


def read(path: Path) -> list[Ratio]:
    """The ratios that benchmarks added to a file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [Ratio(**json.loads(line)) for line in lines]
