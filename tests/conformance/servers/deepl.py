"""DeepL: https://developers.deepl.com/api-reference/translate, /docs/resources/usage-limits and /docs/translate."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping

from servers import POISON, Reply, Request, VendorServer, translated

SOURCES = {"DE", "EN", "ES", "NB", "PT", "VI", "ZH"}
TARGETS = {"DE", "EN-GB", "EN-US", "ES", "ES-419", "NB", "PT-BR", "PT-PT", "VI", "ZH-HANS", "ZH-HANT"}


class DeepLServer(VendorServer):
    def answer(self, request: Request, short: bool) -> Reply:
        if request.headers.get("authorization") != f"DeepL-Auth-Key {self.key}":
            return self.refuse(403, "Wrong endpoint or auth key.")
        if not request.path.startswith("/v2/translate"):
            return self.refuse(404, "no such method")
        if len(request.body) > 128 * 1024:
            return self.refuse(413, "Request size exceeds 128 KiB")
        asked = json.loads(request.body)
        texts = asked["text"]
        if len(texts) > 50:
            return self.refuse(400, "Too many texts")
        if asked["source_lang"] not in SOURCES or asked["target_lang"] not in TARGETS:
            return self.refuse(400, "Value for 'target_lang' not supported.")
        if asked.get("model_type") not in (None, "quality_optimized", "prefer_quality_optimized", "latency_optimized"):
            return self.refuse(400, "Value for 'model_type' not supported.")
        if POISON in request.body.decode():
            return self.refuse(400, "Bad request")
        try:
            found = [self._one(text, asked.get("tag_handling")) for text in texts]
        except ElementTree.ParseError:
            return self.refuse(400, "Tag handling parsing failed, please check input.")
        self.received.append(texts)
        self.billed += sum(count for _, count in found)
        translations = [
            {"detected_source_language": asked["source_lang"], "text": text, "billed_characters": count}
            for text, count in found
        ]
        return Reply(json.dumps({"translations": translations[: -1 if short else None]}).encode())

    def _one(self, text: str, tag_handling: str | None) -> tuple[str, int]:
        """Unicode code points of the source; in XML its tags are not counted."""
        if tag_handling is None:
            return translated(text), len(text)
        root = ElementTree.fromstring(f"<root>{text}</root>")
        count = len("".join(root.itertext()))
        for element in root.iter():
            element.text = translated(element.text or "")
            element.tail = translated(element.tail or "")
        made = ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)
        return made.removeprefix("<root>").removesuffix("</root>"), count

    def refuse(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
        return Reply(json.dumps({"message": message}).encode(), status, headers or {})
