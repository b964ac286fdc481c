// `serve`: the parts put together, started, and stopped in order.

import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { createApp } from './app.js';
import { Breaker } from './breaker.js';
import { ConfigError } from './config.js';
import { Health } from './health.js';
import { Metrics } from './metrics.js';
import { Upstream } from './upstream.js';

export async function serve(config, logger, tracing) {
  const stop = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  const breaker = new Breaker({ maxFailures: config.breakerMaxFailures, resetTimeout: config.breakerResetTimeout });
  const upstream = new Upstream(config, breaker);
  const health = new Health(config, upstream);
  const metrics = new Metrics();
  const app = createApp({ logger, health, upstream, metrics });
  const metricsServer = metrics.createServer();
  await listen('PORT', config.port, () => app.listen({ port: config.port, host: '0.0.0.0' }));
  await listen('METRICS_PORT', config.metricsPort, async () => {
    metricsServer.listen(config.metricsPort, '0.0.0.0');
    await once(metricsServer, 'listening');
  });
  const checks = new AbortController();
  health.run(checks.signal);
  logger.info({ service: config.serviceName, version: config.serviceVersion, port: config.port }, 'serving');

  await stop;
  logger.info('stopping');
  health.draining = true;
  const deadline = performance.now() + config.shutdownTimeout;
  await Promise.race([app.close(), pause(config.shutdownTimeout)]);
  checks.abort();
  upstream.close();
  await Promise.race([tracing?.shutdown(), pause(Math.max(500, deadline - performance.now()))]).catch(() => {});
  process.exit(0);
}

async function listen(variable, port, start) {
  try {
    await start();
  } catch (error) {
    throw new ConfigError(`${variable} ${port} cannot be bound: ${error.code}`);
  }
}
