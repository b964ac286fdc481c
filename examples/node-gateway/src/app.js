// The HTTP server: request ids, logs, metrics, errors, probes; the users' routes are a plugin.

import { STATUS_CODES } from 'node:http';
import { randomUUID } from 'node:crypto';
import { context, trace } from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import Fastify from 'fastify';
import { usersRoutes } from './users.js';
import { ApiError } from './errors.js';

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
const HEALTH_CODES = { healthy: 200, degraded: 207, unhealthy: 503 };
const ALLOWED = [
  [/^\/api\/v1\/users$/, 'GET, POST'],
  [/^\/api\/v1\/users\/[^/]+$/, 'GET, PUT, DELETE'],
  [/^\/(health|ready|live)$/, 'GET'],
];

export function createApp({ logger, health, upstream, metrics }) {
  const app = Fastify({
    bodyLimit: 1024 * 1024,
    routerOptions: { maxParamLength: 4096 },
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    genReqId: (raw) => requestId(raw.headers['x-request-id']),
    frameworkErrors: answerError,
    clientErrorHandler: answerMalformed,
  });

  app.decorateRequest('left', null);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const left = new AbortController();
    request.left = left.signal;
    const route = request.routeOptions.url?.replace(':id', '{id}');
    if (route) nameSpan(route);
    const finish = metrics.begin(request.method, route);
    const trace_id = trace.getActiveSpan()?.spanContext().traceId;
    const started = performance.now();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) left.abort();
      const status = reply.raw.writableFinished ? reply.statusCode : 499;
      const duration = performance.now() - started;
      finish(status, duration);
      if (request.url.startsWith('/api/v1')) logRequest(request, status, duration, trace_id);
    });
  });

  function logRequest(request, status, duration_ms, trace_id) {
    const error = status >= 400 ? (request.failure ?? STATUS_CODES[status] ?? 'client closed request') : undefined;
    const level = status === 500 ? 'error' : status > 500 ? 'warn' : 'info';
    const path = request.url.split('?', 1)[0];
    const { id: request_id, method } = request;
    logger[level]({ request_id, trace_id, method, path, status, duration_ms, error }, 'request');
  }

  app.decorateRequest('failure', null);
  function answerError(error, request, reply) {
    const status = error.statusCode ?? 500;
    const expected = error instanceof ApiError || status < 500;
    if (!expected) logger.error({ request_id: request.id, cause: error.stack }, 'request failed');
    request.failure = expected ? error.message : 'internal server error';
    reply
      .code(expected ? status : 500)
      .headers({ 'x-request-id': request.id, ...error.headers })
      .send({ error: request.failure });
  }
  app.setErrorHandler(answerError);

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    const allowed = ALLOWED.find(([pattern]) => pattern.test(path))?.[1];
    if (allowed) throw new ApiError(405, 'method not allowed', { allow: allowed });
    throw new ApiError(404, 'not found');
  });

  app.get('/live', async () => ({ status: 'alive' }));
  app.get('/ready', async (_request, reply) => {
    const ready = await health.ready();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready' });
  });
  app.get('/health', async (_request, reply) => {
    const report = await health.report();
    return reply.code(HEALTH_CODES[report.status]).send(report);
  });
  app.register(usersRoutes(upstream), { prefix: '/api/v1' });
  return app;
}

/** Passes the route to the HTTP instrumentation. */
function nameSpan(route) {
  const metadata = getRPCMetadata(context.active());
  if (metadata) metadata.route = route;
}

function requestId(given) {
  return REQUEST_ID.test(given ?? '') ? given : randomUUID();
}

/** What is no HTTP. */
function answerMalformed(error, socket) {
  if (!socket.writable) return;
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const body = JSON.stringify({ error: STATUS_CODES[status].toLowerCase() });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n` +
      `X-Request-Id: ${randomUUID()}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}
