"""Whatever goes wrong is one escaped line and status 2; the traceback lies in a file, without secrets."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from crossfare.boundary import explained, redacted
from crossfare.errors import ConfigError, CrossfareError
from crossfare.escaping import Console, escaped
from crossfare.experiment import schedule
from crossfare.types import Step

SECRET = "sk-0123456789abcdef"
HOSTILE = "\x1b]0;PWNED\x07\x1b[2J\x9b31m\u202egnp\r\nINJECTED"
SQUAD = (
    '{"data": [{"paragraphs": [{"context": "Ana lives in Rome.", "qas": ['
    '{"id": "ok", "question": "Where?", "answers": [{"text": "Rome", "answer_start": 13}]},'
    r'{"id": "\u001b]0;PWNED\u0007\u001b[2J\u009b31m\u202egnp\r\nINJECTED", "question": "W?",'
    ' "answers": [{"text": "Paris", "answer_start": 0}]}]}]}]}'
)
MAIN = "import sys; from crossfare.cli import main; main()"


def command(
    *arguments: str | bytes, cache: Path | str, code: str = MAIN, out: int = subprocess.PIPE, **more: str
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "CROSSFARE_CACHE": str(cache), "COLUMNS": "100", **more}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        stdout=out,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=environment,
        timeout=300,
        check=False,
    )


def line_of(done: subprocess.CompletedProcess[bytes], status: int = 2) -> str:
    """The one line on standard error."""
    text = done.stderr.decode()
    assert done.returncode == status, text
    assert text.startswith("crossfare: ")
    assert text.count("\n") == 1, text
    assert escaped(text[:-1]) == text[:-1]
    return text


def breaking(error: str) -> str:
    """A program whose reading of price files fails in a way that nobody foresaw."""
    return f"""
import sys
from crossfare.ledger import Catalogue
def load(*_):
    {error}
