/**
 * HTTP to the API: JSON in and out, problems as errors, and a clear difference between
 * "the server says no" (`ApiError`) and "nobody answers" (`UnreachableError`).
 */

/** The API answered with a problem (RFC 9457). */
export class ApiError extends Error {
  /**
   * @param {number} status HTTP status.
   * @param {object} problem The body: `type`, `title`, `detail`, `code`, `errors`.
   * @param {number|null} retryAfterMs What `Retry-After` asked for.
   */
  constructor(status, problem, retryAfterMs = null) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.problem = problem;
    this.code = problem.code || "unknown";
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may well succeed later. */
  get temporary() {
    return this.status === 429 || this.status >= 500;
  }
}

/** Nobody answered, or not the API: no network, no server, no answer in time, another's page. */
export class UnreachableError extends Error {
  constructor(cause) {
    super("The server cannot be reached.", { cause });
    this.name = "UnreachableError";
    this.code = "unreachable";
    this.temporary = true;
    this.retryAfterMs = null;
  }
}

const TIMEOUT_MS = 15_000;

/** Sends requests to one API as one user. */
export class Http {
  /**
   * @param {object} options
   * @param {string} options.baseUrl Origin of the API, without a path; "" is the page's own.
   * @param {() => (string|null|Promise<string|null>)} options.getToken Bearer token, if any.
   * @param {typeof fetch} options.fetch
   */
  constructor({ baseUrl, getToken, fetch }) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    this.getToken = getToken;
    this.fetch = fetch;
  }

  /** Return the absolute address of a path; `ws` turns http into ws. */
  address(path, { ws = false } = {}) {
    const base = this.baseUrl || globalThis.location?.origin || "";
    return (ws ? base.replace(/^http/, "ws") : base) + path;
  }

  /**
   * Send a request and return its parsed answer; `json` writes and reads, if anything but `JSON` should.
   *
   * @returns {Promise<{status: number, data: any, headers: Headers}>} `data` is null for 204, 304.
   * @throws {ApiError|UnreachableError|DOMException} The last when `signal` was aborted; and whatever `getToken` throws.
   */
  async request(path, options = {}) {
    const { method = "GET", body, headers = {}, signal, keepalive, timeoutMs = TIMEOUT_MS, json = JSON } = options;
    const given = { ...headers };
    if (body !== undefined) given["Content-Type"] = "application/json";
    const token = await this.getToken();
    const limit = withTimeout(signal, timeoutMs);
    try {
      const response = await this.#send(path, token, {
        method, headers: given, body: body === undefined ? undefined : json.stringify(body),
        signal: limit.signal, keepalive,
      });
      const text = response.status === 204 || response.status === 304 ? "" : await response.text();
      if (response.ok || response.status === 304) {
        const data = text ? json.parse(text) : null;
        return { status: response.status, data, headers: response.headers };
      }
      throw new ApiError(response.status, problem(text, json), retryAfter(response.headers));
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (signal?.aborted) throw error;
      throw error instanceof UnreachableError ? error : new UnreachableError(error);
    } finally {
      limit.clear();
    }
  }

  /** Send a request with credentials and return the raw response; for streams. */
  async open(path, options = {}) {
    return this.#send(path, await this.getToken(), options);
  }

  #send(path, token, options) {
    const headers = { Accept: "application/json", ...options.headers };
    if (token) headers.Authorization = `Bearer ${token}`;
    return this.fetch(this.address(path), {
      cache: "no-store", credentials: "same-origin", referrerPolicy: "no-referrer", ...options, headers,
    });
  }
}

function problem(text, json) {
  try {
    return json.parse(text) ?? {};
  } catch {
    return {}; // a proxy's own words
  }
}

/** For how long an answer asks to wait; null where it does not say so in seconds. No timer waits for longer than is returned. */
export function retryAfter(headers) {
  const ms = 1000 * Number.parseFloat(headers.get("Retry-After"));
  return ms > 0 ? Math.min(ms, 2 ** 31 - 1) : null;
}

function withTimeout(signal, timeoutMs) {
  const own = new AbortController();
  const abort = () => own.abort();
  const timer = setTimeout(abort, timeoutMs);
  if (signal?.aborted) own.abort();
  signal?.addEventListener("abort", abort, { once: true });
  return {
    signal: own.signal,
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    },
  };
}
