/** Follows a task: every event once and in order, whatever becomes of the connection. */

import { Connection, Verdict } from "./connection.js";
import { polling, serverSentEvents, webSocket } from "./transports.js";
import { API, PAGE, TERMINAL_EVENTS, TERMINAL_STATUSES, ladder, telling, verdictOf } from "./watching.js";

/** After so long without an event the server is asked whether one was missed. */
const QUIET_MS = 25_000;
const FILLS = 5;

export class TaskWatch {
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

  constructor(taskId, handlers, options) {
    const { http, WebSocket } = options;
    const { after = 0, revisitMs = 0 } = handlers; // a copy would lose methods
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

  /** Come back at once, also after the end or a refusal. */
  resume() {
    if (this.#over) return;
    clearTimeout(this.#timer);
    if (this.state.status === "ended" || this.state.status === "refused") this.#connection.start();
    else this.#connection.restart();
  }

  stop() {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#connection.stop();
    this.#tell.end();
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
    if (this.#over || event.seq <= this.lastSeq) return;
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
      return verdictOf(error, this.#tell, { known: this.#task !== null || this.lastSeq > 0 });
    }
  }

  /** Note a sign of life; a long silence is looked into, since a dead socket looks the same. */
  #listen() {
    clearTimeout(this.#timer);
    if (this.#over) return;
    this.#timer = setTimeout(async () => {
      try {
        const task = await this.#look(null);
        if (task.last_seq > this.lastSeq) this.#connection.replace();
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
