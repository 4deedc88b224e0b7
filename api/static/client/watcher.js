/** What follows tasks and an inbox, and asks over HTTP: as much of the client as a page of ours needs. */

import { Http, sendable } from "./http.js";
import { InboxWatch } from "./inbox-watch.js";
import { TaskWatch } from "./task-watch.js";

export class Watcher {
  #options;

  /** @param {any} [options] Described in `roadmap-client.d.ts`. */
  constructor({ baseUrl = "", token = null, getToken, fetch, WebSocket, transports, random } = {}) {
    sendable(token);
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

  watch(taskId, handlers = {}) {
    return new TaskWatch(taskId, handlers, this.#options);
  }

  watchInbox(handlers = {}, how = {}) {
    return new InboxWatch(handlers, { ...this.#options, ...how });
  }
}
