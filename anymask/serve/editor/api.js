/** The HTTP API of the server, see docs/serve.md. Waits where the server is busy, and tells when it is gone. */

/** What the server refused, in its own words. */
export class RefusedError extends Error {
  /** @param {number} status @param {string} message @param {any} body */
  constructor(status, message, body) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** The server does not answer at all. */
export class UnreachableError extends Error {
  constructor() {
    super("the server does not answer");
  }
}

const TRIES = 30; // of a request that is answered with 503
const LONGEST_WAIT = 10_000; // ms between two of them
const KNOCK = 1000; // ms between two looks whether the server is back

/** @typedef {{signal?: AbortSignal, body?: unknown, form?: FormData, patient?: boolean}} Options */

export class Api {
  /** @param {(connection: "online"|"offline") => void} onConnection */
  constructor(onConnection) {
    this.onConnection = onConnection;
    this.online = true;
    /** @type {(() => void)[]} */
    this.waiting = [];
  }

  /**
   * Ask and read JSON.
   * @param {string} method @param {string} path @param {Options} [options] patient: wait until the server is back
   * @returns {Promise<any>}
   */
  async json(method, path, options = {}) {
    const response = await this.ask(method, path, options);
    return response.status === 204 ? null : response.json();
  }

  /**
   * @param {string} path @param {Options} [options]
   * @returns {Promise<Blob>}
   */
  async blob(path, options = {}) {
    return (await this.ask("GET", path, options)).blob();
  }

  /**
   * @param {string} method @param {string} path @param {Options} options
   * @returns {Promise<Response>}
   */
  async ask(method, path, { signal, body, form, patient = false }) {
    for (let tries = 1; ; tries++) {
      /** @type {Response} */
      let response;
      try {
        response = await fetch(path, {
          method,
          signal,
          headers: body === undefined ? {} : { "Content-Type": "application/json" },
          body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
        });
      } catch (error) {
        if (signal?.aborted) throw error;
        this.lost();
        if (!patient) throw new UnreachableError();
        await this.back();
        continue;
      }
      this.found();
      if (response.ok) return response;
      if (response.status === 503 && tries < TRIES) {
        const seconds = Number(response.headers.get("Retry-After")) || 1;
        await pause(Math.min(seconds * 1000, LONGEST_WAIT), signal);
        continue;
      }
      const told = await response.json().catch(() => null);
      throw new RefusedError(response.status, told?.error?.message ?? `the server answered with ${response.status}`, told);
    }
  }

  /** The server did not answer: knock until it does. */
  lost() {
    if (!this.online) return;
    this.online = false;
    this.onConnection("offline");
    const knock = async () => {
      try {
        const response = await fetch("/v1/health", { cache: "no-store" });
        if (response.ok) return this.found();
      } catch {
        // Still gone
      }
      if (!this.online) setTimeout(knock, KNOCK);
    };
    setTimeout(knock, KNOCK);
  }

  /** The server answered. */
  found() {
    if (this.online) return;
    this.online = true;
    this.onConnection("online");
    this.waiting.splice(0).forEach((go) => go());
  }

  /** @returns {Promise<void>} when the server is back */
  back() {
    return this.online ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Look whether the server is there, after a stream of events broke off. */
  async check() {
    try {
      await fetch("/v1/health", { cache: "no-store" });
      this.found();
    } catch {
      this.lost();
    }
  }
}

/** @param {number} milliseconds @param {AbortSignal} [signal] */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
