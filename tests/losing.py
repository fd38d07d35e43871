"""An engine that loses texts, plugged in as any package would plug one in, so that worker processes have it too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from crossfare.types import Translation, Usage, digest


class LosingEngine:
    """Give every text back, but none that contains one of ``lost``."""

    granularity = "document"

    def __init__(self, lost: Sequence[str], name: str = "losing") -> None:
        self.name = name
        self.lost = tuple(lost)
        self.revision = digest(self.lost)

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> Translation:
        """Return ``texts``, and None for those that are lost."""
        made = tuple(None if any(each in text for each in self.lost) else text for text in texts)
        return Translation(made, Usage(seconds=0.0, characters=sum(map(len, texts)), hardware="test"))


def plug_in(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Install the engine as the entry point "losing", for this process and the workers it starts."""
    package = folder / "losing-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: losing\nVersion: 1\n", encoding="utf-8")
    (package / "entry_points.txt").write_text("[crossfare.engines]\nlosing = losing:LosingEngine\n", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
