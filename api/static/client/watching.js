/** What following a task and following an inbox have in common. */

import { Verdict } from "./connection.js";
import { ApiError } from "./http.js";

export const API = "/api/v1";
/** As many events as the API gives at a time. */
export const PAGE = 500;

/** After one of these a task goes on only when somebody retries it. */
export const TERMINAL_EVENTS = new Set([
  "task_completed", "task_partially_failed", "task_failed", "task_cancelled",
]);
export const TERMINAL_STATUSES = new Set(["completed", "partial_failure", "failed", "cancelled"]);

/** Calls handlers, whose own errors, now or later, must not break the stream; after `end()`, none. */
export function telling(handlers) {
  let over = false;
  const tell = async (name, ...values) => {
    try {
      if (!over) await handlers[name]?.(...values);
    } catch (error) {
      (globalThis.reportError ?? console.error)(error);
    }
  };
  return Object.assign(tell, { end: () => void (over = true) });
}

export function ladder(available, { transports, WebSocket }) {
  const usable = transports.filter((name) => name !== "websocket" || WebSocket);
  return usable.map((name) => ({ name, run: available[name] }));
}

/** Tell whether to come back: an unreadable answer, or a proxy's 404 for what was `known`, is not the API's word. */
export function verdictOf(error, tell, { known = false } = {}) {
  const absent = known && error.status === 404 && !error.problem.code;
  if (!(error instanceof ApiError) || error.temporary || absent) {
    return { verdict: Verdict.UNREACHABLE, retryAfterMs: error.retryAfterMs ?? 0 };
  }
  tell("onError", error);
  return { verdict: Verdict.REFUSED };
}
