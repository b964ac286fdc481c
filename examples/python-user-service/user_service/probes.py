"""HTTP: /live, /ready and /health on PORT, /metrics on METRICS_PORT."""

import time

import prometheus_client
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as _PLAIN

from user_service.health import Health
from user_service.metrics import HTTP_DURATION, HTTP_IN_FLIGHT, HTTP_REQUESTS

_CODES = {"healthy": 200, "degraded": 207, "unhealthy": 503}
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"))


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

    app = web.Application(middlewares=[_count])
    app.add_routes([web.get("/live", live), web.get("/ready", ready), web.get("/health", report)])
    return app


@web.middleware
async def _count(request: web.Request, handler):
    resource = request.match_info.route.resource
    method = request.method if request.method in _METHODS else "other"
    path = resource.canonical if resource else "unknown"
    status = 500
    started = time.perf_counter()
    with HTTP_IN_FLIGHT.track_inprogress():
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as refusal:
            status = refusal.status
            raise
        finally:
            HTTP_REQUESTS.labels(method, path, status).inc()
            HTTP_DURATION.labels(method, path).observe(time.perf_counter() - started)


def metrics() -> web.Application:
    async def scrape(_request):
        return web.Response(body=prometheus_client.generate_latest(), headers={"Content-Type": _PLAIN})

    app = web.Application()
    app.add_routes([web.get("/metrics", scrape)])
    return app
