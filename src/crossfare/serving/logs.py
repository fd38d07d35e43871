"""What a server writes down: one line for each event, bounded, with no text of anybody and no control characters."""

from __future__ import annotations

import logging
import time
from typing import Any

MOST = 300
"""Characters of a line."""


class OneLine(logging.Formatter):
    """Day, time, level and message in one line of printable ASCII; of an exception its kind and place."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        said = record.getMessage()
        if record.exc_info and (error := record.exc_info[1]):
            said = f"{said.splitlines()[0] if said else 'failed'}: {kind_and_place(error)}"
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = ascii(f"{when}Z {record.levelname}: {said}")[1:-1]
        return line if len(line) <= MOST else f"{line[: MOST - 4]} ..."


def kind_and_place(error: BaseException) -> str:
    """What an error is and where it arose: its message may repeat a text, this cannot."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "an unknown place" if trace is None else f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
    return f"{type(error).__name__} in {place}"


def configuration() -> dict[str, Any]:
    """How logging is set up: warnings of the server and of what it stands on go to standard error."""
    to_stderr = {"handlers": ["stderr"], "level": "WARNING", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": OneLine}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": dict.fromkeys(("crossfare", "uvicorn", "asyncio"), to_stderr),
    }
