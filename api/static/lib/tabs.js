/** Messages between the tabs of one browser, so that all of them show what one of them did. */

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("roadmap") : null;

/** Tell the other tabs. */
export function tell(message) {
  channel?.postMessage(message);
}

/** Hear what other tabs tell. */
export function hear(callback) {
  channel?.addEventListener("message", (event) => callback(event.data));
}
