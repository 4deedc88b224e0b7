/** Messages beside the page's contents: for screen readers, and as notes that go by themselves. */

import { h, icon, said } from "./dom.js";
import { t } from "./i18n.js";

const QUIET_MS = 4000;
const NOTE_MS = 8000;
const MOST = 3;
/** Tasks whose end the page itself tells in its own words: the bell need not. */
export const settledHere = new Set();
let saidAt = 0;
let waiting = null;
let timer = 0;

/** Say something to screen readers: the newest of many, and not more often than bearable. */
export function announce(text) {
  waiting = text;
  clearTimeout(timer);
  timer = window.setTimeout(() => {
    saidAt = Date.now();
    document.getElementById("polite").textContent = waiting;
  }, Math.max(100, saidAt + QUIET_MS - Date.now()));
}

/**
 * Show a note for a while; an error also interrupts screen readers. It stays while somebody is at it.
 *
 * @param {string} text
 * @param {{tone?: string, href?: string|null, label?: string, action?: {label: string, run: () => void}|null}} [how]
 */
export function note(text, { tone = "plain", href = null, label = t`Open`, action = null } = {}) {
  let closing = 0;
  const close = () => box.remove();
  const later = () => (closing = window.setTimeout(close, NOTE_MS));
  const box = h(`div.toast.is-${tone}`, { onmouseenter: () => clearTimeout(closing), onmouseleave: later, onfocusin: () => clearTimeout(closing), onfocusout: later },
    said("p", [text, href && [" ", h("a", { href }, label)]]),
    action && h("button.link", { type: "button", onclick: () => {
      close();
      action.run();
    } }, action.label),
    h("button.icon-button", { type: "button", "aria-label": t`Dismiss`, onclick: close }, icon("cross")));
  const place = document.getElementById("toasts");
  place.append(box);
  while (place.children.length > MOST) place.firstElementChild.remove();
  if (tone === "bad") document.getElementById("assertive").textContent = text;
  else announce(text);
  later();
}
