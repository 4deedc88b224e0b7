/** Messages beside the page's contents: for screen readers, and as notes that go by themselves. */

import { h, icon } from "./dom.js";

const QUIET_MS = 4000;
const NOTE_MS = 8000;
let saidAt = 0;
let waiting = null;
let timer = 0;

/** Say something to screen readers: the newest of many, and not more often than bearable. */
export function announce(text) {
  waiting = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    saidAt = Date.now();
    document.getElementById("polite").textContent = waiting;
  }, Math.max(100, saidAt + QUIET_MS - Date.now()));
}

/** Show a note for a while; an error also interrupts screen readers. */
export function note(text, { tone = "plain", href = null, label = "Open" } = {}) {
  const close = () => box.remove();
  const box = h(`div.toast.is-${tone}`, {},
    h("p", {}, text, href && [" ", h("a", { href }, label)]),
    h("button.icon-button", { type: "button", "aria-label": "Dismiss", onclick: close }, icon("cross")));
  document.getElementById("toasts").append(box);
  if (tone === "bad") document.getElementById("assertive").textContent = text;
  else announce(text);
  setTimeout(close, NOTE_MS);
}
