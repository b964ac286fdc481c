"""HTTP: /live, /ready and /health on PORT, /metrics on METRICS_PORT."""

import prometheus_client
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as _PLAIN

from user_service.health import Health

_CODES = {"healthy": 200, "degraded": 207, "unhealthy": 503}


def probes(health: Health) -> web.Application:
    async def live(_request):
        return web.json_response({"status": "alive"})

    async def ready(_request):
        if await health.ready():
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "not ready"}, status=503)

    async def report(_request):
        answer = await health.report()
        return web.json_response(answer, status=_CODES[answer["status"]])

    app = web.Application()
    app.add_routes([web.get("/live", live), web.get("/ready", ready), web.get("/health", report)])
    return app


def metrics() -> web.Application:
    async def scrape(_request):
        return web.Response(body=prometheus_client.generate_latest(), headers={"Content-Type": _PLAIN})

    app = web.Application()
    app.add_routes([web.get("/metrics", scrape)])
    return app
