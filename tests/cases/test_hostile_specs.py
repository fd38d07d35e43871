"""Specs that are broken on purpose: each is refused in one line with status 2, before anything is made or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_cli import call

SPEC = """\
name: tiny
targets: [pt]
methods: [zero-shot, translate-train]
models: {target-encoder: "embedded:multilingual-encoder", source-encoder: "embedded:english-encoder"}
engines: {echo: {engine: echo}}
prices: {annotation: {nli: annotation-nli}}
latency: {repeats: 0, batch_sizes: [1]}
seeds: [0]
tasks:
  nli:
    train: {ref: "world:nli", limit: 12}
    test: {ref: "world:nli", limit: 8}
    training: {max_steps: 2, batch_size: 4, max_length: 48, learning_rate: 1.0e-3}
"""
DEEP = "x: " + "[" * 70 + "]" * 70 + "\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
CHANGED = {
    "batch size of 0": ("batch_size: 4", "batch_size: 0"),
    "batch size below 0": ("batch_size: 4", "batch_size: -4"),
    "batch size as text": ("batch_size: 4", "batch_size: four"),
    "steps as a list": ("max_steps: 2", "max_steps: [2]"),
    "length that holds nothing": ("max_length: 48", "max_length: 1"),
    "rate without end": ("1.0e-3", ".inf"),
    "rate that is no number": ("1.0e-3", ".nan"),
    "rate as text": ("1.0e-3", "fast"),
    "limit of many digits": ("limit: 12", "limit: " + "9" * 31),
    "limit of 0": ("limit: 12", "limit: 0"),
    "seed of many digits": ("seeds: [0]", "seeds: [" + "9" * 41 + "]"),
    "seed below 0": ("seeds: [0]", "seeds: [-1]"),
    "seed as truth": ("seeds: [0]", "seeds: [true]"),
    "no batch sizes": ("batch_sizes: [1]", "batch_sizes: []"),
    "huge batch": ("batch_sizes: [1]", "batch_sizes: [100000000]"),
    "path as a name": ("name: tiny", "name: ../../tiny"),
    "line end in a name": ("name: tiny", 'name: "ti\\nny"'),
    "path as a target": ("[pt]", "[x/../../../target]"),
    "target without end": ("[pt]", f"[{'x' * 300}]"),
    "target twice": ("[pt]", "[pt, pt]"),
    "no targets": ("[pt]", "[]"),
    "path as an embedded model": ("embedded:multilingual-encoder", "embedded:../../../etc"),
    "path as a packaged model": ("embedded:multilingual-encoder", "offline:../../etc"),
    "folder that is no model": ("embedded:multilingual-encoder", "../../../etc"),
    "no model": ('"embedded:english-encoder"', '""'),
    "data by a path in the world": ("world:nli", "world:__init__"),
    "data with a NUL": ("world:nli", "world\\0nli"),
    "data that are not there": ("world:nli", "/etc/no/such/file"),
    "secret file as prices": ("prices: {", "prices: {files: [/etc/hostname], "),
    "unknown engine": ("{engine: echo}", "{engine: ehco}"),
    "unknown option": ("{engine: echo}", "{engine: echo, options: {nope: 1}}"),
    "option of another type": (
        "{engine: echo}",
        "{engine: libretranslate, options: {url: 'http://127.0.0.1:9', max_texts: x}}",
    ),
    "file as a url": ("{engine: echo}", "{engine: libretranslate, options: {url: 'file:///etc/passwd'}}"),
    "unknown key": ("name: tiny", "name: tiny\nnmae: x"),
    "escape codes in a key": ("name: tiny", 'name: tiny\n"k\\e[2J": x'),
    "key twice": ("name: tiny", "name: tiny\nname: other"),
    "number as a key": ("name: tiny", "name: tiny\n1: x"),
    "tag of Python": ("name: tiny", "name: !!python/object/apply:os.system ['true']"),
    "tag of YAML": ("name: tiny", "name: !!int tiny"),
    "merge key": ("name: tiny", "x: &x {name: tiny}\n<<: *x"),
    "alias of itself": ("name: tiny", "name: &x [*x]"),
    "bomb": ("name: tiny\n", f"name: tiny\n{BOMB}"),
    "nested too deep": ("name: tiny\n", f"name: tiny\n{DEEP}"),
    "two documents": ("name: tiny", "name: tiny\n---\nname: other"),
    "day that is none": ("prices: {", "prices: {date: 2026-02-30, "),
}
WHOLE = {
    "nothing": b"",
    "a list": b"- a\n- b\n",
    "UTF-16": SPEC.encode("utf-16"),
    "a NUL": SPEC.encode() + b"\0",
    "half a character": SPEC.encode() + b"\xc3",
    "binary": bytes(range(256)),
}


def written(content: bytes, folder: Path) -> Path:
    path = folder / "spec.yaml"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", [*CHANGED, *WHOLE])
def test_a_broken_spec_is_refused_in_one_line(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    if kind in CHANGED:
        old, new = CHANGED[kind]
        assert old in SPEC
        content = SPEC.replace(old, new).encode()
    else:
        content = WHOLE[kind]
    path = written(content, tmp_path)
    status, out, err = call(monkeypatch, capsys, "run", str(path), "--yes")
    assert (status, out) == (2, "")
    told = err.splitlines()
    assert told[-1].startswith("crossfare: ")
    assert all(line.isprintable() for line in told)
    assert len(told) == 1 or f"{len(told) - 1} problems, named above; nothing was sent" in told[-1]
    assert "Traceback" not in err
    assert {each.name for each in tmp_path.glob("runs/*")} <= {".tiny.lock"}
    assert not list((tmp_path / "cache").glob("steps/*"))


def test_the_spec_itself_is_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    status, _, err = call(monkeypatch, capsys, "run", str(written(SPEC.encode(), tmp_path)), "--dry-run")
    assert status == 0, err
