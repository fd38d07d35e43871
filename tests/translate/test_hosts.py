"""Addresses and keys: which are refused, what is never repeated, and which hosts are a vendor's own."""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from importlib.metadata import EntryPoint
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfare.errors import ConfigError
from crossfare.translate import engine
from crossfare.translate.engines import engine_of_spec
from crossfare.translate.engines.echo import EchoEngine
from crossfare.translate.engines.faults import one_line
from crossfare.translate.engines.hosts import (
    HOSTS,
    KEYS,
    UNNAMED,
    Address,
    address,
    allow,
    check_options,
    checked_url,
    host_of,
    is_local,
)

registry = sys.modules["crossfare.translate.engines"]
OWN = ("api.openai.com", ".api.openai.com")
BAD = (
    "localhost:5000",
    "file:///etc/passwd",
    "ftp://api.openai.com",
    "javascript:alert(1)",
    "http://",
    "https:///v1",
    "http://user:s3cret@host/v1",
    "http://s3cret@host",
    "http://api.openai.com@host/",
    "http://@host/",
    "https://host/v1?api_key=s3cret",
    "https://host/v1#s3cret",
    "https://host\\@api.openai.com/s3cret",
    "https://api.openai.com\t.host/s3cret",
    "https://\u0430pi.openai.com/s3cret",
    "https://api.openai\u3002com/s3cret",
    "https://api.openai%2ecom/s3cret",
    "https://host:99999/s3cret",
    "https://host:port/s3cret",
    "https://[::1/s3cret",
    "https://host name/s3cret",
    "https://x.example.org/\r\nX-Header: s3cret",
)


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_plain_address_is_refused_and_not_repeated(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tenacity")
    with pytest.raises(ConfigError, match="the url must") as raised:
        checked_url(url, "the url")
    assert "s3cret" not in str(raised.value)
    for variable in ("OPENAI_BASE_URL", "DEEPL_SERVER_URL", "LIBRETRANSLATE_URL", "AZURE_TEXT_TRANSLATION_ENDPOINT"):
        monkeypatch.setenv(variable, url)
    for name, option in (("llm", "base_url"), ("deepl", "endpoint"), ("libretranslate", "url"), ("apertium", "url")):
        more: dict[str, Any] = {"model": "m"} if name == "llm" else {}
        for given_options in ({option: url}, {}):
            if name == "apertium" and not given_options:
                continue
            with pytest.raises(ConfigError) as raised:
                engine(name, **more, **given_options)
            assert "s3cret" not in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://api.openai.com/v1", True),
        ("https://API.openai.com:443/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("http://api.openai.com/v1", False),
        ("https://api.openai.com:8443/v1", False),
        ("https://api.openai.com.evil.example/v1", False),
        ("https://evilapi.openai.com/v1", False),
        ("https://xn--pi-7kc.openai.com/v1", False),
        ("https://api.openai.com./v1", False),
        ("https://openai.com/v1", False),
        ("http://localhost:8000/v1", False),
        ("http://127.0.0.1:8000/v1", False),
    ],
)
def test_a_spec_sends_a_key_to_the_vendors_own_hosts_alone(url: str, sent: bool) -> None:
    assert (Address(url, OWN, trusted=False).withheld == "") is sent


@pytest.mark.parametrize(
    ("name", "url", "sent"),
    [
        ("amazon", "https://translate.us-east-1.amazonaws.com", True),
        ("amazon", "https://translate-fips.us-gov-west-1.amazonaws.com", True),
        ("amazon", "https://a1b2c3.execute-api.us-east-1.amazonaws.com/stage", False),
        ("amazon", "https://ec2-192-0-2-1.compute-1.amazonaws.com", False),
        ("amazon", "https://translate-1.us-east-1.elb.amazonaws.com", False),
        ("amazon", "https://translate.s3.amazonaws.com", False),
        ("amazon", "https://translate.s3-us-west-2.amazonaws.com", False),
        ("amazon", "https://translate.us-east-1.amazonaws.com.evil.example", False),
        ("google", "https://translate-eu.googleapis.com", True),
        ("google", "https://storage.googleapis.com/bucket", False),
    ],
)
def test_a_host_that_a_vendors_customer_may_have_is_not_the_vendors(name: str, url: str, sent: bool) -> None:
    pytest.importorskip("tenacity")
    assert (engine_of_spec(name, {"endpoint": url}).withheld == "") is sent  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("allowed", "url", "sent"),
    [
        ("llm.example.org", "https://llm.example.org/v1", True),
        ("llm.example.org", "https://LLM.example.org:8443/v1", True),
        ("llm.example.org:8443", "https://llm.example.org:8443/v1", True),
        ("llm.example.org:8443", "https://llm.example.org/v1", False),
        ("llm.example.org", "http://llm.example.org/v1", False),
        ("http://llm.example.org", "http://llm.example.org/v1", True),
        ("http://llm.example.org", "https://llm.example.org/v1", False),
        ("other.example.org,llm.example.org", "https://llm.example.org/v1", True),
        ("example.org", "https://llm.example.org/v1", False),
        ("localhost", "http://localhost:8000/v1", True),
        ("localhost", "http://localhost.evil.example:8000/v1", False),
        ("[::1]", "http://[::1]:8000/v1", True),
    ],
)
def test_what_is_allowed_is_sent_a_key(allowed: str, url: str, sent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS, allowed)
    assert (Address(url, OWN, trusted=False).withheld == "") is sent


