"""Install the wheel with one extra at a time, each in an environment of its own, and try what the extra promises.

python scripts/try_extras.py                   every extra (minutes: torch is installed once for those that need it)
python scripts/try_extras.py light report ...  only these

Packages come from the index at the versions of requirements.txt, torch first. An environment whose
requirements have not changed is used again: --folder says where they lie, --fresh makes them anew.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINNED = ROOT / "requirements.txt"
TRIALS = Path(__file__).with_name("extras_trials.py")
ENGINES = ("llm", "google", "deepl", "azure", "amazon", "libretranslate")
WITH_TORCH = ("models", "serve", "offline")
EXTRAS = ("light", "report", "hub", "encoding", "lint", "energy", *ENGINES, *WITH_TORCH)


def main() -> int:
    """Try the extras that were asked for; 1 if one does not keep its promise."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("extras", nargs="*", help=f"of {', '.join(EXTRAS)} (default: all)")
    parser.add_argument("--folder", type=Path, default=ROOT / ".extras", help="where the environments lie")
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    asked = parser.parse_args()
    if unknown := set(asked.extras) - set(EXTRAS):
        parser.error(f"no such extra: {', '.join(sorted(unknown))}; there are {', '.join(EXTRAS)}")
    if asked.fresh:
        shutil.rmtree(asked.folder, ignore_errors=True)
    asked.folder.mkdir(parents=True, exist_ok=True)
    wheel = _wheel(asked.folder)
    failed = [extra for extra in asked.extras or EXTRAS if not _tried(extra, wheel, asked.folder)]
    print(f"failed: {', '.join(failed)}" if failed else "every extra that was tried works alone")
    return int(bool(failed))


def _wheel(folder: Path) -> Path:
    out = folder / "wheel"
    shutil.rmtree(out, ignore_errors=True)
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", out, ROOT)
    return next(out.glob("crossfare-*.whl"))


def _tried(extra: str, wheel: Path, folder: Path) -> bool:
    start = time.monotonic()
    try:
        python = _environment(extra, wheel, folder)
        installed = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="crossfare-extra-") as work:
            tests = _pytest(folder) if extra in ENGINES else None
            _run(python, TRIALS, extra, cwd=Path(work), beside=tests)
    except subprocess.CalledProcessError as error:
        print(f"{extra}: FAILED, {error.stderr.strip() or error}", flush=True)
        return False
    print(f"{extra}: works (installed in {installed - start:.0f} s, tried in {time.monotonic() - installed:.0f} s)")
    sys.stdout.flush()
    return True


def _environment(extra: str, wheel: Path, folder: Path) -> Path:
    """The interpreter of an environment with nothing but the wheel and this extra."""
    wanted = hashlib.sha256(PINNED.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    home = folder / extra
    mark, python = home / "made-for", home / "bin" / "python"
    requirement = str(wheel) if extra == "light" else f"{wheel}[{extra}]"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    if mark.is_file() and mark.read_text() == wanted:
        _run(*pip, "--no-deps", "--force-reinstall", wheel)
        return python
    shutil.rmtree(home, ignore_errors=True)
    _run(sys.executable, "-m", "venv", home)
    if extra in WITH_TORCH:  # first and by its plain version, so that pip takes a CPU build where one is offered
        torch = next(line for line in PINNED.read_text().splitlines() if line.startswith("torch=="))
        _run(*pip, "--constraint", PINNED, torch)
    _run(*pip, "--constraint", PINNED, requirement)
    mark.write_text(wanted)
    return python


def _pytest(folder: Path) -> Path:
    """What runs an engine's own tests, in a folder beside the environments, so that these stay as they are."""
    home = folder / "pytest"
    if not home.is_dir():
        lines = [line for line in PINNED.read_text().splitlines() if line.startswith(("pytest==", "hypothesis=="))]
        _run(sys.executable, "-m", "pip", "install", "--quiet", "--target", home, *lines)
    return home


def _run(*command: str | Path, cwd: Path | None = None, beside: Path | None = None) -> None:
    """Run a command; nothing of the caller's Python environment, keys or caches gets in."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "CROSSFARE_", "AWS_", "OPENAI_"))
    }
    environment = {**kept, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    if cwd:
        environment["CROSSFARE_CACHE"] = str(cwd / "cache")
    if beside:
        environment["CROSSFARE_PYTEST"] = str(beside)
    subprocess.run(list(map(str, command)), cwd=cwd, env=environment, check=True, stderr=subprocess.PIPE, text=True)


if __name__ == "__main__":
    sys.exit(main())