Catalogue.load = load
{MAIN}
"""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("raise ZeroDivisionError('a\\x1b[2J\\nb')", r"unexpected ZeroDivisionError: a\x1b[2J b; this is an error"),
        ("raise MemoryError", "memory ran out"),
        ("load()", "nested too deeply"),
        ("'\\ud800'.encode()", "not valid Unicode"),
        ("open('/dev/full', 'w').write('x' * 100_000)", "No space left on device; make room"),
        ("open('/proc', 'w')", "/proc: Is a directory; check the path"),
        ("open('x' * 300, 'w')", "File name too long; choose shorter names"),
        ("raise ConnectionError", "unexpected ConnectionError"),
        ("raise ValueError('I/O error: (os error 28)')", "crossfare: No space left on device; make room"),
        ("raise type('PanicException', (BaseException,), {})('index')", "unexpected PanicException: index"),
    ],
)
def test_an_unforeseen_error_is_one_line_and_a_file(tmp_path: Path, error: str, told: str) -> None:
    done = command("prices", cache=tmp_path, code=breaking(error), DEEPL_API_KEY=SECRET)
    line = line_of(done)
    assert told in line
    found = re.search(r"traceback: (\S+)$", line)
    assert found
    trace = Path(found[1])
    assert trace.is_relative_to(tmp_path)
    assert "Traceback (most recent call last)" in trace.read_text(encoding="utf-8")
    assert "in load" in trace.read_text(encoding="utf-8")
    assert trace.stat().st_mode & 0o077 == 0


def test_where_the_cache_cannot_be_written_the_traceback_is_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code = breaking("raise ZeroDivisionError")
    line = line_of(command("prices", cache=tmp_path / "file", code=code, TMPDIR=str(tmp_path)))
    assert f"traceback: {tmp_path}/crossfare/tracebacks/" in line
    code = f"import tempfile; tempfile.gettempdir = lambda: '/proc/nothing'; {code}".replace("; \n", "\n")
    line = line_of(command("prices", cache=tmp_path / "file", code=code))
    assert "its traceback could not be written (" in line


def test_no_secret_is_told(tmp_path: Path) -> None:
    code = breaking(f"raise ZeroDivisionError('{SECRET} at https://ann:{SECRET[::-1]}@host/x')")
    done = command("prices", cache=tmp_path, code=code, DEEPL_API_KEY=SECRET)
    traces = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "tracebacks").iterdir())
    for text in (line_of(done), traces):
        assert SECRET not in text.replace(f"raise ZeroDivisionError('{SECRET}", "")
        assert SECRET[::-1] not in text
        assert "$DEEPL_API_KEY at https://...@host/x" in text


def test_one_of_our_own_errors_stays_as_it_is() -> None:
    error = ConfigError("say what")
    assert explained(error) is error


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOENT, errno.EISDIR, errno.EIO])
def test_what_the_system_refuses_is_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path))
    told = str(explained(OSError(code, os.strerror(code), "/data/x")))
    assert re.fullmatch(rf"/data/x: {os.strerror(code)}; [^;]+; traceback: \S+", told)


def test_a_full_output_and_a_closed_one(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        assert "No space left" in line_of(command("prices", cache=tmp_path, out=full.fileno()))
    reading, writing = os.pipe()
    os.close(reading)
    done = command("prices", cache=tmp_path, out=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
    done = command("prices", cache=tmp_path, code=f"import sys; sys.stdout = None; {MAIN}")
    assert (done.returncode, done.stderr) == (0, b"")


def test_usage_errors_keep_their_form(tmp_path: Path) -> None:
    done = command("prices", "--nope", cache=tmp_path)
    assert done.returncode == 2
    assert b"No such option: --nope" in done.stderr


@pytest.mark.parametrize("argument", ["--\x1b[2J", b"\xff.yaml", "a\u202eb"])
def test_arguments_that_do_not_print_are_refused(tmp_path: Path, argument: str | bytes) -> None:
    assert "argument 2 (" in line_of(command("prices", argument, cache=tmp_path))


def test_what_stands_in_data_does_not_act_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text(SQUAD, encoding="utf-8")
    done = command("datasets", "inspect", str(tmp_path / "d.json"), cache=tmp_path, TTY_COMPATIBLE="1")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert r"\x1b]0;PWNED\x07" in text
    assert not re.search("[\x07\x08\x80-\x9f\u202e]|\x1b[^\\[]|\x1b\\[2J|^INJECTED", text, re.MULTILINE)


def test_the_escaped_line_shows_what_was_there() -> None:
    assert escaped(HOSTILE) == r"\x1b]0;PWNED\x07\x1b[2J\x9b31m\u202egnp\r\nINJECTED"
    kept = "ação – 漢字 نمی\u200cخواهم क्\u200dष 👩\u200d🚀 [bold]"
    assert escaped(kept) == kept
    assert escaped("\ud800\u2028\ufeff\U000e0041") == r"\ud800\u2028\ufeff\U000e0041"


def test_a_console_obeys_rich_alone(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(width=200)
    console.print(f"a {HOSTILE}\x00 :warning: b", markup=False)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert ":warning: b" in shown
    assert r"\x1b[2J" in shown


class _Unpicklable(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def test_a_worker_hands_over_one_line_and_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(*_: object) -> Mapping[str, object]:
        raise _Unpicklable("it", "broke")

    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path))
    monkeypatch.setattr(schedule, "execute", execute)
    step = Step("dataset", {}, {}, 1, "data")
    with pytest.raises(CrossfareError, match=r"^unexpected _Unpicklable: it broke; .*; traceback: \S+$") as caught:
        schedule._execute(step, tmp_path)
    trace = Path(str(caught.value).rpartition(" ")[2]).read_text(encoding="utf-8")
    assert "in execute" in trace
    assert "_Unpicklable: it broke" in trace


def test_a_user_name_in_a_url_is_no_ones_business() -> None:
    assert redacted("at http://me:pw@host:80/x?y=a@b") == "at http://...@host:80/x?y=a@b"


def test_a_width_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    done = command(
        "prices", "--price-file", str(tmp_path / "absent.yaml"), cache=tmp_path, COLUMNS="\u00b2", LINES="\u00b2"
    )
    assert "absent.yaml: cannot be read" in line_of(done)
    assert command("prices", cache=tmp_path, COLUMNS="\u00b2").returncode == 0