def test_without_encryption_a_key_leaves_this_machine_for_none_but_who_is_allowed_so() -> None:
    assert address("http://10.0.0.5:8000", "", trusted=True, engine="llm").withheld.endswith(
        "use https, or allow it with --allow-host http://10.0.0.5:8000"
    )
    assert address("http://127.0.0.1:8000", "", trusted=True, engine="llm").withheld == ""


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("localhost:8000", True),
        ("127.0.0.1:8000", True),
        ("127.8.9.1", True),
        ("[::1]:8000", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.1", False),
        ("0.0.0.0:80", False),
        ("2130706433", False),
        ("api.deepl.com", False),
        (UNNAMED, False),
        ("", False),
    ],
)
def test_what_this_machine_is(host: str, local: bool) -> None:
    assert is_local(host) is local


@pytest.mark.parametrize("name", ["api_key", "auth_key", "apikey", "key", "secret", "password", "access_token"])
@pytest.mark.parametrize("registered", ["llm", "deepl", "echo", "amazon"])
def test_an_option_that_is_a_secret_names_the_variable_and_not_the_value(name: str, registered: str) -> None:
    with pytest.raises(ConfigError, match=rf"the option {name} would hold a secret.*environment$") as raised:
        engine(registered, **{name: "sk-s3cret"})
    assert "s3cret" not in str(raised.value)


def test_a_key_in_place_of_its_variable_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match="takes the name of an environment variable, not a key") as raised:
        engine_of_spec("llm", {"model": "m", "key_variable": "sk-s3cret-0123"})
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("name", ["target_token", "max_tokens", "key_variable", "tags", "url", "model", "monkey"])
def test_other_options_are_not_taken_for_secrets(name: str) -> None:
    check_options("llm", {name: "OPENAI_API_KEY"}, ())


class Plugged(EchoEngine):
    """An engine of another package that has an address, and says nothing of where it sends texts."""

    def __init__(self, *, url: str = "", api_key: str = "", name: str = "plugged") -> None:
        super().__init__(name=name)
        self.given = url, api_key


class Open(Plugged):
    """One that says it."""

    host = "translate.example.org"


def test_an_engine_of_another_package_says_its_host_or_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint(name, f"{__name__}:{name}", registry.GROUP) for name in ("Plugged", "Open")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert host_of(engine("Plugged")) == UNNAMED
    assert host_of(engine("Open")) == "translate.example.org"
    assert host_of(engine("echo")) == ""
    with pytest.raises(ConfigError, match="api_key would hold a secret"):
        engine("Plugged", api_key="s3cret")
    with pytest.raises(ConfigError, match=r"host\.example is named by a spec"):
        engine_of_spec("Plugged", {"url": "https://host.example"})
    monkeypatch.setenv(HOSTS, "host.example")
    assert engine_of_spec("Plugged", {"url": "https://host.example"}).given == ("https://host.example", "")  # type: ignore[attr-defined]


def test_allowing_adds_to_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS, "one.example")
    monkeypatch.delenv(KEYS, raising=False)
    allow(["two.example", "http://three.example:81"], ["MY_KEY"])
    assert (os.environ[HOSTS], os.environ[KEYS]) == ("one.example two.example http://three.example:81", "MY_KEY")
    with pytest.raises(ConfigError, match="--allow-host must start with"):
        allow(["two example"], [])
    with pytest.raises(ConfigError, match="--allow-key takes the name"):
        allow([], ["sk-s3cret"])
    monkeypatch.delenv(KEYS)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=40), st.integers(0, 4))
def test_no_message_has_a_key_however_it_is_written(secret: str, before: int) -> None:
    coded = b64encode(b"u" * before + secret.encode()).decode()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("A_KEY", f" {secret} ")
        for written in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]):
            assert one_line(f"[{written}]", ["A_KEY"]) == "[***]"
        shown = one_line(f"[{coded}]", ["A_KEY"])
        assert len(shown) < len(coded) and "***" in shown
