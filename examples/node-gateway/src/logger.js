// Logs: one event a line on stdout, as JSON or as key=value.

import pino from 'pino';

const BARE = /^[\w.:/+@-]+$/;

export function createLogger({ logLevel = 'info', logFormat = 'json' } = {}) {
  const options = {
    level: logLevel,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label === 'fatal' ? 'ERROR' : label.toUpperCase() }) },
    mixin: logLevel === 'debug' ? () => ({ source: caller() }) : undefined,
  };
  const stdout = pino.destination({ dest: 1, sync: true });
  return logFormat === 'text' ? pino(options, { write: (line) => stdout.write(asText(line)) }) : pino(options, stdout);
}

function asText(line) {
  const pairs = Object.entries(JSON.parse(line)).map(([key, value]) => `${key}=${asValue(value)}`);
  return `${pairs.join(' ')}\n`;
}

function asValue(value) {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return BARE.test(text) ? text : JSON.stringify(text);
}

/** The file and line that logged: the first outside pino and this file. */
function caller() {
  const frames = new Error().stack.split('\n').slice(1);
  const frame = frames.find((line) => !line.includes('/pino/') && !line.includes('/logger.js'));
  return /([^/]+:\d+):\d+\)?$/.exec(frame ?? '')?.[1] ?? 'unknown';
}
