"""DeepL, through its SDK: https://developers.deepl.com/docs."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crossfare.errors import EngineError, EngineQuota
from crossfare.languages import primary, services
from crossfare.languages.codes import find_code
from crossfare.translate.engines.cutting import RequestLimits
from crossfare.translate.engines.faults import Fault
from crossfare.translate.engines.markup import visible
from crossfare.translate.engines.receiving import bound_session
from crossfare.translate.engines.remote import Answer, RemoteEngine, Route

ModelType = Literal["quality_optimized", "prefer_quality_optimized", "latency_optimized"]


@dataclass(kw_only=True, eq=False, repr=False)
class DeepLEngine(RemoteEngine):
    """DeepL API, free or pro (the key says which), or the one at $DEEPL_SERVER_URL.

    With ``tags``, texts are XML, whose tags DeepL does not bill. What it bills it says with each translation.

    Args:
        model_type: the goal that DeepL chooses a model for. Where none is named, it takes "latency_optimized".

    Further arguments and errors: see `RemoteEngine`.
    """

    registered = "deepl"
    service = "DeepL"
    keys = ("DEEPL_AUTH_KEY",)
    own_hosts = ("api.deepl.com", ".deepl.com")
    endpoint_variable = "DEEPL_SERVER_URL"
    # 50 texts, and 128 KiB of request in all.
    limits = RequestLimits(texts=50, size=126 * 1024, unit="bytes of JSON")
    tag_handling = "xml"
    offered = services.DEEPL_TARGETS

    model_type: ModelType = "quality_optimized"

    def identity(self) -> dict[str, Any]:
        """What changes the result."""
        # Before there was a choice, none was named: DeepL took the fast models.
        named = {} if self.model_type == "latency_optimized" else {"model_type": self.model_type}
        return {"tag_handling_version": "v2", **named}

    def called(self, source: str, target: str) -> tuple[str, str]:
        """Variants as targets only: EN-US, PT-BR, ZH-HANS by default; a source is of any variant."""
        read = self.codes.get(source) or find_code(primary(source), services.DEEPL_SOURCES, {}) or self._called(source)
        return read.partition("-")[0], self._called(target)

    def billed(self, sent: str) -> int:
        """Code points; the tags of XML are free."""
        return len(visible(sent)) if self.markup else len(sent)

    def vendor_host(self) -> str:
        """That of free or of paid keys."""
        free = os.environ.get(self.keys[0], "").strip().endswith(":fx")
        return "api-free.deepl.com" if free else self.own_hosts[0]

    def connect(self) -> Any:
        """Make the SDK's client."""
        import deepl
        from deepl.http_client import HttpClient

        client = deepl.DeepLClient(self.key(), server_url=self.address.url)
        timeout = self.timeout
        heard = self._heard = threading.local()

        class Once(HttpClient):  # type: ignore[misc]
            """The SDK's transport without its retries, whose number is a setting of the process, and redirects."""

            def request_with_backoff(
                self, method: str, url: str, data: Any, json: Any, headers: Any, stream: bool = False, **kwargs: Any
            ) -> Any:
                request = self._prepare_request(method, url, data, json, headers, **kwargs)
                # The SDK's exceptions carry no headers.
                request.register_hook("response", lambda response, **_: setattr(heard, "last", response.headers))
                status, content = self._internal_request(request, stream, timeout, allow_redirects=False)
                if 300 <= status < 400:  # the SDK takes it for an answer
                    raise deepl.DeepLException("the answer is a redirect", http_status_code=status)
                return status, content

        client._client.close()
        client._client = Once()
        bound_session(client._client._session, timeout, self.traffic.most)
        return client

    def send(self, client: Any, texts: Sequence[str], route: Route) -> Answer:
        """Translate in one request."""
        markup: dict[str, Any] = {}
        if self.markup:
            # Markers are inline: no tag is to be taken for the border of a paragraph.
            markup = {"tag_handling": self.markup, "tag_handling_version": "v2", "outline_detection": False}
        results = client.translate_text(
            list(texts),
            source_lang=route.source_code,
            target_lang=route.target_code,
            model_type=self.model_type,
            **markup,
        )
        return Answer([result.text for result in results], sum(result.billed_characters for result in results))

    def fault(self, error: Exception) -> Fault | EngineError | None:
        """What an exception of the SDK means."""
        import deepl

        if isinstance(error, deepl.QuotaExceededException):
            return EngineQuota(f"{self.label}: the characters of this billing period are used up; wait, or raise them")
        if isinstance(error, deepl.DeepLException):
            return Fault(error.http_status_code, error, getattr(self._heard, "last", {}))
        return None
