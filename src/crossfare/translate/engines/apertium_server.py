"""An APy server: Apertium over HTTP (Debian's package apertium-apy).

It takes one text in a request and answers in JSON; see https://wiki.apertium.org/wiki/Apertium-apy.
Its filters, unlike the local command's stream, cannot tie tags to words, so that they are text to it.
It cuts a text into ten parts of 4,096 bytes at most and forgets the rest, so that
longer lines are refused here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from crossfare.errors import EngineError, EngineTransient, EngineUnavailable
from crossfare.strict import parse_json
from crossfare.translate.engines.apertium_stream import escape, plain
from crossfare.translate.engines.hosts import Address, checked_url
from crossfare.translate.engines.receiving import bounded

_MOST_BYTES = 20_000  # half of ten parts of 4,096 bytes: APy cuts at the last blank or full stop of the second half
_TRIES = 4
_PART = 1 << 16
_FEW = 3
_LONGEST_WAIT_S = 30.0


class Server:
    """An APy server at ``url``."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = checked_url(url, "engine 'apertium': the url").rstrip("/")
        self.host = Address(self._url).host
        self._opener = build_opener(_NoRedirects)
        self._timeout_s = timeout_s
        self._modes: dict[str, str] | None = None

    def modes(self) -> Mapping[str, str]:
        """The pairs it offers. It does not tell the version of their data."""
        if self._modes is None:
            try:
                pairs = self._ask("listPairs", {})["responseData"]
                self._modes = {f"{pair['sourceLanguage']}-{pair['targetLanguage']}": "" for pair in pairs}
            except (KeyError, TypeError) as error:
                raise EngineUnavailable(f"{self._url} is not an APy server: it does not list its pairs") from error
        return dict(sorted(self._modes.items()))

    def version(self) -> str:
        """What it tells about its version: nothing."""
        return "apy"

    def run(self, mode: str, lines: Sequence[str]) -> tuple[list[str | None], float]:
        """Translate line by line; the seconds are those spent waiting for the server.

        A line that it refuses or fails at is lost alone, unless none of the first few is answered.
        """
        start = time.perf_counter()
        answers: list[str | None] = []
        problems: list[EngineError] = []
        for line in lines:
            text = plain(line)
            try:
                answers.append(escape(self._translate(mode, text)) if self._fits(text) else None)
            except EngineUnavailable:
                raise
            except EngineError as problem:
                problems.append(problem)
                answers.append(None)
            if len(problems) == len(answers) and len(problems) in (len(lines), _FEW):
                raise problems[0]
        return answers, time.perf_counter() - start

    @staticmethod
    def _fits(text: str) -> bool:
        return len(text.encode()) <= _MOST_BYTES

    def _translate(self, mode: str, text: str) -> str:
        answer = self._ask(
            "translate",
            {"langpair": mode.replace("-", "|"), "q": text, "markUnknown": "no", "format": "txt"},
        )
        try:
            translated = answer["responseData"]["translatedText"]
        except (KeyError, TypeError):
            raise EngineTransient(f"{self._url} sent an answer without a translation") from None
        if not isinstance(translated, str):
            raise EngineTransient(f"{self._url} sent an answer without a translation")
        return " ".join(translated.splitlines())

    def _ask(self, path: str, values: Mapping[str, str]) -> Any:
        """Send one request; wait and try again where that can help."""
        data = urlencode(values).encode() if values else None
        request = Request(f"{self._url}/{path}", data=data)
        for attempt in range(1, _TRIES + 1):
            try:
                with self._opener.open(request, timeout=self._timeout_s) as answer:
                    parts = bounded(iter(partial(answer.read1, _PART), b""), self._timeout_s)
                    return parse_json(b"".join(parts), f"{self._url}/{path}", error=EngineTransient)
            except HTTPError as error:
                error.close()
                if error.code not in (408, 429) and error.code < 500:
                    raise EngineError(f"{self._url}/{path} refused a request: {error.code} {error.reason}") from error
                problem, wait = f"{error.code} {error.reason}", _stated_wait(error)
            except TimeoutError:
                problem, wait = f"no answer within {self._timeout_s:g} s", None
            except URLError as error:
                if not isinstance(error.reason, TimeoutError):
                    raise EngineUnavailable(
                        f"no APy server answers at {self._url} ({error.reason}); "
                        "start one: apt-get install apertium-apy; apertium-apy /usr/share/apertium"
                    ) from error
                problem, wait = f"no answer within {self._timeout_s:g} s", None
            except (EngineTransient, HTTPException, ValueError, OSError) as error:
                problem, wait = f"a malformed answer ({type(error).__name__})", None
            if attempt < _TRIES:
                time.sleep(min(_LONGEST_WAIT_S, 0.25 * 2**attempt if wait is None else wait))
        raise EngineTransient(f"{self._url}/{path}: {problem}, {_TRIES} times; try again later")


class _NoRedirects(HTTPRedirectHandler):
    """A redirect is an error: texts are sent to nobody that was not named."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


def _stated_wait(error: HTTPError) -> float | None:
    """Seconds that the server asks to wait; a date instead of a number is not honoured."""
    try:
        return max(0.0, float(error.headers.get("Retry-After", "")))
    except ValueError:
        return None
