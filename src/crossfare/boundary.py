"""The error boundary: whatever goes wrong becomes one line and, where nobody foresaw it, a file with the traceback.

The command line and the worker processes share it, so that an error tells the same wherever it happens.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crossfare.errors import CrossfareError, EngineUnavailable
from crossfare.store import cache_folder

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|PRIVATE", re.IGNORECASE)
_SHORTEST_SECRET = 8
_IN_URL = re.compile(r"(?<=://)[^\s/@]+(?=@)")
_OS_ERROR = re.compile(r"\(os error (\d{1,5})\)")
"""How packages written in Rust tell of what is an OSError in Python."""

_LONGEST = 1_000

_REMEDIES = {
    errno.ENOSPC: "make room on the disk, then run again: finished steps are kept",
    errno.EDQUOT: "make room on the disk, then run again: finished steps are kept",
    errno.EROFS: "choose a place that can be written to (--out, $CROSSFARE_CACHE)",
    errno.EACCES: "check its permissions, or choose another place",
    errno.EPERM: "check its permissions, or choose another place",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path: a file stands where a folder is needed",
    errno.EISDIR: "check the path: a folder stands where a file is needed",
    errno.ENAMETOOLONG: "choose shorter names",
    errno.EMFILE: "allow more open files (ulimit -n), or use fewer --jobs",
}

_MODELS = "torch transformers tokenizers safetensors huggingface_hub ctranslate2 sentencepiece accelerate sacremoses "
_MODELS += "bm25s Stemmer ir_measures numba scipy sklearn"

_EXTRA = {
    **dict.fromkeys(_MODELS.split(), "models"),
    "codecarbon": "energy",
    "datasets": "hub",
    "ftfy": "encoding",
    "genai_prices": "llm",
    "jinja2": "report",
    "py3langid": "lint",
    "sacrebleu": "lint",
    "starlette": "serve",
    "uvicorn": "serve",
    "vl_convert": "report",
}
"""Which extra of the package brings what could not be imported."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived: work ends as it does when somebody stops it at the keyboard."""


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end in good order what is done within, so that what was done and spent is kept and told."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def explained(error: BaseException) -> CrossfareError:
    """An error that says in one line what went wrong and what to do; one of crossfare's own is given back as it is.

    A package that an extra brings is named with it. The traceback of any other goes to a file, which the line names.
    """
    if isinstance(error, CrossfareError):
        return error
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if extra := _EXTRA.get(package):
            return EngineUnavailable(f"this needs the package {package}: pip install 'crossfare[{extra}]'")
    return CrossfareError(f"{shortened(' '.join(redacted(_line(error)).split()))}; {_saved(error)}")


def shortened(line: str) -> str:
    """The line without its middle if it is longer than anybody reads: data can be quoted in it."""
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"


def redacted(text: str) -> str:
    """The text without the secrets of the environment and without user names and passwords in URLs."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, f"${name}")
    return _IN_URL.sub("...", text)


def _line(error: BaseException) -> str:
    match error:
        case OSError() if error.strerror:
            what = ": ".join(str(part) for part in (error.filename, error.strerror) if part is not None)
            return f"{what}; {_REMEDIES.get(error.errno or 0, 'correct that, then run again')}"
        case MemoryError():
            return "memory ran out; use fewer --jobs, smaller batches or less data"
        case RecursionError():
            return "something is nested too deeply; check the files that were given"
        case UnicodeError():
            return f"a text is not valid Unicode ({error}); correct the file, name or setting that holds it"
    if found := _OS_ERROR.search(str(error)):
        return _line(OSError(int(found[1]), os.strerror(int(found[1]))))
    told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"unexpected {told}; this is an error in crossfare or in a package it uses, please report it"


def _saved(error: BaseException) -> str:
    """Write the traceback where that is possible, and say where it is."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{time.monotonic_ns() % 1_000_000:06}.txt"
    problem = ""
    for folder in (cache_folder, lambda: Path(tempfile.gettempdir()) / "crossfare"):
        try:
            path = folder() / "tracebacks" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = redacted("".join(traceback.format_exception(error)))
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
        except (OSError, ValueError, RuntimeError, MemoryError) as why:
            problem = getattr(why, "strerror", None) or type(why).__name__
        else:
            return f"traceback: {path}"
    return f"its traceback could not be written ({problem})"
