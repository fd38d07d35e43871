"""A page as a browser shows it: headless Chromium, without a network and without a driver."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def dom(page: Path, profile: Path, **settings: str) -> str:
    """The page's document after its scripts ran; ``settings`` stand in the address (`price:compute` and such)."""
    browser = os.environ.get("CROSSFARE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if browser is None:
        pytest.skip("no Chromium here: install chromium, or name one in CROSSFARE_CHROMIUM")
    address = page.as_uri() + (f"#{urlencode(settings)}" if settings else "")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--virtual-time-budget=5000")
    command = [browser, *flags, f"--user-data-dir={profile}", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()
