"""Write the texts of the embedded world, which src/crossfare/data/world ships, from their grammar (`world_generator`).

    python scripts/make_world.py [--out src/crossfare/data/world]

The same texts come out everywhere. Whoever changes them names them anew (`crossfare.data.world.REVISION`), so that
nothing made of the old ones is reused, and makes the checkpoints anew.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

from crossfare.data import world
from world_generator import tasks


def main() -> None:
    """Write every file."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--out", type=Path, default=Path(world.__file__).parent)
    folder = asked.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    for task in world.TASKS:
        for split in world.SPLITS:
            text = json.dumps(tasks.contents(task, split), ensure_ascii=False, separators=(",", ":"))
            path = folder / world.file_name(task, split)
            path.write_bytes(gzip.compress(text.encode(), mtime=0))
            print(path)


if __name__ == "__main__":
    main()
