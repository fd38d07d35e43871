"""Mojibake, text that was decoded with the wrong table ("dâ€™oro" for "d’oro"): found and repaired only on request."""

from __future__ import annotations

from collections.abc import Callable

from crossfare.errors import ConfigError


def encoding_repair() -> Callable[[str], str]:
    """The function that repairs mojibake in a text (ftfy's ``fix_encoding``) and changes nothing else.

    Quotation marks, ligatures, widths and HTML entities stay as they are.

    Raises:
        ConfigError: the package ftfy is not installed.
    """
    try:
        import ftfy
    except ImportError as error:
        raise ConfigError(
            "fix_encoding needs the package 'ftfy'; install it with: pip install 'crossfare[encoding]'"
        ) from error
    return lambda text: text if text.isascii() else ftfy.fix_encoding(text)
