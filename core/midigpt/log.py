"""How much midigpt says on standard error.

One logger, ``midigpt``, for the whole package; its modules log to children of it. The level comes
from the environment variable ``MIDIGPT_LOG_LEVEL`` (a name or a number of :class:`LogLevel`) when
the package is imported, WARNING without it.
"""

from __future__ import annotations

import logging
import os
from enum import IntEnum


class LogLevel(IntEnum):
    """Verbosity, from silent to everything."""

    OFF = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    DEBUG = 4
    TRACE = 5


_LOGGING_LEVELS = {
    LogLevel.OFF: logging.CRITICAL + 10,
    LogLevel.ERROR: logging.ERROR,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.INFO: logging.INFO,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.TRACE: logging.DEBUG - 5,
}


def set_verbosity(level: LogLevel | int) -> None:
    """Say everything up to ``level``: OFF 0, ERROR 1, WARNING 2, INFO 3, DEBUG 4, TRACE 5.

    Raises:
        ValueError: no such level.
    """
    logging.getLogger("midigpt").setLevel(_LOGGING_LEVELS[_log_level(level)])


def _log_level(value: int | str) -> LogLevel:
    text = str(value).upper() if isinstance(value, str) else value
    if text in LogLevel.__members__:
        return LogLevel[str(text)]
    try:
        return LogLevel(int(text))
    except ValueError:
        names = ", ".join(f"{level.name} ({level.value})" for level in LogLevel)
        raise ValueError(f"log level is {value!r}; one of {names} is wanted") from None


def _configure() -> None:
    """Apply the environment's level; a wrong one is reported, as it must not stop an import."""
    value = os.environ.get("MIDIGPT_LOG_LEVEL") or "WARNING"
    try:
        set_verbosity(_log_level(value))
    except ValueError as error:
        set_verbosity(LogLevel.WARNING)
        logging.getLogger("midigpt").warning("MIDIGPT_LOG_LEVEL: %s", error)


_configure()
