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

import { backoffMs } from "./client/connection.js";
import { ApiError, Http, UnreachableError } from "./client/http.js";
import { InboxWatch } from "./client/inbox-watch.js";
import { TaskWatch } from "./client/task-watch.js";
import { sseParser } from "./client/transports.js";
import { API, PAGE, TERMINAL_EVENTS, TERMINAL_STATUSES } from "./client/watching.js";

export { ApiError, TERMINAL_EVENTS, TERMINAL_STATUSES, UnreachableError, backoffMs, sseParser };

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

  watchInbox(handlers = {}, how = {}) {
    return new InboxWatch(handlers, { ...this.#options, ...how });
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
