"""A page as a browser shows it: headless Chromium, without a network and without a driver."""

from __future__ import annotations

import html
import json
import os
import re
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


_MEASURE = """<script>
addEventListener("load", () => setTimeout(() => parent.postMessage(JSON.stringify(
  [document.documentElement, ...document.querySelectorAll(".scroll")]
    .filter((each) => each.scrollWidth > each.clientWidth)
    .map((each) => each.getAttribute("aria-label") ?? "the page")), "*"), 500));
</script></body>"""
_FRAME = """<pre id="found"></pre>
<iframe src="inside.html" style="width: {width}px; height: 900px; border: 0"></iframe>
<script>
addEventListener("message", (event) => {{ document.getElementById("found").textContent = event.data; }});
</script>"""


def overflowing(page: Path, folder: Path, width: int) -> list[str]:
    """What of a page scrolls sideways where it is ``width`` pixels wide: its regions by their labels."""
    folder.mkdir()
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    (folder / "inside.html").write_text(text.replace("</body>", _MEASURE), encoding="utf-8")
    # A window has a least width, a frame has none.
    (folder / "frame.html").write_text(_FRAME.format(width=width), encoding="utf-8")
    found = re.search(r'<pre id="found">(.*?)</pre>', dom(folder / "frame.html", folder / "profile"), re.DOTALL)
    assert found
    return list(json.loads(html.unescape(found[1])))
