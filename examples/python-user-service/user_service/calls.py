"""Around every call: errors become statuses, and one line is logged at its end."""

import asyncio
import logging
import re
import time
import uuid

import grpc

from user_service import metrics, tracing
from user_service.errors import ApiError
from user_service.health import SERVICE

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_NAMES = {code: "".join(word.capitalize() for word in code.name.split("_")) for code in grpc.StatusCode} | {
    grpc.StatusCode.OK: "OK"
}
_LEVELS = {grpc.StatusCode.INTERNAL: logging.ERROR, grpc.StatusCode.UNAVAILABLE: logging.WARNING}
_log = logging.getLogger(__name__)


class Calls(grpc.aio.ServerInterceptor):
    def __init__(self):
        self.running = 0
        self.none_running = asyncio.Event()
        self.none_running.set()

    async def intercept_service(self, continuation, details):
        handler = await continuation(details)
        if handler is None or not details.method.startswith(f"/{SERVICE}/"):
            return handler
        if handler.response_streaming:
            wrapped = self._stream(handler.unary_stream, details.method)
            make = grpc.unary_stream_rpc_method_handler
        else:
            wrapped = self._unary(handler.unary_unary, details.method)
            make = grpc.unary_unary_rpc_method_handler
        return make(wrapped, handler.request_deserializer, handler.response_serializer)

    def _unary(self, behavior, method: str):
        async def call(request, context):
            with _Call(self, method, context) as running:
                try:
                    return await behavior(request, context)
                except Exception as error:
                    await running.abort(error)

        return call

    def _stream(self, behavior, method: str):
        async def call(request, context):
            with _Call(self, method, context) as running:
                try:
                    async for message in behavior(request, context):
                        yield message
                except Exception as error:
                    await running.abort(error)

        return call


class _Call:
    """One call's record."""

    def __init__(self, calls: Calls, method: str, context: grpc.aio.ServicerContext):
        self._calls = calls
        self._context = context
        self._started = time.perf_counter()
        self._code = grpc.StatusCode.OK
        self._fields = {"request_id": _request_id(context), "method": method}
        if trace_id := tracing.name_call(method):
            self._fields["trace_id"] = trace_id

    async def abort(self, error: Exception) -> None:
        if not isinstance(error, ApiError):
            _log.error("call failed", exc_info=error, extra={"fields": {"request_id": self._fields["request_id"]}})
            error = ApiError(grpc.StatusCode.INTERNAL, "internal error")
        self._code = error.code
        self._fields["error"] = error.message
        await self._context.abort(error.code, error.message)

    def __enter__(self) -> "_Call":
        self._calls.running += 1
        self._calls.none_running.clear()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        if kind in (asyncio.CancelledError, GeneratorExit):
            self._code = grpc.StatusCode.CANCELLED
            self._fields["error"] = "cancelled or past its deadline"
        seconds = time.perf_counter() - self._started
        metrics.REQUESTS.labels(self._fields["method"], _NAMES[self._code]).inc()
        metrics.DURATION.labels(self._fields["method"]).observe(seconds)
        self._fields |= {"status": _NAMES[self._code], "duration_ms": round(seconds * 1000, 3)}
        _log.log(_LEVELS.get(self._code, logging.INFO), "call", extra={"fields": self._fields})
        self._calls.running -= 1
        if not self._calls.running:
            self._calls.none_running.set()


def _request_id(context: grpc.aio.ServicerContext) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == "x-request-id" and _REQUEST_ID.fullmatch(value):
            return value
    return str(uuid.uuid4())
