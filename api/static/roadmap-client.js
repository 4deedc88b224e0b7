/**
 * Follow roadmap-worker from a browser (or Node 20), without dependencies.
 *
 *   import { RoadmapClient } from "https://roadmaps.example/static/roadmap-client.js";
 *
 *   const client = new RoadmapClient({ baseUrl: "https://roadmaps.example", token });
 *   const task = await client.createTask({ goal: "Learn Rust" });
 *   const watch = client.watch(task.task_id, {
 *     onEvent: (event) => console.log(event.seq, event.message),
 *     onState: (state) => console.log(state.status, state.transport),
 *   });
 *   // later: watch.stop();
 *
 * Every event reaches `onEvent` once and in order, whatever happens to the connection. WebSocket
 * is used first; after repeated failure server-sent events, at last polling. Types and their
 * documentation stand in `roadmap-client.d.ts`.
 */

import { Connection, Verdict, backoffMs } from "./client/connection.js";
import { ApiError, Http, UnreachableError } from "./client/http.js";
import { polling, serverSentEvents, sseParser, webSocket } from "./client/transports.js";

export { ApiError, UnreachableError, backoffMs, sseParser };

/** After one of these a task goes on only when somebody retries it. */
export const TERMINAL_EVENTS = new Set([
  "task_completed", "task_partially_failed", "task_failed", "task_cancelled",
]);
export const TERMINAL_STATUSES = new Set(["completed", "partial_failure", "failed", "cancelled"]);

const API = "/api/v1";
const PAGE = 500;
/** After so long without an event the server is asked whether one was missed. */
const QUIET_MS = 25_000;
const INBOX_POLL_MS = 10_000;
const INBOX_SEEN = 500;
const FILLS = 5;

export class RoadmapClient {
  #options;

  /** @param {any} [options] Described in `roadmap-client.d.ts`. */
  constructor({ baseUrl = "", token = null, getToken, fetch, WebSocket, transports, random } = {}) {
    this.http = new Http({
      baseUrl,
      getToken: getToken ?? (() => token),
      fetch: fetch ?? ((...request) => globalThis.fetch(...request)),
    });
    this.#options = {
      http: this.http,
      WebSocket: WebSocket ?? globalThis.WebSocket,
      transports: transports ?? ["websocket", "sse", "polling"],
      random: random ?? Math.random,
      events: typeof globalThis.addEventListener === "function" ? globalThis : null,
    };
  }

  /** @param {any} request @param {{idempotencyKey?: string}} [options] */
  async createTask(request, { idempotencyKey } = {}) {
    return this.#send(`${API}/tasks`, request, idempotencyKey);
  }

  async workflows() {
    return this.#read(`${API}/workflows`);
  }

  /** @param {any} workflow @param {any} request @param {any} [options] */
  async runWorkflow(workflow, request, { review, idempotencyKey } = {}) {
    const body = review === undefined ? { request } : { request, review };
    return this.#send(`${API}/workflows/${encodeURIComponent(workflow)}/tasks`, body, idempotencyKey);
  }

  async task(taskId) {
    return this.#read(`${API}/tasks/${taskId}`);
  }

  async results(taskId, options = {}) {
    return this.#read(`${API}/tasks/${taskId}/results${query(options)}`);
  }

  async parts(taskId, options = {}) {
    return this.#read(`${API}/tasks/${taskId}/parts${query(options)}`);
  }

  /** @param {any} taskId @param {any} step @param {any} key @param {any} [options] */
  async part(taskId, step, key, { kind, version } = {}) {
    return this.#read(`${partOf(taskId, step, key)}${query({ kind, version })}`);
  }

  /** @param {any} taskId @param {any} step @param {any} key @param {any} [options] */
  async regeneratePart(taskId, step, key, { kinds, instruction } = {}) {
    return this.#send(`${partOf(taskId, step, key)}/regenerate`, { kinds, instruction });
  }

  async review(taskId) {
    return this.#read(`${API}/tasks/${taskId}/review`);
  }

  /** @param {any} taskId @param {any} decision @param {any} [options] */
  async decide(taskId, decision, { version } = {}) {
    const headers = version === undefined ? {} : { "If-Match": `"${version}"` };
    return (await this.http.request(`${API}/tasks/${taskId}/review`, {
      method: "POST", body: decision, headers,
    })).data;
  }

  async #read(path) {
    return (await this.http.request(path)).data;
  }

  async #send(path, body, idempotencyKey) {
    const headers = idempotencyKey ? { "Idempotency-Key": idempotencyKey } : {};
    return (await this.http.request(path, { method: "POST", body, headers })).data;
  }

  async events(taskId, { after = 0 } = {}) {
    return (await this.http.request(`${API}/tasks/${taskId}/events?after=${after}&limit=${PAGE}`))
      .data.events;
  }

  watch(taskId, handlers = {}) {
    return new TaskWatch(taskId, handlers, this.#options);
  }

  watchInbox(handlers = {}) {
    return new InboxWatch(handlers, this.#options);
  }
}

function partOf(taskId, step, key) {
  return `${API}/tasks/${taskId}/parts/${encodeURIComponent(step)}/${encodeURIComponent(key)}`;
}

function query(values) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const each of [value].flat()) if (each !== undefined && each !== null) given.append(name, each);
  }
  return given.size ? `?${given}` : "";
}

