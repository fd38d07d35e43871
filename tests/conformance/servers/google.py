"""Google Cloud Translation v2 and v3 over REST: cloud.google.com/translate/docs/reference/rest, /quotas, /pricing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from servers import POISON, Reply, Request, VendorServer, translated, translated_html

CODES = {"de", "en", "es", "iw", "no", "pt", "pt-PT", "vi", "zh-CN", "zh-TW"}
PROJECT = "a-project"
_NMT = f"projects/{PROJECT}/locations/global/models/general/nmt"


class GoogleServer(VendorServer):
    def answer(self, request: Request, short: bool) -> Reply:
        path = urlsplit(request.path).path
        asked = json.loads(request.body)
        if path == "/language/translate/v2":
            if request.headers.get("x-goog-api-key") != self.key:
                return self.refuse(400, "API key not valid. Please pass a valid API key.")
            if len(request.body) > 100_000 or len(asked["q"]) > 128:
                return self.refuse(400, "Text too long")
            if asked.get("model", "nmt") != "nmt":
                return self.refuse(400, "Invalid Value")
            texts, codes = asked["q"], (asked["source"], asked["target"])
            html = asked.get("format", "html") == "html"
        elif path == f"/v3/projects/{PROJECT}/locations/global:translateText":
            if not self._signed(request.headers.get("authorization", "")):
                return self.refuse(401, "Request had invalid authentication credentials.")
            if asked.get("model", _NMT) != _NMT:
                return self.refuse(404, "Model not found.")
            texts, codes = asked["contents"], (asked["sourceLanguageCode"], asked["targetLanguageCode"])
            html = asked.get("mimeType", "text/html") == "text/html"
            if len(texts) > 1024 or sum(map(len, texts)) > 30_000:
                return self.refuse(400, "Text is too long.")
        else:
            return self.refuse(404, "Method not found.")
        if set(codes) - CODES:
            return self.refuse(400, "Invalid Value")
        if POISON in request.body.decode():
            return self.refuse(400, "Bad request")
        self.received.append(texts)
        self.billed += sum(len(text) for text in texts)  # code points sent, with blanks and markup
        made = [translated_html(text, quotes=True) if html else translated(text) for text in texts]
        translations = [{"translatedText": text} for text in made][: -1 if short else None]
        body = {"data": {"translations": translations}} if path.endswith("/v2") else {"translations": translations}
        return Reply(json.dumps(body).encode())

    def _signed(self, authorization: str) -> bool:
        """A token that the service account signed itself: header, claims and signature."""
        kind, _, token = authorization.partition(" ")
        return kind == "Bearer" and len(token.split(".")) == 3

    def refuse(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
        error = {"code": status, "message": message, "status": "FAILED", "errors": [{"message": message}]}
        return Reply(json.dumps({"error": error}).encode(), status, headers or {})
