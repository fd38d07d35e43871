"""LibreTranslate is asked for the variant that is wanted, as the server lists it, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

import libretranslate_server
from crossfare.errors import ConfigError
from crossfare.translate import engine
from libretranslate_server import serving

pytest.importorskip("httpx")

NEW = ("en", "de", "pt", "pt-BR", "zh-Hans", "zh-Hant", "sr")
OLD = ("en", "de", "pt", "pb", "zh", "zt")
ONE = ("en", "de", "pt-BR", "zh-Hans")


def asked(monkeypatch: pytest.MonkeyPatch, offered: tuple[str, ...], target: str, **options: Any) -> str:
    """The code that the server is asked for; "" if it is not asked for a translation."""
    listed = [{"code": code, "name": code, "targets": [x for x in offered if x != code]} for code in offered]
    monkeypatch.setattr(libretranslate_server, "LANGUAGES", offered)
    monkeypatch.setattr(libretranslate_server, "LISTED", listed)
    with serving() as server:
        made: Any = engine("libretranslate", url=server.url, **options)
        try:
            made.translate(["one"], source="en", target=target)
        except ConfigError:
            assert not server.billed
            raise
        return str(server.billed[0].body["target"])


@pytest.mark.parametrize(
    ("offered", "target", "code"),
    [
        (NEW, "zh-TW", "zh-Hant"),
        (NEW, "zh-HK", "zh-Hant"),
        (NEW, "zh", "zh-Hans"),
        (NEW, "zh-CN", "zh-Hans"),
        (NEW, "pt-BR", "pt-BR"),
        (NEW, "pt-PT", "pt"),
        (OLD, "zh-TW", "zt"),
        (OLD, "zh-Hans", "zh"),
        (OLD, "pt-BR", "pb"),
        (ONE, "pt", "pt-BR"),
        (ONE, "de-CH", "de"),
    ],
)
def test_zh_hant_libretranslate(
    monkeypatch: pytest.MonkeyPatch, offered: tuple[str, ...], target: str, code: str
) -> None:
    assert asked(monkeypatch, offered, target) == code


@pytest.mark.parametrize(
    ("offered", "target", "known"),
    [
        (ONE, "zh-TW", "of zh it has zh-Hans"),
        (ONE, "pt-PT", "of pt it has pt-BR"),
        (NEW, "sr-Latn", "of sr it has sr"),
        (OLD, "fr", "it has de, pb, pt, zh, zt"),
    ],
)
def test_a_variant_that_the_server_has_not_is_an_error_that_lists_those_it_has(
    monkeypatch: pytest.MonkeyPatch, offered: tuple[str, ...], target: str, known: str
) -> None:
    with pytest.raises(ConfigError, match=f"does not translate en to {target}; {known}; .*option codes"):
        asked(monkeypatch, offered, target)


def test_the_user_may_name_the_code_if_the_server_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, ONE, "pt-PT", codes={"pt-PT": "pt-BR"}) == "pt-BR"
    with pytest.raises(ConfigError, match="of zh it has zh-Hans"):
        asked(monkeypatch, ONE, "zh-TW", codes={"zh-TW": "zt"})
