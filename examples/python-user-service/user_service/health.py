"""Health: the components are checked in the background, once in HEALTH_CACHE_TTL; answers are the last report."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as grpc_health

from user_service.config import Config

SERVICE = "user.v1.UserService"
_log = logging.getLogger(__name__)


class Health:
    def __init__(self, config: Config, checks: dict[str, Callable[[], Awaitable[object]]]):
        self._config = config
        self._checks = checks
        self._report: dict | None = None
        self._first = asyncio.Event()
        self._draining = False
        self.grpc = grpc_health.HealthServicer()

    async def report(self) -> dict:
        await self._first.wait()
        return self._report

    async def ready(self) -> bool:
        return not self._draining and (await self.report())["status"] != "unhealthy" and not self._draining

    async def drain(self) -> None:
        self._draining = True
        await self.grpc.enter_graceful_shutdown()

    async def run(self) -> None:
        """Checks until cancelled."""
        await self._announce(False)
        while True:
            components = await asyncio.gather(*(self._check(name, check) for name, check in self._checks.items()))
            self._report = {
                "status": _worst(component["status"] for component in components),
                "components": components,
                "version": self._config.service_version,
                "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            }
            self._first.set()
            await self._announce(self._report["status"] != "unhealthy")
            await asyncio.sleep(max(0.05, self._config.health_cache_ttl))

    async def _check(self, name: str, check: Callable[[], Awaitable[object]]) -> dict:
        started = time.perf_counter()
        error = None
        try:
            async with asyncio.timeout(self._config.health_check_timeout):
                await check()
        except TimeoutError:
            error = "timed out"
        except Exception as cause:
            # The driver's own words may hold the connection string.
            _log.debug("%s is not healthy: %r", name, cause)
            error = "not reachable"
        component = {"name": name, "status": "healthy", "latency_ms": round((time.perf_counter() - started) * 1000, 3)}
        if error:
            component["status"] = "degraded" if name in self._config.health_optional else "unhealthy"
            component["error"] = error
        return component

    async def _announce(self, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", SERVICE):
            await self.grpc.set(service, status)


def _worst(statuses) -> str:
    return max(statuses, key=["healthy", "degraded", "unhealthy"].index)
