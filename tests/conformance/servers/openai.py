"""An OpenAI-compatible chat endpoint: platform.openai.com/docs/api-reference/chat and /guides/structured-outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from servers import POISON, Reply, Request, VendorServer, translated

MODEL = "a-model"


class ChatServer(VendorServer):
    answers: str = "translations"
    """How the model answers.

    "translations", "prose" (no JSON), "cut" (stopped for length), or "no usage". In other forms: "fenced", "thought"
    (after thinking aloud), "thinking on" (without saying when it ends), "amid prose", "a list", "text ids". Wrongly, if
    it is asked for more than two texts: "merged" (the first two in one, and the others moved up), "padded" (merged, and
    the last one twice), "one left out", "one twice". And "sorry": the same to everything. "endless": brackets without
    end, so many that it must be given up.
    """

    said_of_tokens: object = None
    """What it says of the tokens instead of the truth."""

    def answer(self, request: Request, short: bool) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return self.refuse(401, f"Incorrect API key provided: {request.headers.get('authorization')}")
        if request.path != "/v1/chat/completions":
            return self.refuse(404, "no such method")
        asked = json.loads(request.body)
        if asked["model"] != MODEL:
            return self.refuse(404, f"The model {asked['model']!r} does not exist")
        schema = asked["response_format"]["json_schema"]
        if not schema["strict"] or schema["schema"]["additionalProperties"]:
            return self.refuse(400, "Invalid schema for response_format")
        system, user = asked["messages"]
        assert (system["role"], user["role"]) == ("system", "user")
        texts = json.loads(user["content"])["texts"]
        if POISON in user["content"]:
            return self.refuse(400, "Invalid prompt")
        self.received.append([text["text"] for text in texts])
        # Answers need not come in order.
        made = [{"id": text["id"], "text": translated(text["text"])} for text in reversed(texts)]
        made = self._mistaken(made[1:] if short else made)
        content = self._written(made)
        if self.answers == "prose":
            content = "Sure! Here are your translations."
        elif self.answers == "cut" and len(texts) > 1:
            content = content[: len(content) // 2]
        read, written = tokens(system["content"] + user["content"]), tokens(content)
        self.tokens = (self.tokens[0] + read, self.tokens[1] + written)
        self.billed += sum(len(text["text"]) for text in texts)
        body = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": MODEL,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content, "refusal": None},
                    "finish_reason": "length" if self.answers == "cut" else "stop",
                }
            ],
            "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
        }
        if self.said_of_tokens is not None:
            body["usage"] = self.said_of_tokens
        if self.answers == "no usage":
            del body["usage"]
        return Reply(json.dumps(body).encode())

    def _mistaken(self, made: list[dict[str, Any]]) -> list[dict[str, Any]]:
        said = [each["text"] for each in sorted(made, key=lambda each: int(each["id"]))]
        if self.answers == "sorry":
            return [{**each, "text": "I'm sorry, but I can't assist with that."} for each in made]
        if len(said) > 2 and self.answers in ("merged", "padded"):
            said = [f"{said[0]} {said[1]}", *said[2:], *(said[-1:] if self.answers == "padded" else ())]
            return [{"id": number, "text": text} for number, text in enumerate(said)]
        if len(said) > 2 and self.answers == "one left out":
            return made[1:]
        if len(said) > 2 and self.answers == "one twice":
            return [*made, {"id": 0, "text": "OTHER"}]
        return made

    def _written(self, made: list[dict[str, Any]]) -> str:
        items = [{**each, "id": str(each["id"])} for each in made] if self.answers == "text ids" else made
        content = json.dumps(items if self.answers == "a list" else {"translations": items}, ensure_ascii=False)
        forms = {
            "fenced": f"```json\n{content}\n```",
            "thought": f'<think>\nI could say {{"translations": []}}.\n</think>\n\n{content}',
            "thinking on": f'<think>\nPerhaps {{"translations": [{{"id": 0, "text": "a draft"}}]}}. No:\n{content}',
            "endless": '{"a":' * 100_000,
            "amid prose": f"Sure [of course]! Here they are:\n{content}\nAnything else?",
        }
        return forms.get(self.answers, content)

    def refuse(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
        error = {"message": message, "type": "error", "param": None, "code": None}
        return Reply(json.dumps({"error": error}).encode(), status, headers or {})


def tokens(text: str) -> int:
    """This model's tokens: words, and every other character that is not blank."""
    return len(re.findall(r"\w+|[^\w\s]", text))
