// Metrics of HTTP, and the server on METRICS_PORT.

import { createServer } from 'node:http';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'];

export class Metrics {
  constructor() {
    const registers = [(this.registry = new Registry())];
    const labelNames = ['method', 'path', 'status'];
    this.total = new Counter({ name: 'http_requests_total', help: 'Requests.', labelNames, registers });
    this.duration = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time to answer.',
      labelNames: ['method', 'path'],
      buckets: BUCKETS,
      registers,
    });
    this.inFlight = new Gauge({ name: 'http_requests_in_flight', help: 'Requests in work.', registers });
  }

  /** Counts a request in; what it returns counts it out. */
  begin(requestMethod, path = 'unknown') {
    const method = METHODS.includes(requestMethod) ? requestMethod : 'other';
    this.inFlight.inc();
    return (status, duration) => {
      this.inFlight.dec();
      this.total.inc({ method, path, status });
      this.duration.observe({ method, path }, duration / 1000);
    };
  }

  createServer() {
    return createServer(async (request, response) => {
      const known = request.url.split('?', 1)[0] === '/metrics';
      response.writeHead(known ? 200 : 404, { 'content-type': this.registry.contentType });
      response.end(known ? await this.registry.metrics() : 'not found\n');
    });
  }
}
