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

/**
 * Calls handlers, whose own errors must not break the stream; those of an `async` one come later.
 * After `end()` it calls none, whatever was asked before and is answered now.
 */
export function telling(handlers) {
  let over = false;
  const report = (error) => (globalThis.reportError ?? console.error)(error);
  const tell = (name, ...values) => {
    if (over) return;
    try {
      const promised = handlers[name]?.(...values);
      if (typeof promised?.then === "function") promised.then(undefined, report);
    } catch (error) {
      report(error);
    }
  };
  return Object.assign(tell, { end: () => void (over = true) });
}

export function ladder(available, { transports, WebSocket }) {
  const usable = transports.filter((name) => name !== "websocket" || WebSocket);
  return usable.map((name) => ({ name, run: available[name] }));
}

/**
 * Tell whether it is worth coming back. What is no problem of the API's own is not its word: an answer that cannot be
 * read, or, where it was `known` before, the 404 of what stands in front of an API that starts anew.
 */
export function verdictOf(error, tell, { known = false } = {}) {
  const absent = known && error.status === 404 && !error.problem.code;
  if (!(error instanceof ApiError) || error.temporary || absent) {
    return { verdict: Verdict.UNREACHABLE, retryAfterMs: error.retryAfterMs ?? 0 };
  }
  tell("onError", error);
  return { verdict: Verdict.REFUSED };
}
