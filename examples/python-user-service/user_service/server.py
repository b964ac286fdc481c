"""`serve`: the parts put together, started, and stopped in order."""

import asyncio
import logging
import signal
import time

import grpc
import redis.asyncio as redis
from aiohttp import web
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry.instrumentation.utils import suppress_instrumentation
from user.v1 import user_pb2_grpc

from user_service import metrics, probes
from user_service.calls import Calls
from user_service.config import Config, ConfigError
from user_service.database import Database
from user_service.feed import Feed
from user_service.health import SERVICE, Health
from user_service.service import UserService
from user_service.store import Users
from user_service.tracing import Tracing

_log = logging.getLogger(__name__)


async def serve(config: Config) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    tracing = Tracing(config)
    database = Database(config, config.database_max_connections)
    # Health checks and the feed do not wait for calls, nor calls for them.
    background = Database(config, 2)
    await database.open()
    await background.open()
    timeout = min(1.0, config.health_check_timeout)
    cache = redis.from_url(config.redis_url, socket_connect_timeout=timeout, socket_timeout=timeout)

    async def ask_database():
        async with background.connection("ping") as connection:
            await connection.fetchval("SELECT 1")

    metrics.CONNECTIONS.set_function(lambda: database.open_connections + background.open_connections)
    health = Health(config, {"database": ask_database, "redis": cache.ping})
    feed = Feed(background, cache)
    calls = Calls()
    server = _grpc_server(config, [*tracing.interceptors, calls], health, UserService(Users(database), feed))
    sites = [
        await _listen(probes.probes(health), "PORT", config.port),
        await _listen(probes.metrics(), "METRICS_PORT", config.metrics_port),
    ]
    await server.start()
    parts = (health.run(), feed.run(), feed.listen(), feed.sweep(), metrics.watch_active(Users(background)))
    with suppress_instrumentation():  # only calls are traced
        tasks = [asyncio.create_task(part) for part in parts]
    _log.info(
        "serving",
        extra={
            "fields": {
                "port": config.port,
                "grpc_port": config.grpc_port,
                "service": config.service_name,
                "version": config.service_version,
            }
        },
    )

    await stop.wait()
    _log.info("stopping")
    deadline = time.monotonic() + config.shutdown_timeout
    await _stop(config, server, health, feed, calls)
    for task in tasks:
        task.cancel()
    for site in sites:
        await site.cleanup()
    database.close()
    background.close()
    tracing.stop(max(0.3, deadline - time.monotonic()))


async def _stop(config: Config, server: grpc.aio.Server, health: Health, feed: Feed, calls: Calls) -> None:
    """No new calls; those that run get their time, those that only watch do not."""
    await health.drain()
    feed.close()
    stopping = asyncio.create_task(server.stop(config.shutdown_timeout))
    none_running = asyncio.create_task(calls.none_running.wait())
    await asyncio.wait((stopping, none_running), return_when=asyncio.FIRST_COMPLETED)
    none_running.cancel()
    await server.stop(0.2)
    await stopping


def _grpc_server(config: Config, interceptors: list, health: Health, service: UserService) -> grpc.aio.Server:
    def ms(seconds: float) -> int:
        return max(1, round(seconds * 1000))

    server = grpc.aio.server(
        interceptors=interceptors,
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_connection_idle_ms", ms(config.grpc_max_connection_idle)),
            ("grpc.max_connection_age_ms", ms(config.grpc_max_connection_age)),
            ("grpc.max_connection_age_grace_ms", ms(config.grpc_max_connection_age_grace)),
            ("grpc.keepalive_time_ms", ms(config.grpc_keepalive_time)),
            ("grpc.keepalive_timeout_ms", ms(config.grpc_keepalive_timeout)),
            ("grpc.http2.min_ping_interval_without_data_ms", ms(config.grpc_keepalive_min_time)),
        ],
    )
    user_pb2_grpc.add_UserServiceServicer_to_server(service, server)
    health_pb2_grpc.add_HealthServicer_to_server(health.grpc, server)
    reflection.enable_server_reflection((SERVICE, "grpc.health.v1.Health", reflection.SERVICE_NAME), server)
    try:
        server.add_insecure_port(f"[::]:{config.grpc_port}")
    except RuntimeError:
        raise ConfigError(f"GRPC_PORT {config.grpc_port} cannot be bound") from None
    return server


async def _listen(app: web.Application, variable: str, port: int) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
    except OSError:
        raise ConfigError(f"{variable} {port} cannot be bound") from None
    return runner
