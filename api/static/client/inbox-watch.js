/** Follows an inbox: the newest of it at first and after each gap, and every entry once as it comes. */

import { Connection, Verdict } from "./connection.js";
import { polling, serverSentEvents, webSocket } from "./transports.js";
import { API, ladder, telling, verdictOf } from "./watching.js";

const INBOX_POLL_MS = 10_000;
const INBOX_SEEN = 500;
const NEWEST = 50;

export class InboxWatch {
  #http;
  #tell;
  #connection;
  #seen = new Set();
  #newest = null;
  #told = false;
  #atFirst;

  constructor(handlers, options) {
    const { http, WebSocket } = options;
    this.#atFirst = options.atFirst ?? NEWEST;
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

  /** Read the inbox again, whatever was enough at first, and tell it. */
  refresh() {
    return this.#check(NEWEST);
  }

  stop() {
    this.#connection.stop();
    this.#tell.end();
  }

  async #page(limit) {
    const { data } = await this.#http.request(`${API}/notifications?limit=${limit}`);
    return data;
  }

  /** Tell the inbox: what came while nobody listened is in it. */
  async #check(limit = this.#atFirst) {
    try {
      const page = await this.#page(limit);
      page.notifications.forEach((entry) => this.#remember(entry));
      this.#told = true;
      this.#tell("onSnapshot", page);
      return { verdict: Verdict.REACHABLE };
    } catch (error) {
      return verdictOf(error, this.#tell, { known: this.#told });
    }
  }

  async #ask() {
    const first = !this.#told;
    const page = await this.#page(first ? this.#atFirst : NEWEST);
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
