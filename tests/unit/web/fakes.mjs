/** A server in memory: a log per task, and transports that break when told to. */

export const TASK = "01990000-0000-7000-8000-000000000000";

export function event(seq, type = "step_started") {
  return { seq, task_id: TASK, type, message: `number ${seq}`, data: {} };
}

export class Server {
  log = [];
  status = "processing";
  down = false;
  refuse = null;
  /** What another server says instead: `{ status, body, headers }`. */
  instead = null;
  webSocketsWork = true;
  sseWorks = true;
  /** So much of a stream comes through a proxy that keeps the rest: "" for nothing, null for all. */
  sseOnly = null;
  requests = [];
  sockets = [];
  streams = [];
  inbox = [];

  commit(...events) {
    for (const each of events) this.log.push(each);
  }

  /** Commit, and send to everybody who follows live. */
  send(...events) {
    this.commit(...events);
    this.push(...events);
  }

  /** Send without committing: copies that are early, late, or double. */
  push(...messages) {
    for (const socket of this.sockets) {
      for (const message of messages) socket.onmessage?.({ data: JSON.stringify(message) });
    }
    for (const stream of this.streams) {
      for (const message of messages) stream.write(message);
    }
  }

  /** End the task: commit its last event and close everything in order. */
  finish(type = "task_completed", status = "completed") {
    this.status = status;
    this.send(event(this.log.length + 1, type));
    this.cut(1000);
  }

  cut(code = 1006) {
    for (const socket of this.sockets.splice(0)) socket.onclose?.({ code, reason: "" });
    for (const stream of this.streams.splice(0)) stream.end();
  }

  fetch = async (address, options = {}) => {
    const url = new URL(address);
    this.requests.push({ path: url.pathname, query: url.searchParams, ...options });
    if (this.down) throw new TypeError("fetch failed");
    if (this.instead) return new Response(this.instead.body, this.instead);
    if (this.refuse) return json({ code: "refused", detail: "No." }, this.refuse);
    if (url.pathname.endsWith("/stream-tickets")) return json({ ticket: "t1", expires_in: 60 }, 201);
    if (url.pathname.endsWith("/notifications")) {
      const page = this.inbox.slice(0, Number(url.searchParams.get("limit")));
      return json({ notifications: page, unread: this.inbox.length, next_cursor: null });
    }
    if (url.pathname.endsWith("/events")) return this.#events(url, options);
    if (url.pathname.endsWith("/stream")) return this.#stream(url, options);
    return json({ task_id: TASK, status: this.status, last_seq: this.log.at(-1)?.seq ?? 0 });
  };

  /** The class to use for WebSocket. */
  get WebSocket() {
    const server = this;
    return class {
      constructor(address) {
        this.url = new URL(address);
        server.requests.push({ path: this.url.pathname, query: this.url.searchParams, ws: true });
        setTimeout(() => this.#open());
      }

      #open() {
        if (server.down || server.instead || !server.webSocketsWork) return this.onclose?.({ code: 1006, reason: "" });
        this.onopen?.();
        const after = Number(this.url.searchParams.get("after"));
        for (const each of server.log.filter((entry) => entry.seq > after)) {
          this.onmessage?.({ data: JSON.stringify(each) });
        }
        if (server.status === "completed") this.onclose?.({ code: 1000, reason: "" });
        else server.sockets.push(this);
      }

      close() {
        server.sockets = server.sockets.filter((socket) => socket !== this);
        setTimeout(() => this.onclose?.({ code: 1006, reason: "" }));
      }
    };
  }

  async #events(url, options) {
    const after = Number(url.searchParams.get("after"));
    const found = () => this.log.filter((entry) => entry.seq > after);
    const deadline = Date.now() + 1000 * Number(url.searchParams.get("wait") ?? 0);
    while (!found().length && Date.now() < deadline && this.status === "processing") {
      if (options.signal?.aborted) throw new DOMException("aborted", "AbortError");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return json({ events: found(), next_after: found().at(-1)?.seq ?? after });
  }

  #stream(url, { signal }) {
    if (!this.sseWorks) return json({ code: "broken" }, 500);
    const after = Number(url.searchParams.get("after"));
    const missed = this.log.filter((entry) => entry.seq > after);
    if (this.status === "completed" && !missed.length) return new Response(null, { status: 204 });
    const encoder = new TextEncoder();
    const server = this;
    const body = new ReadableStream({
      start(controller) {
        signal.addEventListener("abort", () => {
          server.streams = [];
          controller.error(new DOMException("aborted", "AbortError"));
        });
        if (server.sseOnly) controller.enqueue(encoder.encode(server.sseOnly));
        if (server.sseOnly !== null) return;
        const write = (message) =>
          controller.enqueue(encoder.encode(`id: ${message.seq}\ndata: ${JSON.stringify(message)}\n\n`));
        controller.enqueue(encoder.encode(": ping\n"));
        missed.forEach(write);
        if (server.status === "completed") return controller.close();
        server.streams.push({ write, end: () => controller.close() });
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }
}

function json(body, status = 200) {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

/** Wait until something is true. */
export async function until(condition, what = "the condition", withinMs = 15_000) {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
