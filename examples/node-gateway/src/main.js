// The commands: serve (the default), healthcheck.

import { request } from 'node:http';
import { ConfigError, load } from './config.js';
import { createLogger } from './logger.js';

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
    const tracing = config.otlpEndpoint ? (await import('./tracing.js')).startTracing(config) : null;
    const { serve } = await import('./serve.js'); // after that, and with it what is instrumented
    await serve(config, createLogger(config), tracing);
    return 0;
  } catch (error) {
    createLogger({ logFormat: process.env.LOG_FORMAT }).error(error instanceof ConfigError ? error.message : error.stack);
    return 1;
  }
}

process.exit(await main(process.argv.slice(2)));
