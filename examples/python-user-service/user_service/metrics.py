"""Metrics, by name as the contract has them."""

import asyncio
import logging

import asyncpg
import prometheus_client
from prometheus_client import Counter, Gauge, Histogram

from user_service.errors import ApiError

_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_QUERY_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
_INTERVAL = 2.0
_log = logging.getLogger(__name__)

prometheus_client.disable_created_metrics()

HTTP_REQUESTS = Counter("http_requests_total", "HTTP requests.", ["method", "path", "status"])
HTTP_DURATION = Histogram(
    "http_request_duration_seconds", "Time to answer an HTTP request.", ["method", "path"], buckets=_REQUEST_BUCKETS
)
HTTP_IN_FLIGHT = Gauge("http_requests_in_flight", "HTTP requests that run.")
REQUESTS = Counter("grpc_requests_total", "Calls.", ["method", "status"])
DURATION = Histogram("grpc_request_duration_seconds", "Time of a call.", ["method"], buckets=_REQUEST_BUCKETS)
CREATED = Counter("users_created_total", "Creates that this process acknowledged.")
ACTIVE = Gauge("active_users", "Users with status ACTIVE, of all instances.")
CONNECTIONS = Gauge("db_connections_open", "Open connections to the database.")
QUERY_DURATION = Histogram("db_query_duration_seconds", "Time of a query.", ["query"], buckets=_QUERY_BUCKETS)


async def watch_active(users) -> None:
    """Keeps ACTIVE up to date until cancelled."""
    while True:
        try:
            ACTIVE.set(await users.count_active())
        except (ApiError, asyncpg.PostgresError) as error:
            _log.debug("active users cannot be counted: %s", error)
        await asyncio.sleep(_INTERVAL)
