"""The exception tree, ordered by what the caller can do about it.

    CrossfareError
    ├── ConfigError            fix the spec, the flag or the name
    │   └── Unready            fix what its lines name: they were found before anything was sent or trained
    ├── DataError              fix the file or the example named in the message
    ├── EngineError            a translation engine could not do its work
    │   ├── EngineUnavailable  install the extra, or choose another engine
    │   ├── EngineCredential   set the key in the environment
    │   ├── EngineQuota        wait, or raise the quota at the provider
    │   └── EngineTransient    try again: the request may succeed
    ├── PriceError             state the price: an unknown price is never zero
    ├── BudgetExceeded         raise the limit; what was done is kept
    └── StaleArtifact          delete the named artifact, it cannot be trusted

Every message is one line: what is wrong, in which item, what to do.
The command line prints it and exits with status 2.
"""

from __future__ import annotations

from collections.abc import Sequence


class CrossfareError(Exception):
    """Base class of every error crossfare raises on purpose."""


class ConfigError(CrossfareError):
    """A spec, a flag or a name is wrong."""


class Unready(ConfigError):
    """Several things keep a run from being started; ``problems`` has a line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class DataError(CrossfareError):
    """A data file is malformed or does not hold what was asked of it."""


class EngineError(CrossfareError):
    """A translation engine could not do its work."""


class EngineUnavailable(EngineError):
    """The engine's package or model is not installed."""


class EngineCredential(EngineError):
    """The engine's key is missing or was refused."""


class EngineQuota(EngineError):
    """The provider refuses further requests for now."""


class EngineTransient(EngineError):
    """A passing failure: the same request may succeed later."""


class PriceError(CrossfareError):
    """No price is known for something that was used."""


class BudgetExceeded(CrossfareError):
    """The next request would pass the spending limit."""


class StaleArtifact(CrossfareError):
    """A cached artifact does not match what its key promises."""
