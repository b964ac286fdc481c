// The circuit breaker: counts failures in a row, opens, and lets one trial through after a while.

export class BreakerOpen extends Error {
  constructor(retryAfter) {
    super('circuit breaker is open');
    this.retryAfter = retryAfter;
  }
}

export class Breaker {
  #failures = 0;
  #openUntil = null; // null: closed
  #trial = null;
  #era = 0; // what was let through before the last opening or closing counts no more

  constructor({ maxFailures, resetTimeout, now = () => performance.now() }) {
    this.maxFailures = maxFailures;
    this.resetTimeout = resetTimeout;
    this.now = now;
  }

  get open() {
    return this.#openUntil !== null;
  }

  /** Lets a call through, or throws BreakerOpen; the pass is handed back with the call's end. */
  enter() {
    const pass = { era: this.#era, trial: this.open };
    if (this.open) {
      const rest = this.#openUntil - this.now();
      if (rest > 0 || this.#trial) throw new BreakerOpen(Math.max(1, Math.ceil(rest / 1000)));
      this.#trial = pass;
    }
    return pass;
  }

  succeeded(pass) {
    if (pass.era !== this.#era) return;
    this.#failures = 0;
    if (pass === this.#trial) this.#change(null);
  }

  failed(pass) {
    if (pass.era !== this.#era) return;
    this.#failures += 1;
    if (pass === this.#trial || this.#failures >= this.maxFailures) this.#change(this.now() + this.resetTimeout);
  }

  /** The client left: neither a success nor a failure. */
  abandoned(pass) {
    if (pass === this.#trial) this.#trial = null;
  }

  #change(openUntil) {
    this.#openUntil = openUntil;
    this.#trial = null;
    this.#failures = 0;
    this.#era += 1;
  }
}