/** Calls handlers, whose own errors must not break the stream. */
function telling(handlers) {
  return (name, ...values) => {
    try {
      handlers[name]?.(...values);
    } catch (error) {
      (globalThis.reportError ?? console.error)(error);
    }
  };
}

function ladder(available, { transports, WebSocket }) {
  const usable = transports.filter((name) => name !== "websocket" || WebSocket);
  return usable.map((name) => ({ name, run: available[name] }));
}

function verdictOf(error, tell) {
  if (error.temporary) {
    return { verdict: Verdict.UNREACHABLE, retryAfterMs: error.retryAfterMs ?? 0 };
  }
  tell("onError", error);
  return { verdict: Verdict.REFUSED };
}

class TaskWatch {
  #http;
  #taskId;
  #tell;
  #connection;
  #revisitMs;
  #waiting = [];
  #filling = false;
  #etag = null;
  #task = null;
  #timer = null;
  #over = false;

  constructor(taskId, { after = 0, revisitMs = 0, ...handlers }, options) {
    const { http, WebSocket } = options;
    const cursor = () => ({ after: this.lastSeq });
    const path = `${API}/tasks/${taskId}`;
    this.#http = http;
    this.#taskId = taskId;
    this.#tell = telling(handlers);
    this.#revisitMs = revisitMs;
    this.lastSeq = after;
    this.state = { status: "connecting", transport: null };
    this.#connection = new Connection({
      ...options,
      transports: ladder({
        websocket: webSocket({
          http, WebSocket, path: `${API}/ws/tasks/${taskId}`, after: cursor,
          ticketFor: { task_id: taskId },
        }),
        sse: serverSentEvents({ http, path: `${path}/stream`, after: cursor }),
        polling: polling({ ask: (how) => this.#ask(how) }),
      }, options),
      check: () => this.#check(),
      received: (message) => this.#accept(message),
      opened: () => this.#listen(),
      tell: (state) => this.#changed(state),
    });
    this.#connection.start();
  }

