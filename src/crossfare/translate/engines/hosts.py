"""Where an engine's texts and its key go, and on whose word.

A key goes to the vendor's own hosts, and to where the user says: by an environment variable (``OPENAI_BASE_URL``), by
an option on the command line or in Python, or by allowing a host. A spec is data from somewhere: a host that it names
is sent texts, once somebody agreed, but no key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from crossfare.errors import ConfigError, EngineCredential

HOSTS = "CROSSFARE_ALLOWED_HOSTS"
"""Hosts that may be sent an engine's key, beside its vendor's own; separated by blanks."""
KEYS = "CROSSFARE_ALLOWED_KEYS"
"""Environment variables that a spec may name as an engine's key, beside the engine's own; separated by blanks."""
UNNAMED = "a host that it does not name"

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]*:[0-9a-f:.]*")
_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SECRET = re.compile(
    r"(?:^|[_-])(?:key|apikey|authkey|secret|password|passwd|pwd|credentials?|authorization|signature|sig)$"
    r"|(?:api|auth|access|bearer|secret|session)[_-]?token$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine's requests go.

    ``url``       None for the vendor's own, as the SDK finds it
    ``own``       the vendor's hosts; one that starts with a dot stands for all below it, REGION for a region's name
    ``trusted``   whether the user named it, not a spec
    """

    url: str | None
    own: tuple[str, ...] = ()
    trusted: bool = True

    @property
    def host(self) -> str:
        """The host, with its port where it is not the usual one; empty for the vendor's own."""
        return _shown(urlsplit(self.url)) if self.url else ""

    @property
    def withheld(self) -> str:
        """Why no key goes there; empty if one may."""
        if self.url is None:
            return ""
        parts = urlsplit(self.url)
        encrypted = parts.scheme == "https" or is_local(self.host)
        if _allowed(parts, encrypted) or (encrypted and (self.trusted or self._is_own(parts))):
            return ""
        if self.trusted or self._is_own(parts):
            plain = f"http://{self.host}"
            return f"{self.host} is sent no key without encryption: use https, or allow it with --allow-host {plain}"
        return f"{self.host} is named by a spec, and so is sent no key: allow it with --allow-host {self.host}"

    def _is_own(self, parts: SplitResult) -> bool:
        named = any(_pattern(own).fullmatch(parts.hostname or "") for own in self.own)
        return named and parts.scheme == "https" and parts.port in (None, 443)


def _pattern(own: str) -> re.Pattern[str]:
    below = "[a-z0-9.-]+" if own.startswith(".") else ""
    return re.compile(below + re.escape(own).replace("REGION", _REGION))


def address(option: str | None, variable: str, own: tuple[str, ...] = (), *, trusted: bool, engine: str) -> Address:
    """The address that an option names, or else an environment variable, which is always the user's own.

    Raises:
        ConfigError: it is none, or holds a secret.
    """
    if option is not None:
        return Address(checked_url(option, f"engine {engine!r}: the url"), own, trusted)
    given = os.environ.get(variable, "").strip() if variable else ""
    return Address(checked_url(given, f"engine {engine!r}: ${variable}") if given else None, own)


def checked_url(url: str, what: str) -> str:
    """An address, as it is.

    Raises:
        ConfigError: it is none, or holds a secret; it is not repeated.
    """
    try:
        parts = urlsplit(url) if url.isascii() and not re.search(r"[\s\\\x00-\x1f\x7f]", url) else None
        port = parts.port if parts else None
    except ValueError:
        parts = port = None
    if parts is None or parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise ConfigError(f"{what} must start with http:// or https:// and name a host, in ASCII")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ConfigError(
            f"{what} must hold no secrets, and neither a user nor a query: keys are set in the environment"
        )
    if not _HOST.fullmatch(parts.hostname):
        raise ConfigError(f"{what} must start with http:// or https:// and name a host, in ASCII")
    return url


