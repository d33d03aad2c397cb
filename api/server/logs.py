"""Logs: one JSON object a line on standard error, without any text to code."""

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
        return hide_keys(orjson.dumps(line, default=str).decode())


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


def _utc(seconds: float) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{moment}.{int(1000 * (seconds % 1)):03d}Z"
