// Calls of the user service: deadline, retries, breaker, cancellation.

import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { loadSync } from '@grpc/proto-loader';
import healthCheck from 'grpc-health-check';
import { BreakerOpen } from './breaker.js';
import { ApiError, fromGrpc } from './errors.js';

// By require: what is imported is instrumented only with a loader hook, which every start would pay for.
const grpc = createRequire(import.meta.url)('@grpc/grpc-js');
const PROTO = new URL('../../../proto/', import.meta.url).pathname;
const FAILURES = [grpc.status.UNAVAILABLE, grpc.status.DEADLINE_EXCEEDED, grpc.status.INTERNAL, grpc.status.UNKNOWN];

export class Upstream {
  constructor(config, breaker) {
    this.config = config;
    this.breaker = breaker;
    const definition = loadSync('user/v1/user.proto', {
      includeDirs: [PROTO],
      keepCase: true,
      longs: String,
      enums: String,
      defaults: true,
    });
    const { user } = grpc.loadPackageDefinition(definition);
    const Health = grpc.makeGenericClientConstructor(healthCheck.service, 'Health');
    const options = {
      'grpc.keepalive_time_ms': config.keepaliveTime,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
    };
    this.users = new user.v1.UserService(config.userService, grpc.credentials.createInsecure(), options);
    this.health = new Health(config.userService, grpc.credentials.createInsecure(), options);
  }

  /** Calls a method; `signal` aborts when the client leaves; `retry` is for reads only. */
  async call(method, message, { requestId, signal, retry = false }) {
    const deadline = Date.now() + this.config.requestTimeout;
    const metadata = new grpc.Metadata();
    metadata.set('x-request-id', requestId);
    for (let attempt = 1; ; attempt += 1) {
      const pass = this.#enter();
      try {
        const answer = await this.#try(method, message, metadata, { deadline, signal });
        this.breaker.succeeded(pass);
        return answer;
      } catch (error) {
        this.#count(pass, error, signal);
        const last = !retry || pass.trial || this.breaker.open || attempt >= this.config.retryMaxAttempts;
        const delay = this.config.retryBaseDelay * 2 ** (attempt - 1) * (0.5 + Math.random());
        if (last || error.code !== grpc.status.UNAVAILABLE || signal.aborted || Date.now() + delay >= deadline) {
          throw fromGrpc(error);
        }
        await pause(delay, undefined, { signal }).catch(() => {
          throw new ApiError(499, 'the client left');
        });
      }
    }
  }

  #enter() {
    try {
      return this.breaker.enter();
    } catch (error) {
      if (!(error instanceof BreakerOpen)) throw error;
      throw new ApiError(503, error.message, { 'retry-after': String(error.retryAfter) });
    }
  }

  #count(pass, error, signal) {
    if (signal.aborted) this.breaker.abandoned(pass);
    else if (FAILURES.includes(error.code)) this.breaker.failed(pass);
    else this.breaker.succeeded(pass);
  }

  #try(method, message, metadata, { deadline, signal }) {
    return new Promise((resolve, reject) => {
      const call = this.users[method](message, metadata, { deadline }, (error, answer) => {
        signal.removeEventListener('abort', cancel);
        if (error) reject(error);
        else resolve(answer);
      });
      const cancel = () => call.cancel();
      signal.addEventListener('abort', cancel);
      if (signal.aborted) cancel();
    });
  }

  /** Resolves when the user service says that it serves. */
  check(timeout) {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + timeout;
      this.health.check({ service: 'user.v1.UserService' }, { deadline }, (error, answer) => {
        if (error) reject(new Error(grpc.status[error.code]));
        else if (answer.status !== 'SERVING') reject(new Error(answer.status));
        else resolve();
      });
    });
  }

  close() {
    this.users.close();
    this.health.close();
  }
}
