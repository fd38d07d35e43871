"""A chat model that answers oddly costs a few requests, not hundreds, and what was spent is said."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossfare.cli import app

for package in ("openai", "tenacity", "genai_prices"):
    pytest.importorskip(package)

Items = list[dict[str, Any]]
COUNT = 100


class Model:
    """A chat model on loopback; ``answer`` makes what it says of the texts, and ``usage`` is what it bills."""

    def __init__(self) -> None:
        self.requests = 0
        self.answer: Callable[[Items], str] = _listed
        self.usage: dict[str, Any] = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=lambda: self._http.serve_forever(poll_interval=0.02), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.requests += 1
        content = self.answer(json.loads(asked["messages"][1]["content"])["texts"])
        message = {"role": "assistant", "content": content, "refusal": None}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": asked["model"],
            "choices": [choice],
            "usage": self.usage,
        }


def _handler(model: Model) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps(model.reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _listed(items: Items, said: Callable[[str], str] = lambda text: f"«{text}»") -> str:
    made = [{"id": item["id"], "text": said(item["text"])} for item in items]
    return json.dumps({"translations": made}, ensure_ascii=False)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Model]:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-nobody")
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    made = Model()
    yield made
    made.close()


def translate(model: Model, folder: Path, *further: str) -> tuple[int, str]:
    """The exit code and all that the command says."""
    rows = [
        {"premise": f"Train number {n} leaves at noon.", "hypothesis": f"Its number is {n}.", "label": "entailment"}
        for n in range(10, 10 + COUNT)
    ]
    file = folder / "pairs.en.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    asked = ["translate", str(file), "--task", "nli", "--source", "en", "--target", "de", "--engine", "llm", "--yes"]
    options = {"model": "gpt-5-mini", "base_url": model.url, "backoff": "0.01"}
    named = [part for name, value in options.items() for part in ("--option", f"{name}={value}")]
    done = CliRunner().invoke(app, [*asked, *named, "--out", str(folder / "o.jsonl"), "--force", *further])
    return done.exit_code, f"{done.output}{done.exception or ''}"


def fenced(items: Items) -> str:
    return f"```json\n{_listed(items)}\n```"


def thought(items: Items) -> str:
    return f"<think>\nThe user wants a translation.\n</think>\n\n{_listed(items)}"


def drafted(items: Items) -> str:
    return f"<think>{_listed(items, str.upper)} [still] {{thinking}} {_listed(items)} {json.dumps([_first(items)])}"


def _first(items: Items) -> dict[str, Any]:
    return {"id": items[0]["id"], "text": "That one was hard."}


def by_line(items: Items) -> str:
    return "\n".join(json.dumps(each) for each in json.loads(_listed(items))["translations"])


def by_id(items: Items) -> str:
    return json.dumps({each["id"]: f"«{each['text']}»" for each in items})


def carelessly(items: Items) -> str:
    return _listed(items).replace('"text"', '"translation"').replace("}]", "},]")


@pytest.mark.parametrize("answer", [fenced, thought, drafted, by_line, by_id, carelessly])
def test_json_is_read_where_and_however_it_stands(model: Model, tmp_path: Path, answer: Any) -> None:
    model.answer = answer
    code, said = translate(model, tmp_path)
    assert (code, model.requests) == (0, 2 * COUNT // 20), said
    assert "yield: 100 of 100" in said and "spent now: 10 requests" in said
    first = json.loads((tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["sentence1"] == "«Train number 10 leaves at noon.»"


def test_the_parts_of_a_message_are_its_text_but_for_thoughts(model: Model, tmp_path: Path) -> None:
    thoughts = [{"type": "thinking", "thinking": [{"type": "text", "text": "[]"}]}]
    model.answer = lambda items: [*thoughts, {"type": "text", "text": _listed(items)}]  # type: ignore[arg-type, return-value]
    code, said = translate(model, tmp_path)
    assert (code, model.requests) == (0, 10), said


def test_half_an_answer_is_asked_for_in_halves(model: Model, tmp_path: Path) -> None:
    """Its objects that are complete are not taken for all that there is."""
    model.answer = lambda items: _listed(items) if len(items) <= 10 else _listed(items)[: 20 * len(items)]
    code, said = translate(model, tmp_path)
    assert code == 0 and "yield: 100 of 100" in said
    assert model.requests < 45, said


def prose(_items: Items) -> str:
    return "Here you are!"


def excuse(items: Items) -> str:
    return _listed(items, lambda _: "I'm sorry, but I can't assist with that.")


def blank(items: Items) -> str:
    return _listed(items, lambda _: " ")


@pytest.mark.parametrize("answer", [prose, excuse, blank])
def test_a_model_that_never_translates_is_left_and_what_was_spent_is_said(
    model: Model, tmp_path: Path, answer: Any
) -> None:
    model.answer = answer
    code, said = translate(model, tmp_path)
    assert code and "; stopped, for" in said
    assert model.requests <= 5
    assert f"spent now: {model.requests} requests" in said
    assert not (tmp_path / "o.jsonl").exists()


def test_a_model_that_answers_only_what_it_has_answered_before_is_left_too(model: Model, tmp_path: Path) -> None:
    """The probe is answered each time, and still nothing else is."""
    first = [True]

    def ceases(items: Items) -> str:
        if first or [item["text"] for item in items] == ["Its number is 10."]:
            first.clear()
            return _listed(items)
        return "I would rather not."

    model.answer = ceases
    _, said = translate(model, tmp_path)
    assert "answers in a row could not be used" in said
    assert model.requests < 40, "200 texts in halves would be 350"
    assert f"spent now: {model.requests} requests" in said


def test_a_model_that_can_answer_texts_only_singly_is_soon_asked_so(model: Model, tmp_path: Path) -> None:
    model.answer = lambda items: _listed(items) if len(items) == 1 else "Which one?"
    code, said = translate(model, tmp_path)
    assert code == 0 and "yield: 100 of 100" in said
    assert model.requests < 250, "390 if every request were halved"


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 17, "completion_tokens": 482, "total_tokens": 499}, 499),
        ({"prompt_tokens": 1000, "completion_tokens": 34, "total_tokens": 1482}, 1482),
        ({"prompt_tokens": 1000, "completion_tokens": 34}, 1034),
    ],
)
def test_tokens_are_all_of_the_total(model: Model, tmp_path: Path, usage: dict[str, Any], tokens: int) -> None:
    model.usage = usage
    _, said = translate(model, tmp_path)
    assert re.search(r"spent now: .* ([\d,]+) tokens", said)[1] == f"{10 * tokens:,}"  # type: ignore[index]


CACHED = {"prompt_tokens": 2_000_000, "completion_tokens": 0, "total_tokens": 2_000_000}


@pytest.mark.parametrize(
    ("said", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 1_600_000}}, 1_600_000),
        ({"prompt_cache_hit_tokens": 1_600_000, "prompt_cache_miss_tokens": 400_000}, 1_600_000),
        ({"prompt_cache_hit_tokens": 1_600_000, "prompt_tokens_details": {"cached_tokens": 1_000_000}}, 1_000_000),
        ({"prompt_tokens_details": {"cached_tokens": 2_000_001}}, 0),
        ({"prompt_tokens_details": {"cached_tokens": -5}, "cached_tokens": "many"}, 0),
        ({"prompt_tokens_details": None}, 0),
    ],
)
def test_cached_tokens_cost_less_where_that_can_be_so(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], cached: int
) -> None:
    prices = tmp_path / "prices.yaml"
    rate = "unit: token, per: 1000000, amount: '1', output_amount: '4', valid_from: 2026-01-01, source: here"
    prices.write_text(
        "checked: 2026-01-31\noffers:\n"
        f"  - {{offer: with, {rate}, cached_amount: '0.25'}}\n"
        f"  - {{offer: without, {rate}}}\n"
    )
    model.usage = CACHED | said
    for offer, saved in (("with", 0.75), ("without", 0)):
        monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / offer))
        _, answer = translate(model, tmp_path, "--price", offer, "--price-file", str(prices))
        usd = 10 * (2 - saved * cached / 1_000_000)
        assert f"{usd:.2f} USD" in answer.partition("spent now:")[2], answer


def test_what_cannot_be_billed_is_said_to_be_in_doubt(model: Model, tmp_path: Path) -> None:
    model.usage = {}
    _, said = translate(model, tmp_path)
    assert re.search(r"spent now: 10 requests, .* 0.00 USD and up to 0.\d+ USD", said)
