"""A page as a browser shows it: headless Chromium, without a network and without a driver."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def dom(page: Path, profile: Path, *flags: str, **settings: str) -> str:
    """The page's document after its scripts ran; ``settings`` stand in the address (`price:compute` and such)."""
    address = page.as_uri() + (f"#{urlencode(settings)}" if settings else "")
    return _shown(address, profile, "--dump-dom", *flags).decode()


def pages(page: Path, folder: Path) -> int:
    """How many pages it prints on."""
    folder.mkdir()
    _shown(page.as_uri(), folder / "profile", f"--print-to-pdf={folder / 'page.pdf'}")
    return (folder / "page.pdf").read_bytes().count(b"/Type /Page\n")


def acted(page: Path, folder: Path, script: str, *flags: str) -> Any:
    """What a script returns that acts on the page after its charts were drawn."""
    folder.mkdir()
    acting = f"""addEventListener("load", () => setTimeout(async () => {{
      while (!document.querySelector("figure[data-chart] svg")) await new Promise((done) => setTimeout(done, 100));
      const told = document.createElement("pre");
      told.id = "told";
      told.textContent = JSON.stringify(await (async () => {{ {script} }})());
      document.body.append(told);
    }}, 500));"""
    (folder / "acting.html").write_text(_with(page, acting), encoding="utf-8")
    document = dom(folder / "acting.html", folder / "profile", "--window-size=1400,5000", *flags)
    found = re.search(r'<pre id="told">(.*?)</pre>', document, re.DOTALL)
    assert found
    return json.loads(html.unescape(found[1]))


def _with(page: Path, script: str) -> str:
    """The page with a script of a test at its end, which its policy is made to allow."""
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = page.read_text(encoding="utf-8").replace("; script-src ", f"; script-src 'sha256-{hashed}' ", 1)
    before, end, after = text.rpartition("</body>")
    return f"{before}<script>{script}</script>{end}{after}"


def _shown(address: str, profile: Path, *asked: str) -> bytes:
    browser = os.environ.get("CROSSFARE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if browser is None:
        pytest.skip("no Chromium here: install chromium, or name one in CROSSFARE_CHROMIUM")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--virtual-time-budget=5000")
    command = [browser, *flags, f"--user-data-dir={profile}", *asked, address]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


_MEASURE = """
addEventListener("load", () => setTimeout(() => parent.postMessage(JSON.stringify(
  [document.documentElement, ...document.querySelectorAll(".scroll")]
    .filter((each) => each.scrollWidth > each.clientWidth)
    .map((each) => each.getAttribute("aria-label") ?? "the page")), "*"), 500));
"""
_FRAME = """<pre id="found"></pre>
<iframe src="inside.html" style="width: {width}px; height: 900px; border: 0"></iframe>
<script>
addEventListener("message", (event) => {{ document.getElementById("found").textContent = event.data; }});
</script>"""


def overflowing(page: Path, folder: Path, width: int) -> list[str]:
    """What of a page scrolls sideways where it is ``width`` pixels wide: its regions by their labels."""
    folder.mkdir()
    (folder / "inside.html").write_text(_with(page, _MEASURE), encoding="utf-8")
    # A window has a least width, a frame has none.
    (folder / "frame.html").write_text(_FRAME.format(width=width), encoding="utf-8")
    found = re.search(r'<pre id="found">(.*?)</pre>', dom(folder / "frame.html", folder / "profile"), re.DOTALL)
    assert found
    return list(json.loads(html.unescape(found[1])))
