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
import { ApiError, UnreachableError, newKey } from "./client/http.js";
import { sseParser } from "./client/transports.js";
import { Watcher } from "./client/watcher.js";
import { API, PAGE, TERMINAL_EVENTS, TERMINAL_STATUSES } from "./client/watching.js";

export { ApiError, TERMINAL_EVENTS, TERMINAL_STATUSES, UnreachableError, backoffMs, sseParser };

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
/** A `Retry-After` longer than this is not waited for but thrown. */
const LONGEST_HINT_MS = 30_000;

export class RoadmapClient extends Watcher {
  #retries;
  #random;

  /** @param {any} [options] Described in `roadmap-client.d.ts`. */
  constructor(options = {}) {
    super(options);
    this.#retries = options.retries ?? 3;
    this.#random = options.random ?? Math.random;
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

  async tasks(options = {}) {
    return this.#read(`${API}/tasks${query(options)}`);
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
    return this.#ask(`${partOf(taskId, step, key)}/regenerate`, { method: "POST", body: { kinds, instruction } });
  }

  async review(taskId) {
    return this.#read(`${API}/tasks/${taskId}/review`);
  }

  /** @param {any} taskId @param {any} decision @param {any} [options] */
  async decide(taskId, decision, { version } = {}) {
    const headers = version === undefined ? {} : { "If-Match": `"${version}"` };
    return this.#ask(`${API}/tasks/${taskId}/review`, { method: "POST", body: decision, headers });
  }

  async retry(taskId) {
    return this.#ask(`${API}/tasks/${taskId}/retry`, { method: "POST" });
  }

  async cancel(taskId) {
    return this.#ask(`${API}/tasks/${taskId}/cancel`, { method: "POST" });
  }

  async roadmap(roadmapId) {
    return this.#read(`${API}/roadmaps/${roadmapId}`);
  }

  async concept(roadmapId, conceptId) {
    return this.#read(conceptOf(roadmapId, conceptId));
  }

  async regenerate(roadmapId, conceptId, kinds) {
    return this.#ask(`${conceptOf(roadmapId, conceptId)}/regenerate`, { method: "POST", body: { kinds } });
  }

  async #read(path) {
    return this.#ask(path, {}, true);
  }

  /** What has a key is the same task however often it is sent. */
  async #send(path, body, key) {
    return this.#ask(path, { method: "POST", body, headers: { "Idempotency-Key": key || newKey() } }, true);
  }

  /** Ask, and ask again where it failed in passing and cannot do anything twice. */
  async #ask(path, options, repeatable = false) {
    for (let tried = 0; ; tried += 1) {
      try {
        return (await this.http.request(path, options)).data;
      } catch (error) {
        const pause = tried < this.#retries ? pauseMs(error, repeatable, tried, this.#random) : null;
        if (pause === null) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async events(taskId, { after = 0 } = {}) {
    return (await this.#read(`${API}/tasks/${taskId}/events?after=${after}&limit=${PAGE}`)).events;
  }
}

function partOf(taskId, step, key) {
  return `${API}/tasks/${taskId}/parts/${encodeURIComponent(step)}/${encodeURIComponent(key)}`;
}

function conceptOf(roadmapId, conceptId) {
  return `${API}/roadmaps/${roadmapId}/concepts/${encodeURIComponent(conceptId)}`;
}

/** How long to wait before a request is sent again; null when it is not. */
function pauseMs({ temporary, status, retryAfterMs }, repeatable, tried, random) {
  const refused = status === 429; // it did nothing, and comes back when it is asked to
  if (!temporary || (refused ? retryAfterMs === null : !repeatable) || retryAfterMs > LONGEST_HINT_MS) return null;
  return Math.max(retryAfterMs ?? 0, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tried) * (0.5 + random() / 2));
}

function query(values) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const each of [value].flat()) if (each !== undefined && each !== null) given.append(name, each);
  }
  return given.size ? `?${given}` : "";
}
