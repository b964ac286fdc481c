// Health: the user service is checked in the background, once in HEALTH_CACHE_TTL; answers are the last report.

import { setTimeout as pause } from 'node:timers/promises';

export class Health {
  draining = false;
  #report = null;
  #reported;
  #first = new Promise((resolve) => (this.#reported = resolve));

  constructor(config, upstream) {
    this.config = config;
    this.upstream = upstream;
  }

  async report() {
    await this.#first;
    return this.#report;
  }

  async ready() {
    return !this.draining && (await this.report()).status !== 'unhealthy' && !this.draining;
  }

  async run(signal) {
    while (!signal.aborted) {
      const component = await this.#check();
      this.#report = {
        status: component.status,
        components: [component],
        version: this.config.serviceVersion,
        timestamp: new Date().toISOString(),
      };
      this.#reported();
      await pause(Math.max(50, this.config.healthCacheTtl), undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #check() {
    const name = 'user-service';
    const started = performance.now();
    let error;
    try {
      await this.upstream.check(this.config.healthCheckTimeout);
    } catch (cause) {
      error = cause.message;
    }
    const latency_ms = performance.now() - started;
    if (!error) return { name, status: 'healthy', latency_ms };
    return { name, status: this.config.healthOptional.includes(name) ? 'degraded' : 'unhealthy', latency_ms, error };
  }
}
