"""Amazon Translate: docs.aws.amazon.com/translate/latest/APIReference/API_TranslateText.html, over AWS JSON 1.1."""

from __future__ import annotations

import json
from collections.abc import Mapping

from servers import POISON, Reply, Request, VendorServer, translated

CODES = {"de", "en", "es", "es-MX", "no", "pt", "pt-PT", "vi", "zh", "zh-TW"}
_ERRORS = {
    400: "InvalidRequestException",
    403: "UnrecognizedClientException",
    429: "TooManyRequestsException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


class AmazonServer(VendorServer):
    key = "AKIDS3CRETS3CRET"

    def answer(self, request: Request, short: bool) -> Reply:
        if f"Credential={self.key}/" not in request.headers.get("authorization", ""):
            return self.refuse(403, "The security token included in the request is invalid.")
        if request.headers.get("x-amz-target") != "AWSShineFrontendService_20170701.TranslateText":
            return self.refuse(404, "UnknownOperationException")
        asked = json.loads(request.body)
        text, codes = asked["Text"], (asked["SourceLanguageCode"], asked["TargetLanguageCode"])
        if len(text.encode()) > 10_000:
            return self._error(400, "TextSizeLimitExceededException", "Input text size exceeds limit.")
        if set(codes) - CODES:
            return self._error(400, "UnsupportedLanguagePairException", "Unsupported language pair.")
        if POISON in text:
            return self.refuse(400, "The request is not valid.")
        self.received.append([text])
        self.billed += len(text)  # the counting rule is not published: every code point
        made = {} if short else {"TranslatedText": translated(text)}
        return self._reply({**made, "SourceLanguageCode": codes[0], "TargetLanguageCode": codes[1]}, 200)

    def refuse(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self._error(status, _ERRORS.get(status, "InternalServerException"), message, headers)

    def _error(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self._reply({"__type": code, "message": message}, status, headers)

    def _reply(self, body: dict[str, str], status: int, headers: Mapping[str, str] | None = None) -> Reply:
        return Reply(json.dumps(body).encode(), status, headers or {})

    def content_type(self) -> dict[str, str]:
        return {"Content-Type": "application/x-amz-json-1.1"}
