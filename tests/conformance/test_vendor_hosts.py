"""Who is sent texts, and who a key: what a spec names is sent no key, and nothing follows a redirect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from servers import Fault, VendorServer
from servers.openai import MODEL, ChatServer
from vendors import SECRETS, SERVERS, translate

import tiny_run
from crossfare.errors import ConfigError, EngineCredential, EngineUnavailable
from crossfare.translate.engines import engine, engine_of_spec
from crossfare.translate.engines.hosts import HOSTS, KEYS, check_key, host_of
from test_cli import call

everywhere = pytest.mark.parametrize("name", SERVERS)
keyed = pytest.mark.parametrize("name", [name for name in SERVERS if name != "llm"])
BODIES = ("a body of 307 and 308 is sent on by most clients",)


def of_spec(name: str, server: VendorServer) -> Any:
    """The engine as a spec names it that has the server as its address."""
    registered, _, api = name.partition(":")
    options: dict[str, Any] = {"endpoint": server.address, "backoff": 0.01, **({"api": api} if api else {})}
    if registered == "llm":
        options = {"model": MODEL, "base_url": f"{server.address}/v1", "backoff": 0.01}
    return engine_of_spec(registered, options)


@everywhere
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_error_and_nothing_is_sent_on(vendor: Any, status: int) -> None:
    server, made = vendor
    other = ChatServer()
    try:
        server.fail(*[Fault("status", status, {"Location": f"{other.address}/elsewhere"})] * 6)
        with pytest.raises(EngineUnavailable, match=f"said {status}.*nothing is sent on"):
            translate(made(), list(BODIES))
        assert (other.requests, len(server.requests)) == ([], 1)
    finally:
        other.close()


@keyed
def test_a_host_that_a_spec_names_gets_nothing_without_the_key_it_may_not_have(
    vendor: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = vendor
    made = of_spec(name, server)
    for ask in (lambda: check_key(made), lambda: translate(made, ["one"])):
        with pytest.raises(EngineCredential, match=r"127\.0\.0\.1:\d+ is named by a spec.*--allow-host 127\.0\.0\.1"):
            ask()
    assert server.requests == []
    monkeypatch.setenv(HOSTS, "example.org 127.0.0.1")
    check_key(made)
    assert translate(of_spec(name, server), ["one"]).texts == ("ONE",)


@pytest.mark.parametrize("name", ["llm"])
def test_a_chat_model_that_a_spec_names_is_asked_without_a_key(
    vendor: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = vendor
    for variable in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(variable, f"{variable}-s3cret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: custom-s3cret")
    with pytest.raises(EngineCredential, match=r"asks for a key.*named by a spec.*--allow-host"):
        translate(of_spec(name, server), ["one"])
    (request,) = server.requests
    assert "s3cret" not in str(request)
    assert b"one" in request.body
    monkeypatch.setenv(HOSTS, server.address)
    assert translate(of_spec(name, server), ["one"]).texts == ("ONE",)
    assert server.requests[-1].headers["authorization"] == f"Bearer {server.key}"


@everywhere
def test_an_address_of_the_users_own_gets_the_key(vendor: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server, made = vendor
    assert translate(made(), ["one"]).texts == ("ONE",)  # said in Python, or on the command line
    variable = {
        "llm": "OPENAI_BASE_URL",
        "deepl": "DEEPL_SERVER_URL",
        "azure": "AZURE_TEXT_TRANSLATION_ENDPOINT",
        "amazon": "AWS_ENDPOINT_URL_TRANSLATE",
    }.get(name)
    if variable is None:
        return  # Google has no such variable
    monkeypatch.setenv(variable, f"{server.address}/v1" if name == "llm" else server.address)
    own = engine_of_spec(name, {"model": MODEL} if name == "llm" else {})
    assert translate(own, ["two"]).texts == ("TWO",)
    assert host_of(own) == server.address.removeprefix("http://")


def test_a_spec_may_not_name_the_key_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ChatServer()
    try:
        options = {"model": MODEL, "base_url": f"{server.address}/v1", "key_variable": "AWS_SECRET_ACCESS_KEY"}
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.key)
        with pytest.raises(ConfigError, match=r"not the engine's own \(OPENAI_API_KEY\).*--allow-key AWS_SECRET"):
            engine_of_spec("llm", options)
        monkeypatch.setenv(KEYS, "AWS_SECRET_ACCESS_KEY")
        with pytest.raises(EngineCredential, match="--allow-host"):  # a key that may be sent goes nowhere new by that
            translate(engine_of_spec("llm", options), ["one"])
        assert server.key not in str(server.requests)
        monkeypatch.setenv(HOSTS, "127.0.0.1")
        assert translate(engine_of_spec("llm", options), ["one"]).texts == ("ONE",)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("google:v3", "translate.googleapis.com"),
        ("google:v2", "translation.googleapis.com"),
        ("deepl", "api.deepl.com"),
        ("azure", "api.cognitive.microsofttranslator.com"),
        ("llm", "api.openai.com"),
    ],
)
def test_an_engine_says_where_texts_go(vendor: Any, name: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server, made = vendor
    nowhere = {"base_url" if name == "llm" else "endpoint": None}
    assert host_of(made(**nowhere)) == host
    assert host_of(made()) == server.address.removeprefix("http://")
    if name == "deepl":
        monkeypatch.setenv(SECRETS[name], "0123456789:fx")
        assert host_of(made(**nowhere)) == "api-free.deepl.com"


def test_amazon_says_the_host_of_its_region(vendors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    vendors.make("amazon")
    monkeypatch.delenv("AWS_ENDPOINT_URL_TRANSLATE")
    assert host_of(engine_of_spec("amazon", {})) == "translate.eu-west-1.amazonaws.com"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "x.example.org/")
    with pytest.raises(EngineCredential, match=r"x\.example\.org/"):
        engine_of_spec("amazon", {}).translate(["one"], source="en", target="de")


@pytest.mark.parametrize("name", [name for name in SERVERS if name not in ("google:v3", "amazon")])
@pytest.mark.parametrize("key", ["first\nsecond-s3cret", "s\u00e9cret-s3cret", "first\r\nX-Other: s3cret"])
def test_what_no_header_can_hold_is_no_key(vendor: Any, name: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server, made = vendor
    monkeypatch.setenv(SECRETS[name], key)
    with pytest.raises(EngineCredential, match=f"{SECRETS[name]} holds a line break") as raised:
        translate(made(), ["one"])
    assert "s3cret" not in str(raised.value) and server.requests == []


def test_a_run_sends_a_key_where_it_is_allowed_and_keeps_it_nowhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("openai")
    server = ChatServer()
    address = server.address.removeprefix("http://")
    for variable in (HOSTS, KEYS):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MY_KEY", server.key)
    options = {"model": MODEL, "base_url": f"{server.address}/v1", "key_variable": "MY_KEY", "backoff": 0.01}
    tiny_run.spec(
        tmp_path,
        methods=["translate-train"],
        engines={"model": {"engine": "llm", "options": options, "price": "google-translate"}},
    )
    out = tmp_path / "out"
    asked = ("run", str(tmp_path / "tiny.yaml"), "--out", str(out), "--quiet", "--jobs", "2", "--yes")
    try:
        status, _, err = call(monkeypatch, capsys, *asked)
        assert (status, "allow it with --allow-key MY_KEY" in err) == (2, True)
        status, _, err = call(monkeypatch, capsys, *asked, "--allow-key", "MY_KEY")
        assert status == 2
        assert f"{address} is named by a spec, and so is sent no key: allow it with --allow-host {address}" in err
        assert server.requests and server.key not in str(server.requests)
        assert call(monkeypatch, capsys, *asked, "--allow-host", address)[0] == 0
        assert server.requests[-1].headers["authorization"] == f"Bearer {server.key}"
    finally:
        server.close()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert out / "results.json" in kept
    assert not [path for path in kept if server.key.encode() in path.read_bytes()]
    settings = json.loads((out / "results.json").read_text())["provenance"]["engines"]
    assert settings == {"model": {"temperature": "0.0"}}


@pytest.mark.parametrize("name", ["llm", "libretranslate"])
@pytest.mark.parametrize(
    ("variable", "value"),
    [("ALL_PROXY", "://user:s3cret"), ("ALL_PROXY", "s3cret://host"), ("SSL_CERT_FILE", "/s3cret/absent.pem")],
)
def test_what_the_environment_says_wrongly_is_one_line_that_does_not_repeat_it(
    name: str, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    options = {"model": "m"} if name == "llm" else {}
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-the-user")
    with pytest.raises(ConfigError, match="cannot be set up") as raised:
        _ = engine(name, **options).client  # type: ignore[attr-defined]
    assert "s3cret" not in str(raised.value) and "\n" not in str(raised.value)
