"""Logs: one event a line on stdout, as JSON or as key=value."""

import json
import logging
import sys
from datetime import UTC, datetime

_LEVELS = {"WARNING": "WARN", "CRITICAL": "ERROR"}
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+@")


def _event(record: logging.LogRecord) -> dict:
    event = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
        "level": _LEVELS.get(record.levelname, record.levelname),
        "msg": record.getMessage(),
    }
    if logging.getLogger().level <= logging.DEBUG:
        event["source"] = f"{record.filename}:{record.lineno}"
    event |= getattr(record, "fields", {})
    if record.exc_info:
        event["exception"] = logging.Formatter().formatException(record.exc_info)
    return event


class JsonFormatter(logging.Formatter):
    def format(self, record):
        return json.dumps(_event(record), default=str)


class TextFormatter(logging.Formatter):
    def format(self, record):
        return " ".join(f"{key}={_value(value)}" for key, value in _event(record).items())


def _value(value) -> str:
    text = str(value)
    return text if text and _BARE.issuperset(text) else json.dumps(text)


def configure(level: str, style: str | None) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(TextFormatter() if style == "text" else JsonFormatter())
    logging.basicConfig(level=logging.WARNING if level == "WARN" else level, handlers=[handler], force=True)