def check_options(engine: str, options: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Refuse options that are secrets, or hold some; nothing of them is repeated.

    Args:
        engine: its registered name.
        options: as a spec, the command line or Python gives them.
        keys: the environment variables that the engine reads.

    Raises:
        ConfigError: an option is a secret.
    """
    where = f"set {' and '.join(keys)} in the environment" if keys else "it is read from the environment"
    for name, value in options.items():
        if _SECRET.search(str(name)):
            raise ConfigError(f"engine {engine!r}: the option {name} would hold a secret, which is no option: {where}")
        if str(name).endswith("variable") and not _VARIABLE.fullmatch(str(value)):
            raise ConfigError(
                f"engine {engine!r}: the option {name} takes the name of an environment variable, not a key: {where}"
            )
        if isinstance(value, str) and _holds_secret(value):
            raise ConfigError(f"engine {engine!r}: the option {name} must hold no secrets in its address: {where}")


def check_key_variable(engine: str, variable: str, keys: Sequence[str]) -> None:
    """Refuse a variable that a spec names as a key, unless it is the engine's own, or allowed.

    Raises:
        ConfigError: it is another.
    """
    if variable not in (*keys, *os.environ.get(KEYS, "").split()):
        raise ConfigError(
            f"engine {engine!r}: a spec may not have the variable {variable} sent, which is not the engine's own "
            f"({', '.join(keys)}): allow it with --allow-key {variable}"
        )


def check_hosts(engine: str, options: Mapping[str, Any]) -> None:
    """Refuse addresses that a spec names, unless their hosts are allowed.

    Raises:
        ConfigError: one is not.
    """
    for name, value in options.items():
        if isinstance(value, str) and "://" in value:
            found = Address(checked_url(value, f"engine {engine!r}: the option {name}"), trusted=False)
            if found.withheld:
                raise ConfigError(f"engine {engine!r}: {found.withheld}")


def allow(hosts: Sequence[str], keys: Sequence[str]) -> None:
    """Allow hosts to be sent keys, and variables to be named as keys, in this process and those it starts.

    Raises:
        ConfigError: something is neither a host, such as api.example.org, nor the name of a variable.
    """
    for host in hosts:
        checked_url(host if "://" in host else f"https://{host}", "--allow-host")
    for key in keys:
        if not _VARIABLE.fullmatch(key):
            raise ConfigError("--allow-key takes the name of an environment variable")
    for variable, more in ((HOSTS, hosts), (KEYS, keys)):
        if more:
            os.environ[variable] = " ".join([*os.environ.get(variable, "").split(), *more])


def host_of(engine: object) -> str:
    """Where an engine's texts go; empty for one that works in this process."""
    ours = type(engine).__module__.startswith("crossfare.")
    return str(getattr(engine, "host", "" if ours else UNNAMED))


def leaves(host: str) -> bool:
    """Whether texts sent to a host leave this machine."""
    return bool(host) and not is_local(host)


def is_local(host: str) -> bool:
    """Whether a host is this machine: localhost, or a loopback address."""
    name = urlsplit(f"//{host}").hostname if " " not in host else None
    try:
        return name == "localhost" or ip_address(name or "").is_loopback
    except ValueError:
        return False


def check_key(engine: object) -> None:
    """Fail early where an engine's key may not go where its texts do.

    Raises:
        EngineCredential: it cannot do without one.
    """
    if getattr(engine, "needs_key", False) and (why := getattr(engine, "withheld", "")):
        raise EngineCredential(f"engine {getattr(engine, 'name', '')!r}: {why}")


def _shown(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS[parts.scheme]) else f"{host}:{parts.port}"


def _allowed(parts: SplitResult, encrypted: bool) -> bool:
    """Whether the user allowed a host; one without encryption only by naming it with http://."""
    for text in os.environ.get(HOSTS, "").replace(",", " ").split():
        given = urlsplit(text if "://" in text else f"//{text}")
        try:
            same = given.hostname == parts.hostname and given.port in (None, parts.port or _PORTS[parts.scheme])
        except ValueError:
            continue
        if same and given.scheme in ("", parts.scheme) and (encrypted or given.scheme == "http"):
            return True
    return False


def _holds_secret(text: str) -> bool:
    """Whether a text is an address with a user, a password or a key in it."""
    if "://" not in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return "@" in parts.netloc or any(
        _SECRET.search(name) or name == "token" for name, _ in parse_qsl(parts.query, keep_blank_values=True)
    )
