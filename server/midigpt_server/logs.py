"""How the programs log: lines for people, or JSON objects for machines."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FORMATS = ("text", "json")
_PAIR = re.compile(r"(\w+)=('[^']*'|[^\s,]+)")
_TEXT = "%(asctime)s %(levelname)-7s %(name)s %(message)s"


class JsonFormatter(logging.Formatter):
    """One object a line: ``time`` (ISO 8601), ``level``, ``logger``, ``message``, ``exception``;
    and in ``data`` what the message says as ``key=value``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{record.msecs:03.0f}",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if data := dict(_PAIR.findall(line["message"])):
            line["data"] = data
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def set_up(level: str, form: str = "text") -> None:
    """Log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(_TEXT))
    # python-osc warns of each unknown type tag on the root logger: anybody could fill the log
    handler.addFilter(lambda record: not (record.name == "root" and "osc" in record.module))
    logging.basicConfig(level=level, handlers=[handler])
