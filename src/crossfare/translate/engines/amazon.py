"""Amazon Translate, through boto3: https://docs.aws.amazon.com/translate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from crossfare.errors import ConfigError, EngineCredential, EngineError
from crossfare.languages import services
from crossfare.translate.engines.cutting import RequestLimits
from crossfare.translate.engines.faults import Fault
from crossfare.translate.engines.receiving import bounded
from crossfare.translate.engines.remote import Answer, RemoteEngine, Route

_SETTINGS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) in the environment"
_AT_ONCE = 8192  # bytes, which may unpack to a thousand times as many
# Refusals that AWS sends with status 400.
_THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException", "LimitExceededException"}
_DENIED = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
}


class AmazonEngine(RemoteEngine):
    """Amazon Translate, one text a request: its synchronous call takes no more.

    Credentials and region are found as boto3 finds them. It has no tags of its own but the one that keeps a part
    untranslated, so markers are plain text. How it counts is not published: every code point is counted.

    Arguments and errors: see `RemoteEngine`.
    """

    registered = "amazon"
    service = "Amazon Translate"
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    offered = services.AMAZON
    # No more of amazonaws.com, where its customers have hosts too.
    own_hosts = ("translate.REGION.amazonaws.com", "translate-fips.REGION.amazonaws.com")
    limits = RequestLimits(texts=1, size=10_000, unit="bytes")

    def vendor_host(self) -> str:
        """That of the region, unless boto3's settings name another."""
        try:
            return str(urlsplit(self.connect().meta.endpoint_url).netloc).rpartition("@")[2]
        except EngineCredential:
            return "amazonaws.com"

    def connect(self) -> Any:
        """Make the SDK's client."""
        if self.withheld:
            raise EngineCredential(f"{self.label}: {self.withheld}")
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, NoRegionError

        settings = Config(
            retries={"total_max_attempts": 1},
            connect_timeout=self.timeout,
            read_timeout=self.timeout,
            max_pool_connections=self.traffic.most,
        )
        try:
            client = boto3.Session().client("translate", config=settings, endpoint_url=self.address.url)
        except NoRegionError:
            raise EngineCredential(
                f"{self.label} needs a region: set AWS_DEFAULT_REGION in the environment, such as eu-west-1"
            ) from None
        except BotoCoreError as error:
            raise EngineCredential(f"{self.label}: {self.one_line(error)}; {_SETTINGS}") from None
        session, timeout = client._endpoint.http_session, self.timeout

        def sent(request: Any, **_: Any) -> Any:
            """Send as the SDK does, but leave the body to be received within bounds."""
            request.stream_output = True
            response = session.send(request)
            unpacked = response.raw.stream
            response.raw.stream = lambda *_, **__: bounded(unpacked(_AT_ONCE), timeout)
            return response

        client.meta.events.register("before-send.translate", sent)
        return client

    def send(self, client: Any, texts: Sequence[str], route: Route) -> Answer:
        """Translate one text."""
        (text,) = texts
        answer = client.translate_text(
            Text=text, SourceLanguageCode=route.source_code, TargetLanguageCode=route.target_code
        )
        return Answer([answer["TranslatedText"]])

    def fault(self, error: Exception) -> Fault | EngineError | ConfigError | None:
        """What an exception of the SDK means."""
        from botocore import exceptions
        from botocore.parsers import ResponseParserError

        if isinstance(error, exceptions.ClientError):
            said = error.response.get("ResponseMetadata", {})
            code = error.response.get("Error", {}).get("Code", "")
            status = 429 if code in _THROTTLED else 403 if code in _DENIED else said.get("HTTPStatusCode", 500)
            if code == "UnsupportedLanguagePairException":
                return ConfigError(f"{self.label} does not translate this pair of languages: {self.one_line(error)}")
            return Fault(status, error, said.get("HTTPHeaders", {}))
        if isinstance(error, ResponseParserError):
            return Fault(200, error)
        if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
            return EngineCredential(f"{self.label} needs credentials: {_SETTINGS}")
        return Fault(None, error) if isinstance(error, exceptions.BotoCoreError) else None
