"""Azure Translator 2026-06-06: learn.microsoft.com/azure/ai-services/translator (translate, service-limits, faq)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from servers import POISON, Reply, Request, VendorServer, translated, translated_html

CODES = {"de", "en", "es", "nb", "pt", "pt-pt", "sr-Cyrl", "vi", "zh-Hans", "zh-Hant"}


class AzureServer(VendorServer):
    metered = True
    """Whether responses carry x-metered-usage."""

    def answer(self, request: Request, short: bool) -> Reply:
        if request.headers.get("ocp-apim-subscription-key") != self.key:
            return self.refuse(401, "The request is not authorized because credentials are missing or invalid.")
        address = urlsplit(request.path)
        if address.path != "/translate" or parse_qs(address.query).get("api-version") != ["2026-06-06"]:
            return self.refuse(404, "The resource is not found.")
        inputs = json.loads(request.body)["inputs"]
        size = sum(self._units(item["text"]) * len(item["targets"]) for item in inputs)
        if len(inputs) > 1000 or size > 50_000:
            return self.refuse(400, "The maximum request size has been exceeded.")
        codes = {code for item in inputs for code in (item["language"], *(t["language"] for t in item["targets"]))}
        if codes - CODES:
            return self.refuse(400, "The target language is not valid.")
        if POISON in request.body.decode():
            return self.refuse(400, "The request is not valid.")
        self.received.append([item["text"] for item in inputs])
        self.billed += size
        value = [{"translations": [self._one(item, target) for target in item["targets"]]} for item in inputs]
        reply = json.dumps({"value": value[: -1 if short else None]}).encode()
        return Reply(reply, 200, {"x-metered-usage": str(size)} if self.metered else {})

    def _one(self, item: dict[str, str], target: dict[str, str]) -> dict[str, object]:
        text = item["text"]
        made = translated_html(text, quotes=False) if item.get("textType") == "Html" else translated(text)
        return {"language": target["language"], "sourceCharacters": self._units(text), "text": made}

    def _units(self, text: str) -> int:
        """Every code point and all markup; what needs a surrogate pair counts twice."""
        return sum(2 if ord(character) > 0xFFFF else 1 for character in text)

    def refuse(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
        return Reply(
            json.dumps({"error": {"code": f"{status}000", "message": message}}).encode(), status, headers or {}
        )
