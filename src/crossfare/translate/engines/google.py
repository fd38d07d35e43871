"""Google Cloud Translation, through its SDK: https://cloud.google.com/translate/docs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crossfare.errors import EngineCredential, EngineError
from crossfare.languages import services
from crossfare.translate.engines.cutting import RequestLimits
from crossfare.translate.engines.faults import Fault
from crossfare.translate.engines.receiving import bound_session
from crossfare.translate.engines.remote import Answer, RemoteEngine, Route

_ADC = "GOOGLE_APPLICATION_CREDENTIALS"
_PROJECT = "GOOGLE_CLOUD_PROJECT"


_MODEL = "nmt"
"""What Google takes where none is named; a translation by another one has another identity."""


@dataclass(kw_only=True, eq=False, repr=False)
class GoogleEngine(RemoteEngine):
    """Google Cloud Translation's general neural model ("nmt").

    "v3" (Advanced) takes the default credentials of the environment and a project, "v2" (Basic) an API key. Both
    bill every code point sent, blanks, tags and escapes included.

    Args:
        api: "v3" or "v2".

    Further arguments and errors: see `RemoteEngine`.
    """

    registered = "google"
    service = "Google"
    offered = services.GOOGLE
    own_hosts = (
        "translation.googleapis.com",
        "translate.googleapis.com",
        "translate-eu.googleapis.com",
        "translate-us.googleapis.com",
    )
    tag_handling = "html"

    api: Literal["v3", "v2"] = "v3"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._project = ""
        self.keys = ("GOOGLE_API_KEY",) if self.api == "v2" else (_ADC,)
        # v3: 1024 texts and 30,000 code points. v2: 128 texts, and 100 KB of request in all.
        self.limits = RequestLimits(1024, 30_000) if self.api == "v3" else RequestLimits(128, 99_000, "bytes of JSON")

    def identity(self) -> dict[str, Any]:
        """What changes the result."""
        return {"api": self.api}

    def connect(self) -> Any:
        """Make the SDK's client: over REST, whose responses carry Retry-After."""
        return self._connect_v3() if self.api == "v3" else self._connect_v2()

    def vendor_host(self) -> str:
        """That of the API's version."""
        return "translate.googleapis.com" if self.api == "v3" else self.own_hosts[0]

    def _connect_v3(self) -> Any:
        import google.auth
        from google.api_core.client_options import ClientOptions
        from google.auth.exceptions import DefaultCredentialsError
        from google.cloud import translate_v3

        if self.withheld:
            raise EngineCredential(f"{self.label}: {self.withheld}")
        try:
            credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-translation"])
        except DefaultCredentialsError:
            raise EngineCredential(
                f"{self.label} needs credentials: set {_ADC} to the key file of a service account, run "
                "'gcloud auth application-default login', or use api: v2 with GOOGLE_API_KEY"
            ) from None
        self._project = os.environ.get(_PROJECT) or project or ""
        if not self._project:
            raise EngineCredential(f"{self.label} needs a project to bill: set {_PROJECT} in the environment")
        options = ClientOptions(api_endpoint=self.address.url) if self.address.url else None
        client = translate_v3.TranslationServiceClient(
            credentials=credentials, transport="rest", client_options=options
        )
        session = bound_session(client.transport._session, self.timeout, self.traffic.most)
        session.max_redirects = 0  # it has no setting for it
        return client

    def _connect_v2(self) -> Any:
        from google.auth import api_key
        from google.auth.transport.requests import AuthorizedSession
        from google.cloud import translate_v2

        timeout = self.timeout

        class Session(AuthorizedSession):  # type: ignore[misc]
            """Google's session, with our timeout and without redirects: the client has no arguments for them."""

            def request(self, *args: Any, **kwargs: Any) -> Any:
                return super().request(*args, **{**kwargs, "timeout": timeout, "allow_redirects": False})

        # The key goes into a header; in the address it would be in logs and messages.
        credentials = api_key.Credentials(self.key())
        options = {"api_endpoint": self.address.url} if self.address.url else None
        session = bound_session(Session(credentials), timeout, self.traffic.most)
        return translate_v2.Client(credentials=credentials, _http=session, client_options=options)

    def send(self, client: Any, texts: Sequence[str], route: Route) -> Answer:
        """Translate in one request."""
        if self.api == "v2":
            try:
                found = client.translate(
                    list(texts),
                    source_language=route.source_code,
                    target_language=route.target_code,
                    format_="html" if self.markup else "text",
                    model=_MODEL,
                )
            except ValueError as error:
                if len(error.args) != 3:
                    raise
                found = error.args[2]  # fewer translations than texts, which are billed all the same
            return Answer([each["translatedText"] for each in found])
        parent = f"projects/{self._project}/locations/global"
        response = client.translate_text(
            request={
                "parent": parent,
                "model": f"{parent}/models/general/{_MODEL}",
                "contents": list(texts),
                "mime_type": "text/html" if self.markup else "text/plain",
                "source_language_code": route.source_code,
                "target_language_code": route.target_code,
            },
            retry=None,
            timeout=self.timeout,
        )
        return Answer([each.translated_text for each in response.translations])

    def fault(self, error: Exception) -> Fault | EngineError | None:
        """What an exception of the SDK means."""
        from google.api_core.exceptions import GoogleAPICallError
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.protobuf.json_format import Error as FormatError
        from requests import RequestException, TooManyRedirects

        if isinstance(error, GoogleAPICallError):
            headers = error.response.headers if error.response is not None else {}
            status, said = error.code, str(error.message).lower()
            if status == 403 and "limit exceeded" in said:  # "User Rate Limit Exceeded", "Daily Limit Exceeded"
                status = 429
            elif status == 400 and "api key" in said:  # "API key not valid. Please pass a valid API key."
                status = 401
            return Fault(status, error.message, headers)
        if isinstance(error, FormatError):
            return Fault(200, error)
        if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
            return EngineCredential(f"{self.label} refused the credentials: {self.one_line(error)}; see {self.keys[0]}")
        if isinstance(error, TooManyRedirects):
            return Fault(error.response.status_code if error.response is not None else 302, "a redirect")
        return Fault(None, error) if isinstance(error, RequestException | TransportError) else None
