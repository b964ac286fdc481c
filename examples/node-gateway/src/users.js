// The routes under /api/v1, and how users look in JSON.

import { ApiError } from './errors.js';

const STATUSES = ['USER_STATUS_UNSPECIFIED', 'USER_STATUS_ACTIVE', 'USER_STATUS_INACTIVE', 'USER_STATUS_SUSPENDED'];
const text = { type: 'string', nullable: true };
const metadata = { type: 'object', nullable: true, additionalProperties: { type: 'string' } };
const createBody = { type: 'object', properties: { email: text, name: text, password: text, metadata } };
const updateBody = { type: 'object', properties: { email: text, name: text, status: text, metadata } };

export function usersRoutes(upstream) {
  return async (app) => {
    const call = (request, method, message, retry) =>
      upstream.call(method, message, { requestId: request.id, signal: request.left, retry });

    app.get('/users', async (request) => {
      const answer = await call(request, 'ListUsers', listRequest(request.query), true);
      return {
        users: answer.users.map(toJson),
        next_page_token: answer.next_page_token,
        total_count: answer.total_count,
      };
    });

    app.post('/users', { schema: { body: createBody } }, async (request, reply) => {
      const { email, name, password, metadata } = wellFormed(request.body);
      const answer = await call(request, 'CreateUser', { email, name, password, metadata });
      reply.code(201);
      return { user: toJson(answer.user) };
    });

    app.get('/users/:id', async (request) => {
      const answer = await call(request, 'GetUser', { id: request.params.id }, true);
      return { user: toJson(answer.user) };
    });

    app.put('/users/:id', { schema: { body: updateBody } }, async (request) => {
      const { email, name, status, metadata } = wellFormed(request.body);
      if (status != null && !STATUSES.includes(status)) throw new ApiError(400, 'status is invalid');
      const answer = await call(request, 'UpdateUser', { id: request.params.id, email, name, status, metadata });
      return { user: toJson(answer.user) };
    });

    app.delete('/users/:id', async (request, reply) => {
      await call(request, 'DeleteUser', { id: request.params.id });
      reply.code(204);
    });
  };
}

function listRequest(query) {
  const { page_size, page_token, filter, order_by } = query;
  if ([page_size, page_token, filter, order_by].some(Array.isArray)) throw new ApiError(400, 'a parameter is repeated');
  return { page_size: pageSize(page_size), page_token, filter, order_by };
}

function pageSize(text) {
  if (!text) return 0;
  const number = /^-?[0-9]+$/.test(text) ? Number(text) : NaN;
  if (number !== (number | 0)) throw new ApiError(400, 'page_size is invalid');
  return number;
}

/** A lone surrogate has no UTF-8. */
function wellFormed(body) {
  const { metadata, ...texts } = body;
  const all = [...Object.values(texts), ...Object.entries(metadata ?? {}).flat()];
  if (all.some((value) => typeof value === 'string' && !value.isWellFormed())) {
    throw new ApiError(400, 'the body is not Unicode text');
  }
  return body;
}

function toJson(user) {
  return { ...user, created_at: timestamp(user.created_at), updated_at: timestamp(user.updated_at) };
}

function timestamp({ seconds, nanos }) {
  return new Date(Number(seconds) * 1000 + Math.floor(nanos / 1e6)).toISOString();
}
