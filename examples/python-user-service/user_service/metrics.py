"""Metrics, by name as the contract has them."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("grpc_requests_total", "Calls.", ["method", "status"])
DURATION = Histogram(
    "grpc_request_duration_seconds",
    "Time to answer.",
    ["method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
CREATED = Counter("users_created_total", "Creates that this process acknowledged.")
CONNECTIONS = Gauge("db_connections_open", "Open connections to the database.")
