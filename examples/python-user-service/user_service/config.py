"""Settings: everything comes from the environment and is checked once, at start."""

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


class ConfigError(Exception):
    """A variable with a value that cannot be used."""


def duration(text: str) -> float:
    """Seconds of `500ms`, `5s`, `2m`, `1h`."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", text)
    if not match:
        raise ValueError("not a duration such as 500ms or 5s")
    return float(match[1]) * _UNITS[match[2]]


def port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise ValueError("not a port")
    return number


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("less than 1")
    return number


def ratio(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError("not a number from 0 to 1")
    return number


def url(*schemes: str):
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or parts.port == 0:  # a port that is no number raises
            raise ValueError(f"not a URL of {schemes[0]}")
        return text

    return parse


def optional(parse):
    return lambda text: parse(text) if text else None


def one_of(*values: str):
    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(f"not one of {', '.join(values)}")
        return text

    return parse


def names(text: str) -> frozenset[str]:
    return frozenset() if text == "none" else frozenset(name.strip() for name in text.split(","))


def log_level(text: str) -> str:
    return text.upper() if text in ("debug", "info", "warn", "error") else "INFO"


@dataclass(frozen=True)
class Config:
    port: int
    metrics_port: int
    grpc_port: int
    database_url: str
    database_max_connections: int
    redis_url: str
    log_level: str
    log_format: str
    service_name: str
    service_version: str
    environment: str
    otel_exporter_otlp_endpoint: str | None
    otel_traces_sampler_arg: float
    otel_bsp_schedule_delay: int
    health_cache_ttl: float
    health_check_timeout: float
    health_optional: frozenset[str]
    shutdown_timeout: float
    request_timeout: float
    grpc_max_connection_idle: float
    grpc_max_connection_age: float
    grpc_max_connection_age_grace: float
    grpc_keepalive_time: float
    grpc_keepalive_timeout: float
    grpc_keepalive_min_time: float


_SETTINGS = {
    "PORT": (port, "8080"),
    "METRICS_PORT": (port, "9090"),
    "GRPC_PORT": (port, "50051"),
    "DATABASE_URL": (url("postgres", "postgresql"), "postgres://localhost/mydb"),
    "DATABASE_MAX_CONNECTIONS": (positive, "10"),
    "REDIS_URL": (url("redis", "rediss"), "redis://localhost:6379"),
    "LOG_LEVEL": (log_level, "info"),
    "LOG_FORMAT": (one_of("json", "text"), "json"),
    "SERVICE_NAME": (str, "user-service"),
    "SERVICE_VERSION": (str, "0.1.0"),
    "ENVIRONMENT": (str, "development"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": (optional(url("http", "https")), ""),
    "OTEL_TRACES_SAMPLER_ARG": (ratio, "1"),
    "OTEL_BSP_SCHEDULE_DELAY": (positive, "5000"),
    "HEALTH_CACHE_TTL": (duration, "5s"),
    "HEALTH_CHECK_TIMEOUT": (duration, "5s"),
    "HEALTH_OPTIONAL": (names, "redis"),
    "SHUTDOWN_TIMEOUT": (duration, "30s"),
    "REQUEST_TIMEOUT": (duration, "5s"),
    "GRPC_MAX_CONNECTION_IDLE": (duration, "15m"),
    "GRPC_MAX_CONNECTION_AGE": (duration, "30m"),
    "GRPC_MAX_CONNECTION_AGE_GRACE": (duration, "5s"),
    "GRPC_KEEPALIVE_TIME": (duration, "5m"),
    "GRPC_KEEPALIVE_TIMEOUT": (duration, "1s"),
    "GRPC_KEEPALIVE_MIN_TIME": (duration, "5m"),
}


def load() -> Config:
    """The settings; an unset or empty variable takes its default."""
    values = {}
    for name, (parse, default) in _SETTINGS.items():
        try:
            values[name.lower()] = parse(os.environ.get(name) or default)
        except ValueError:
            # The value stays out of the message: it may hold a password.
            raise ConfigError(f"{name} has a value that cannot be used") from None
    return Config(**values)
