// Settings: everything comes from the environment and is checked once, at start.

export class ConfigError extends Error {}

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `500ms`, `5s`, `2m`, `1h`. */
function duration(text) {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  return match ? Number(match[1]) * UNITS[match[2]] : undefined;
}

function integer(least, most) {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : NaN;
    return number >= least && number <= most ? number : undefined;
  };
}

function oneOf(...values) {
  return (text) => (values.includes(text) ? text : undefined);
}

function ratio(text) {
  const number = /^[\d.]+$/.test(text) ? Number(text) : NaN;
  return number >= 0 && number <= 1 ? number : undefined;
}

/** `host:port` of `http://host:port`. */
function address(text) {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'http:' && url.hostname ? `${url.hostname}:${url.port || 80}` : undefined;
}

const endpoint = (text) => (text === '' || /^https?:\/\/./.test(text) ? text : undefined);
const port = integer(1, 65535);
const text = (value) => value;
const names = (value) => (value === 'none' ? [] : value.split(',').map((name) => name.trim()));
const logLevel = (value) => (['debug', 'info', 'warn', 'error'].includes(value) ? value : 'info');

const SETTINGS = {
  port: ['PORT', port, '8080'],
  metricsPort: ['METRICS_PORT', port, '9090'],
  userService: ['USER_SERVICE_ADDR', address, 'http://localhost:50051'],
  keepaliveTime: ['USER_SERVICE_KEEPALIVE_TIME', duration, '5m'],
  logLevel: ['LOG_LEVEL', logLevel, 'info'],
  logFormat: ['LOG_FORMAT', oneOf('json', 'text'), 'json'],
  serviceName: ['SERVICE_NAME', text, 'gateway'],
  serviceVersion: ['SERVICE_VERSION', text, '0.1.0'],
  environment: ['ENVIRONMENT', text, 'development'],
  otlpEndpoint: ['OTEL_EXPORTER_OTLP_ENDPOINT', endpoint, ''],
  tracesSamplerArg: ['OTEL_TRACES_SAMPLER_ARG', ratio, '1'],
  bspScheduleDelay: ['OTEL_BSP_SCHEDULE_DELAY', integer(1, 3_600_000), '5000'],
  healthCacheTtl: ['HEALTH_CACHE_TTL', duration, '5s'],
  healthCheckTimeout: ['HEALTH_CHECK_TIMEOUT', duration, '5s'],
  healthOptional: ['HEALTH_OPTIONAL', names, 'none'],
  shutdownTimeout: ['SHUTDOWN_TIMEOUT', duration, '30s'],
  requestTimeout: ['REQUEST_TIMEOUT', duration, '10s'],
  retryMaxAttempts: ['RETRY_MAX_ATTEMPTS', integer(1, 100), '3'],
  retryBaseDelay: ['RETRY_BASE_DELAY', duration, '50ms'],
  breakerMaxFailures: ['BREAKER_MAX_FAILURES', integer(1, 1_000_000), '5'],
  breakerResetTimeout: ['BREAKER_RESET_TIMEOUT', duration, '30s'],
};

/** The settings; an unset or empty variable takes its default. */
export function load(env) {
  const config = {};
  for (const [key, [name, parse, fallback]] of Object.entries(SETTINGS)) {
    config[key] = parse(env[name] || fallback);
    if (config[key] === undefined) throw new ConfigError(`${name} has a value that cannot be used`);
  }
  return config;
}
