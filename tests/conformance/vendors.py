"""Engines of vendors, each through its own SDK, pointed at a local server that speaks the vendor's wire format."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from servers import VendorServer
from servers.amazon import AmazonServer
from servers.azure import AzureServer
from servers.deepl import DeepLServer
from servers.google import PROJECT, GoogleServer
from servers.openai import MODEL, ChatServer

from crossfare.translate import engine

SERVERS: dict[str, type[VendorServer]] = {
    "google:v3": GoogleServer,
    "google:v2": GoogleServer,
    "deepl": DeepLServer,
    "azure": AzureServer,
    "amazon": AmazonServer,
    "llm": ChatServer,
}
SECRETS = {
    "google:v3": "GOOGLE_APPLICATION_CREDENTIALS",
    "google:v2": "GOOGLE_API_KEY",
    "deepl": "DEEPL_AUTH_KEY",
    "azure": "AZURE_TEXT_TRANSLATION_APIKEY",
    "amazon": "AWS_ACCESS_KEY_ID",
    "llm": "OPENAI_API_KEY",
}
_PACKAGES = {
    "google": "google.cloud.translate_v3",
    "deepl": "deepl",
    "azure": "azure.ai.translation.text",
    "amazon": "boto3",
    "llm": "openai",
}


class Vendors:
    """Starts a vendor's server when it is first asked for, and makes engines that talk to it."""

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self.environment = environment
        self.server = lru_cache(maxsize=None)(self._start)
        self._started: list[VendorServer] = []

    def make(self, name: str, /, **options: Any) -> Any:
        """An engine that waits hardly at all between attempts."""
        registered = name.partition(":")[0]
        pytest.importorskip("tenacity")
        pytest.importorskip(_PACKAGES[registered])
        return engine(registered, **{**self.options(name), **options})

    def options(self, name: str) -> dict[str, Any]:
        """What its engine is asked with, to be sent to the local server."""
        registered, address = name.partition(":")[0], self.server(name).address
        own: dict[str, Any] = {"backoff": 0.01, "timeout": 5.0}
        if registered == "google":
            own |= {"api": name.partition(":")[2], "endpoint": address}
        elif registered in ("deepl", "azure"):
            own |= {"endpoint": address}
        elif registered == "llm":
            own |= {"model": MODEL, "base_url": f"{address}/v1"}
        return own

    def close(self) -> None:
        for server in self._started:
            server.close()

    def _start(self, name: str) -> VendorServer:
        server = SERVERS[name]()
        self._started.append(server)
        if name == "google:v3":
            self.environment.setenv(SECRETS[name], str(service_account(self._folder)))
            self.environment.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
        else:
            self.environment.setenv(SECRETS[name], server.key)
        if name == "amazon":
            self.environment.setenv("AWS_SECRET_ACCESS_KEY", "another-s3cret")
            self.environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
            self.environment.setenv("AWS_ENDPOINT_URL_TRANSLATE", server.address)
        return server


def service_account(folder: Path) -> Path:
    """A key file as Google hands them out, for an account that does not exist."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    values = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "client_email": f"nobody@{PROJECT}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "http://127.0.0.1:9/token",
    }
    path = folder / "service-account.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def translate(made: Any, texts: list[str], target: str = "de") -> Any:
    return made.translate(texts, source="en", target=target)


def words(count: int, word: str = "word") -> str:
    return " ".join(f"{word}{number}" for number in range(count))
