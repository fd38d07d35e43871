"""Azure Translator, through its SDK: https://learn.microsoft.com/azure/ai-services/translator."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from crossfare.languages import services
from crossfare.translate.engines.cutting import RequestLimits, utf16_units
from crossfare.translate.engines.faults import Fault
from crossfare.translate.engines.receiving import bound_session
from crossfare.translate.engines.remote import Answer, RemoteEngine, Route

_HOST = "api.cognitive.microsofttranslator.com"
_API = "2026-06-06"


class AzureEngine(RemoteEngine):
    """Azure Translator's standard neural model.

    Bills every UTF-16 unit sent, tags and escapes included, and says how many with each response. A resource that
    is bound to a region needs $AZURE_TEXT_TRANSLATION_REGION too, one with an address of its own
    $AZURE_TEXT_TRANSLATION_ENDPOINT. Arguments and errors: see `RemoteEngine`.
    """

    registered = "azure"
    service = "Azure Translator"
    keys = ("AZURE_TEXT_TRANSLATION_APIKEY",)
    offered = services.AZURE
    own_hosts = (_HOST, ".cognitive.microsofttranslator.com")
    endpoint_variable = "AZURE_TEXT_TRANSLATION_ENDPOINT"
    limits = RequestLimits(texts=1000, size=50_000, unit="UTF-16 units")
    tag_handling = "html"
    shared_client = False  # the SDK's transport is not made for several threads

    def identity(self) -> dict[str, Any]:
        """What changes the result."""
        return {"api": _API}

    def billed(self, sent: str) -> int:
        """UTF-16 units, markup included."""
        return utf16_units(sent)

    def connect(self) -> Any:
        """Make the SDK's client."""
        from azure.ai.translation.text import TextTranslationClient
        from azure.core.credentials import AzureKeyCredential
        from azure.core.pipeline.policies import RetryPolicy
        from azure.core.pipeline.transport import RequestsTransport
        from requests import Session

        transport = RequestsTransport(  # the client's own time limits are for a transport that it makes itself
            session=bound_session(Session(), self.timeout, 1),
            connection_timeout=self.timeout,
            read_timeout=self.timeout,
        )
        return TextTranslationClient(
            self.address.url or f"https://{_HOST}",
            AzureKeyCredential(self.key()),
            region=os.environ.get("AZURE_TEXT_TRANSLATION_REGION") or None,
            api_version=_API,
            retry_policy=RetryPolicy.no_retries(),
            permit_redirects=False,
            transport=transport,
        )

    def send(self, client: Any, texts: Sequence[str], route: Route) -> Answer:
        """Translate in one request."""
        from azure.ai.translation.text.models import TranslateInputItem, TranslationTarget

        metered: list[str] = []
        items = [
            TranslateInputItem(
                text=text,
                language=route.source_code,
                text_type="Html" if self.markup else "Plain",
                # What Azure takes where nothing is named, named: its general neural model, nothing left out.
                targets=[
                    TranslationTarget(
                        language=route.target_code, deployment_name="general", profanity_action="NoAction"
                    )
                ],
            )
            for text in texts
        ]
        found = client.translate(
            items,
            raw_response_hook=lambda response: metered.append(response.http_response.headers.get("x-metered-usage")),
        )
        characters = int(metered[-1]) if metered and metered[-1] else None
        return Answer([item.translations[0].text if item.translations else None for item in found], characters)

    def fault(self, error: Exception) -> Fault | None:
        """What an exception of the SDK means."""
        from azure.core.exceptions import AzureError, DecodeError, HttpResponseError

        if isinstance(error, DecodeError):
            return Fault(200, error.message)
        if isinstance(error, HttpResponseError):
            headers = error.response.headers if error.response else {}
            return Fault(error.status_code, error.message, headers)
        return Fault(None, error) if isinstance(error, AzureError) else None
