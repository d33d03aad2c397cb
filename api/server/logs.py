"""Logs: one JSON object a line on standard error, without any text to code."""

import json
import logging
import logging.config
import time
from typing import Any

import orjson

from api.security.keys import hide_keys


class JsonFormatter(logging.Formatter):
    """One line of JSON for each record; its `facts` stand beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return hide_keys(_render(line))


def configure_logs() -> None:
    """Send every record of this process, and of those forked from it, to standard error."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": "INFO"},
        }
    )


def _render(line: dict[str, Any]) -> str:
    """Return JSON in which nothing moves a terminal, nor ends a line for any reader of logs."""
    try:
        rendered = orjson.dumps(line, default=str).decode()
    except orjson.JSONEncodeError:  # Halves of surrogate pairs, as names of files may have.
        rendered = ""
    if rendered.isprintable() and rendered:
        return rendered
    return json.dumps(line, default=str).replace("\x7f", "\\u007f")


def _utc(seconds: float) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{moment}.{int(1000 * (seconds % 1)):03d}Z"
