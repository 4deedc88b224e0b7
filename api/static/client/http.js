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
  /** @param {any} cause @param {boolean} uncertain What was sent may have arrived and been done; only the answer is lost. */
  constructor(cause, uncertain = false) {
    super(uncertain
      ? "No answer came, so this may have been done all the same. Look before you send it again; with the same idempotency key it is not done twice."
      : "The server cannot be reached.", { cause });
    this.name = "UnreachableError";
    this.code = "unreachable";
    this.uncertain = uncertain;
    this.temporary = true;
    this.retryAfterMs = null;
  }
}

const TIMEOUT_MS = 15_000;
const ADDRESS = /^(https?:\/\/[^/?#]+[^?#]*|\.{0,2}\/[^?#]*|\.{1,2})?$/;

/** Return a token without what surrounds it: a file that it was read from ends with a line break. */
export function sendable(token) {
  const alone = String(token ?? "").trim();
  if (/[^!-~]/.test(alone)) throw new TypeError("The token has characters that no token has: give it alone.");
  return alone;
}

/** Return a key that no other request has. */
export const newKey = () => globalThis.crypto?.randomUUID?.() ?? `${Date.now()}-${Math.random()}`; // plain http has no randomUUID

/** Sends requests to one API as one user. */
export class Http {
  /**
   * @param {object} options
   * @param {string} options.baseUrl Origin of the API, without a path; "" is the page's own.
   * @param {() => (string|null|Promise<string|null>)} options.getToken Bearer token, if any.
   * @param {typeof fetch} options.fetch
   */
  constructor({ baseUrl, getToken, fetch }) {
    this.baseUrl = String(baseUrl).trim().replace(/\/+$/, "");
    if (!ADDRESS.test(this.baseUrl)) throw new TypeError(`${baseUrl} is no address of an API: it is like https://host:8000/path, or "" for the page's own.`);
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
   * @throws {ApiError|UnreachableError|DOMException|TypeError} The third when `signal` was aborted, the last for a token that cannot be sent; and whatever `getToken` throws.
   */
  async request(path, options = {}) {
    const { method = "GET", body, headers = {}, signal, keepalive, timeoutMs = TIMEOUT_MS, json = JSON } = options;
    const given = { ...headers };
    if (body !== undefined) given["Content-Type"] = "application/json";
    const token = sendable(await this.getToken());
    const limit = withTimeout(signal, timeoutMs);
    try {
      const response = await this.#send(path, token, {
        method, headers: given, body: body === undefined ? undefined : json.stringify(body),
        signal: limit.signal, keepalive,
      });
      const empty = response.status === 204 || response.status === 304;
      const text = empty ? "" : await response.text();
      if (response.ok || empty) {
        const data = empty ? null : json.parse(text); // nothing at all is not the API's answer
        return { status: response.status, data, headers: response.headers };
      }
      throw new ApiError(response.status, problem(text, json), retryAfter(response.headers));
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (signal?.aborted) throw error;
      throw new UnreachableError(error, method !== "GET");
    } finally {
      limit.clear();
    }
  }

  /** Send a request with credentials and return the raw response; for streams. */
  async open(path, options = {}) {
    return this.#send(path, sendable(await this.getToken()), options);
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

/** For how long an answer asks to wait, in seconds or until a date of the server's clock; null where it does not say so. No timer waits for longer than is returned. */
export function retryAfter(headers) {
  const wanted = headers.get("Retry-After") ?? "";
  const now = Date.parse(headers.get("Date")) || Date.now(); // another origin's may not be read
  const ms = /^\s*\d/.test(wanted) ? 1000 * Number.parseFloat(wanted) : Date.parse(wanted) - now;
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
