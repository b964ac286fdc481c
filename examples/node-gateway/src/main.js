// The commands: serve (the default), healthcheck.

import { once } from 'node:events';
import { request } from 'node:http';
import { createApp } from './app.js';
import { Breaker } from './breaker.js';
import { ConfigError, load } from './config.js';
import { Health } from './health.js';
import { createLogger } from './logger.js';
import { Metrics } from './metrics.js';
import { Upstream } from './upstream.js';

async function serve(config, logger) {
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
  setTimeout(() => process.exit(0), config.shutdownTimeout).unref();
  await app.close();
  checks.abort();
  upstream.close();
  process.exit(0);
}

async function listen(variable, port, start) {
  try {
    await start();
  } catch (error) {
    throw new ConfigError(`${variable} ${port} cannot be bound: ${error.code}`);
  }
}

function healthcheck(port) {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: '/health', signal: AbortSignal.timeout(4000) }, (answer) => {
      answer.resume();
      resolve([200, 207].includes(answer.statusCode) ? 0 : 1);
    });
    asked.on('error', () => resolve(1)).end();
  });
}

async function main([command = 'serve', ...rest]) {
  if (!['serve', 'healthcheck'].includes(command) || rest.length > 0) {
    process.stderr.write('usage: main.js [serve | healthcheck]\n');
    return 2;
  }
  try {
    const config = load(process.env);
    if (command === 'healthcheck') return await healthcheck(config.port);
    await serve(config, createLogger(config));
    return 0;
  } catch (error) {
    createLogger({ logFormat: process.env.LOG_FORMAT }).error(error instanceof ConfigError ? error.message : error.stack);
    return 1;
  }
}

process.exit(await main(process.argv.slice(2)));
