/** A word between the tabs of one browser: what one did, the others see at once. */

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("roadmap") : null;

/** Tell the other tabs. */
export function tell(message) {
  channel?.postMessage(message);
}

/** Hear what other tabs tell. */
export function hear(callback) {
  channel?.addEventListener("message", (event) => callback(event.data));
}