  /** Come back at once, also after the end: somebody retried the task. */
  resume() {
    if (this.#over) return;
    clearTimeout(this.#timer);
    if (this.state.status === "ended") this.#connection.start();
    else this.#connection.restart();
  }

  stop() {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#connection.stop();
  }

  #changed(state) {
    this.state = state;
    if (state.status !== "live") clearTimeout(this.#timer);
    if (state.status === "ended" && this.#revisitMs && !this.#over) {
      this.#timer = setTimeout(() => this.#revisit(), this.#revisitMs);
    }
    this.#tell("onState", state);
  }

  /** The one gate: in order, once; what is ahead of its turn waits for the log. */
  #accept(message) {
    this.#listen();
    if (typeof message.seq !== "number") {
      if (message.type === "content_delta") this.#tell("onDelta", message);
    } else if (this.#filling || message.seq > this.lastSeq + 1) {
      this.#waiting.push(message);
      if (!this.#filling) this.#fill();
    } else {
      this.#deliver(message);
    }
  }

  #deliver(event) {
    if (event.seq <= this.lastSeq) return;
    this.lastSeq = event.seq;
    this.#tell("onEvent", event);
  }

  /** A gap: read the snapshot and the log, then what had waited. */
  async #fill() {
    this.#filling = true;
    try {
      for (let times = 0; times < FILLS; times++) {
        await this.#look("gap");
        await this.#readLog();
        this.#waiting.sort((a, b) => a.seq - b.seq);
        while (this.#waiting.length && this.#waiting[0].seq <= this.lastSeq + 1) {
          this.#deliver(this.#waiting.shift());
        }
        if (!this.#waiting.length) return;
      }
      this.#connection.restart();
    } catch {
      this.#connection.restart(); // the next connection goes on after `lastSeq`
    } finally {
      this.#waiting = [];
      this.#filling = false;
    }
  }

  async #readLog() {
    for (;;) {
      const path = `${API}/tasks/${this.#taskId}/events?after=${this.lastSeq}&limit=${PAGE}`;
      const { data } = await this.#http.request(path);
      if (this.#over) return;
      data.events.forEach((event) => this.#deliver(event));
      if (data.events.length < PAGE) return;
    }
  }

  async #ask({ waitS, signal }) {
    const path = `${API}/tasks/${this.#taskId}/events?after=${this.lastSeq}&wait=${waitS}`;
    const { data } = await this.#http.request(path, { signal, timeoutMs: waitS * 1000 + 15_000 });
    const last = data.events.at(-1);
    const over = last ? TERMINAL_EVENTS.has(last.type) : waitS === 0 && (await this.#ended());
    return { messages: data.events, over };
  }

  async #ended() {
    const task = await this.#look(null);
    return TERMINAL_STATUSES.has(task.status) && task.last_seq <= this.lastSeq;
  }

  /** Read the task, cheaply when it is unchanged; tell it for a reason. */
  async #look(reason) {
    const headers = this.#etag ? { "If-None-Match": this.#etag } : {};
    const answer = await this.#http.request(`${API}/tasks/${this.#taskId}`, { headers });
    if (answer.status !== 304) {
      this.#etag = answer.headers.get("ETag");
      this.#task = answer.data;
    }
    if (reason && !this.#over) this.#tell("onSnapshot", this.#task, reason);
    return this.#task;
  }

  async #check() {
    try {
      if (!(await this.#ended())) return { verdict: Verdict.REACHABLE };
      if (!this.#over) this.#tell("onSnapshot", this.#task, "end");
      return { verdict: Verdict.ENDED };
    } catch (error) {
      return verdictOf(error, this.#tell);
    }
  }

  /** Note a sign of life; a long silence is looked into, since a dead socket looks the same. */
  #listen() {
    clearTimeout(this.#timer);
    if (this.#over) return;
    this.#timer = setTimeout(async () => {
      try {
        const task = await this.#look(null);
        if (task.last_seq > this.lastSeq) this.#connection.restart();
        else if (this.state.status === "live") this.#listen();
      } catch {
        this.#connection.restart();
      }
    }, QUIET_MS);
  }

  async #revisit() {
    try {
      if (!(await this.#ended())) return this.resume();
    } catch {
      // the next visit will tell
    }
    if (!this.#over) this.#timer = setTimeout(() => this.#revisit(), this.#revisitMs);
  }
}

class InboxWatch {
  #http;
  #tell;
  #connection;
  #seen = new Set();
  #newest = null;
  #told = false;

  constructor(handlers, options) {
    const { http, WebSocket } = options;
    const cursor = () => (this.#newest ? { after: this.#newest } : {});
    this.#http = http;
    this.#tell = telling(handlers);
    this.state = { status: "connecting", transport: null };
    this.#connection = new Connection({
      ...options,
      transports: ladder({
        websocket: webSocket({
          http, WebSocket, path: `${API}/ws/notifications`, after: cursor, ticketFor: {},
        }),
        sse: serverSentEvents({ http, path: `${API}/notifications/stream`, after: cursor }),
        polling: polling({ ask: () => this.#ask(), pauseMs: INBOX_POLL_MS }),
      }, options),
      check: () => this.#check(),
      received: (message) => this.#accept(message),
      opened: () => this.#check(),
      tell: (state) => {
        this.state = state;
        this.#tell("onState", state);
      },
    });
    this.#connection.start();
  }

  /** Read the inbox again and tell it. */
  refresh() {
    return this.#check();
  }

  stop() {
    this.#connection.stop();
  }

  async #page() {
    const { data } = await this.#http.request(`${API}/notifications?limit=50`);
    return data;
  }

  /** Tell the whole inbox: what came while nobody listened is in it. */
  async #check() {
    try {
      const page = await this.#page();
      page.notifications.forEach((entry) => this.#remember(entry));
      this.#told = true;
      this.#tell("onSnapshot", page);
      return { verdict: Verdict.REACHABLE };
    } catch (error) {
      return verdictOf(error, this.#tell);
    }
  }

  async #ask() {
    const first = !this.#told;
    const page = await this.#page();
    return { messages: first ? [] : page.notifications.reverse(), over: false };
  }

  #accept(entry) {
    if (this.#remember(entry)) this.#tell("onNotification", entry);
  }

  #remember({ notification_id: id }) {
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (this.#seen.size > INBOX_SEEN) this.#seen.delete(this.#seen.values().next().value);
    if (!this.#newest || id > this.#newest) this.#newest = id;
    return true;
  }
}
