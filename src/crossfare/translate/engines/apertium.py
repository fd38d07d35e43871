"""Apertium: rule-based translation on one's own machine, from Debian's packages, free of charge.

Two ways to reach it: the ``apertium`` command, which translates all texts of a call in one process,
and an APy server (``url``), which is asked line by line. A pair that is not installed is translated
by way of a third language (English and Portuguese over Spanish).
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Literal

from crossfare.errors import EngineError, EngineTransient, EngineUnavailable
from crossfare.languages import primary, variety
from crossfare.languages.codes import OPTION, fit, meant, named
from crossfare.meter import meter
from crossfare.translate.engines.apertium_server import Server
from crossfare.translate.engines.apertium_stream import decode, encode, plain, tidy
from crossfare.translate.outcome import ExplainedTranslation
from crossfare.translate.sentences import Granularity
from crossfare.types import Usage, digest

VERSION = 1
INSTALL = "apt-get install apertium apertium-eng-spa apertium-es-pt"
_MODE = re.compile(r"[a-z]{2,3}(_[A-Za-z]+)?-[a-z]{2,3}(_[A-Za-z]+)?")
_DATA_FILE = re.compile(r"'(/[^']+)'")
_STOP = "[][\n]"  # ends a text, as Apertium's own filters do; without it a last full stop is lost
_END = "[end]"  # a blank to the pipeline, which returns it: what comes after it are NULs of its own
_VARIANTS = {"pt": "BR"}
"""The regional variant taken where a tag names none: the Portuguese of the datasets is Brazilian."""


class ApertiumEngine:
    """Translate by rules, with Apertium.

    A word that its dictionary lacks stays as it is, without a mark.

    Args:
        url: an APy server, such as "http://127.0.0.1:2737"; the local command by default.
        pivot: the language to go over where a pair is not installed.
        tags: whether pairs of tags, such as markers, follow the words they enclose; else they are plain
            text, as they always are to a server.
        timeout_s: how long one call of the command, or one request, may take.
        codes: what Apertium's modes call a language, by its tag: {"pt-BR": "por_BR"}.

    Raises:
        EngineUnavailable: Apertium is not installed, or the server does not answer.
        ConfigError: ``url`` is not one.
    """

    billing = "seconds"
    granularity: Granularity = "document"
    tag_handling: Literal["html"] | None = "html"

    def __init__(
        self,
        *,
        name: str = "apertium",
        url: str | None = None,
        pivot: str = "es",
        tags: bool = True,
        timeout_s: float = 600,
        codes: Mapping[str, str] | None = None,
    ) -> None:
        self._codes = named(codes or {})
        self.name = name
        self.label = f"{name} (Apertium{', APy server' if url else ''})"
        self.tag_handling = "html" if tags and not url else None
        self._pivot = pivot
        self._backend = Server(url, timeout_s) if url else Command(timeout_s)
        self.host = self._backend.host

    @classmethod
    def installed_languages(cls) -> str:
        """The directions that the local command has, and those over Spanish.

        Raises:
            EngineUnavailable: it is not installed.
        """
        found = cls()
        known = sorted({_language(code) for mode in found._backend.modes() for code in mode.split("-")})
        direct: list[str] = []
        pivoted: list[str] = []
        for source, target in permutations(known, 2):
            try:
                (direct if len(found.route(source, target)) == 1 else pivoted).append(f"{source}-{target}")
            except EngineUnavailable:
                continue
        return " ".join(direct) + (f"; over {found._pivot}: {' '.join(pivoted)}" if pivoted else "")

    @property
    def revision(self) -> str:
        """Versions of Apertium and of the language data, and the language pivoted over."""
        modes = dict(self._backend.modes())
        content = {"version": VERSION, "modes": modes, "tags": self.tag_handling, "variants": _VARIANTS}
        content |= {"codes": self._codes} if self._codes else {}
        return f"{self._backend.version()}-via-{self._pivot}-{digest(content, 8)}"

    def check_pair(self, source: str, target: str) -> None:
        """EngineUnavailable if there is no way from one language to the other."""
        self.route(source, target)

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """Name the modes that lead from one language to another.

        Raises:
            EngineUnavailable: none do.
        """
        modes = tuple(self._backend.modes())
        direct = _mode(modes, source, target, self._codes)
        if direct:
            return (direct,)
        first, second = (_mode(modes, *pair, self._codes) for pair in ((source, self._pivot), (self._pivot, target)))
        if first and second:
            return first, second
        raise EngineUnavailable(
            f"Apertium has no mode from {source!r} to {target!r}, nor over {self._pivot!r}; "
            f"{_advice(source, target)}; there are: {', '.join(modes) or 'none'}; {OPTION}"
        )

    def translate(self, texts: Sequence[str], *, source: str, target: str) -> ExplainedTranslation:
        """Translate each distinct line once; a text with a line that failed is None.

        Raises:
            EngineUnavailable: the language pair is not installed.
            EngineError: nothing could be translated.
        """
        route = self.route(source, target)
        encoded = [encode(text, tags=self.tag_handling is not None) for text in texts]
        distinct = list(dict.fromkeys(line for text in encoded for line in text.lines if plain(line).strip()))
        done: dict[str, str | None] = {line: line for line in distinct}
        waited = 0.0
        with meter("cpu") as running:
            for mode in route:
                waited += self._step(mode, done)
        usage = Usage(
            seconds=(running.usage.seconds or 0.0) + waited,
            requests=len(route) if distinct else 0,
            characters=sum(len(text) for text in texts if text.strip()),
            hardware="cpu",
        )
        translations: list[str | None] = []
        failures: dict[int, str] = {}
        for index, text in enumerate(encoded):
            lines = [done.get(line, line) for line in text.lines]
            whole = [line for line in lines if line is not None]
            if len(whole) < len(lines):
                failures[index] = "Apertium returned nothing for it"
            translations.append(decode(text, whole) if len(whole) == len(lines) else None)
        return ExplainedTranslation(tuple(translations), usage, failures)

    def _step(self, mode: str, done: dict[str, str | None]) -> float:
        """Run one mode over everything that has come this far."""
        before = {line: text for line, text in done.items() if text is not None}
        if not before:
            return 0.0
        made, seconds = self._backend.run(mode, list(before.values()))
        for (line, text), answer in zip(before.items(), made, strict=True):
            cleaned = tidy(answer, text) if answer is not None else ""
            done[line] = cleaned if plain(cleaned).strip() else None
        return seconds


class Command:
    """The ``apertium`` command."""

    host = ""

    def __init__(self, timeout_s: float) -> None:
        found = shutil.which("apertium")
        if found is None:
            raise EngineUnavailable(f"engine 'apertium' needs the apertium command: {INSTALL}")
        self._command = found
        self._timeout_s = timeout_s

    def modes(self) -> Mapping[str, str]:
        """The installed modes, each with a hash of the data it reads."""
        return _installed_modes(self._command)

    def version(self) -> str:
        """Version of Apertium itself."""
        return _version(self._command)

    def run(self, mode: str, lines: Sequence[str]) -> tuple[list[str | None], float]:
        """Translate lines of the stream format in one process; one by one where the answers do not match them.

        A line that failed is None. With them go the device-seconds that it took. A NUL ends each line, and makes the
        pipeline forget what came before it.
        """
        made, seconds = self._run(mode, lines)
        if len(made) == len(lines):
            return list(made), seconds
        answers: list[str | None] = []
        for line in lines:
            single, more = self._run(mode, [line])
            answers.append(single[0] if len(single) == 1 else None)
            seconds += more
        return answers, seconds

    def _run(self, mode: str, lines: Sequence[str]) -> tuple[list[str], float]:
        given = "".join(f"{line}{_STOP}\0" for line in lines) + f"{_END}\0"
        before = _seconds_of_children()
        try:
            done = subprocess.run(
                [self._command, "-z", "-u", "-f", "none", mode],
                input=given.encode(),
                capture_output=True,
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineTransient(
                f"apertium {mode} took more than {self._timeout_s:g} s for {len(lines)} lines; raise timeout_s"
            ) from None
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
            raise EngineError(f"apertium {mode} failed ({done.returncode}): {reason}")
        made = done.stdout.decode(errors="replace").split("\0")
        answers = [text.replace(_STOP, "") for text in made[: made.index(_END)]] if _END in made else []
        return answers, _seconds_of_children() - before


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@lru_cache
def _version(command: str) -> str:
    said = subprocess.run([command, "-V"], capture_output=True, text=True, check=False).stdout
    return said.strip().rpartition(" ")[2] or "unknown"


@lru_cache
def _installed_modes(command: str) -> dict[str, str]:
    """List the modes, each with a hash over its pipeline and the files that it names."""
    listed = subprocess.run([command, "-l"], capture_output=True, text=True, check=False).stdout
    folder = _data_folder(command) / "modes"
    modes = {}
    for mode in sorted(name for name in listed.split() if _MODE.fullmatch(name)):
        pipeline = (folder / f"{mode}.mode").read_bytes()
        hasher = sha256(pipeline)
        for path in _DATA_FILE.findall(pipeline.decode(errors="replace")):
            hasher.update(Path(path).read_bytes())
        modes[mode] = hasher.hexdigest()[:8]
    return modes


def _data_folder(command: str) -> Path:
    stated = os.environ.get("APERTIUM_DATADIR")
    return Path(stated) if stated else Path(command).resolve().parents[1] / "share" / "apertium"


def _mode(modes: Sequence[str], source: str, target: str, own: Mapping[str, str]) -> str | None:
    """The mode for a pair of tags, in the regional variant wanted where there is a choice."""
    default = f"-{_VARIANTS[target]}" if target in _VARIANTS else ""
    fitting = []
    for mode in modes:
        first, _, second = mode.partition("-")
        read, written = fit(source, first, own, reading=True), fit(f"{target}{default}", second, own)
        if read is not None and written is not None:
            fitting.append((written, read, mode.count("_"), mode))
    return min(fitting)[-1] if fitting else None


def _language(code: str) -> str:
    """Turn Apertium's code ("eng", "por_BR") into a primary language ("en", "pt")."""
    found = variety(meant(code.partition("_")[0]))
    return found.language if found else code


def _advice(source: str, target: str) -> str:
    if {primary(source), primary(target)} <= {"en", "es", "pt"}:
        return INSTALL
    return "`apt-cache search ^apertium-` lists the pairs that Debian has"
