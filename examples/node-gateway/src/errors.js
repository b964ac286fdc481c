// Errors that a client sees, and how gRPC's statuses become them.

import { status } from '@grpc/grpc-js';

export class ApiError extends Error {
  constructor(statusCode, message, headers = {}) {
    super(message);
    this.statusCode = statusCode;
    this.headers = headers;
  }
}

// [HTTP status, message]: without a message, the upstream's own.
const STATUSES = new Map([
  [status.INVALID_ARGUMENT, [400]],
  [status.OUT_OF_RANGE, [400]],
  [status.UNAUTHENTICATED, [401]],
  [status.PERMISSION_DENIED, [403]],
  [status.NOT_FOUND, [404]],
  [status.ALREADY_EXISTS, [409]],
  [status.ABORTED, [409]],
  [status.FAILED_PRECONDITION, [412]],
  [status.RESOURCE_EXHAUSTED, [429]],
  [status.CANCELLED, [499]],
  [status.UNIMPLEMENTED, [501]],
  [status.UNAVAILABLE, [503, 'service unavailable']],
  [status.DEADLINE_EXCEEDED, [504, 'upstream timeout']],
]);

export function fromGrpc(error) {
  const [statusCode, message] = STATUSES.get(error.code) ?? [500, 'internal server error'];
  return new ApiError(statusCode, message ?? (error.details || 'request failed'));
}
