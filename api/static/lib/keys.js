/** Keys of all pages: what can be done from anywhere, and what a page adds. `?` shows them. */

import { h, to } from "./dom.js";
import { t } from "./i18n.js";

/** @type {{keys: string, words: string, run: (event: KeyboardEvent) => void, hidden?: boolean}[]} */
const known = [];
/** @type {{text: string, note: string, about: string, run: () => void}[]} */
let places = [];
let listening = false;

/**
 * Add a key of this page: a letter alone counts outside of fields only; `mod+z` is Ctrl or ⌘ and z.
 *
 * @param {string} keys
 * @param {string} words What it does; nothing is a second way to do what another key does.
 * @param {(event: KeyboardEvent) => void} run
 */
export function onKey(keys, words, run) {
  known.push({ keys, words, run });
}

/** Begin to listen, once; `palette` opens or closes the palette, `help` shows the keys. */
export function listen(palette, help) {
  if (listening) return;
  listening = true;
  onKey("mod+k", t`Go anywhere, do anything`, palette);
  onKey("g", t`Home`, () => location.assign(to("/")));
  onKey("/", t`Search`, (event) => {
    const field = /** @type {HTMLElement|null} */ (document.querySelector("input[type=search]"));
    if (!field) return palette();
    event.preventDefault();
    field.focus();
  });
  onKey("?", t`Show the keys`, help);
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const name = nameOf(event);
    if (!name.startsWith("mod+") && (isTyping(event.target, name) || document.querySelector("dialog[open]"))) return;
    const found = known.find(({ keys }) => keys === name);
    if (!found) return;
    if (name.startsWith("mod+") && name !== "mod+k" && isTyping(event.target)) return; // a field undoes its own
    event.preventDefault();
    found.run(event);
  });
}

/** Let the palette find the concepts of the roadmap that this page is about. */
export function offerConcepts({ roadmap_id: id, stages }) {
  places = stages.flatMap((stage) => stage.modules).flatMap((module) => module.concepts.map((concept) => ({
    text: concept.title, note: module.title, about: concept.description, run: () => location.assign(to(`/roadmaps/${id}/concepts/${concept.concept_id}`)),
  })));
}

/** What the palette finds of this page. */
export const concepts = () => places;

/** What the palette offers of this page. */
export const commands = () => known.filter(({ words }) => words);

function nameOf(event) {
  if (event.altKey) return "";
  const mod = event.metaKey || event.ctrlKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return `${mod ? "mod+" : ""}${mod && event.shiftKey ? "shift+" : ""}${key}`;
}

/** Letters belong to a field; in a menu they choose an entry, which no question mark does. */
function isTyping(target, name = "") {
  return target instanceof HTMLElement
    && (target.isContentEditable || ["INPUT", "TEXTAREA", name === "?" ? "" : "SELECT"].includes(target.tagName))
    && !["checkbox", "radio", "button"].includes(/** @type {HTMLInputElement} */ (target).type);
}

/** A key as it stands on the keyboard. */
export function keyCap(keys) {
  const apple = /Mac|iPhone|iPad/.test(navigator.platform);
  const caps = keys.split("+").map((each) => ({ mod: apple ? "⌘" : "Ctrl", shift: apple ? "⇧" : "Shift" })[each] ?? (each.length === 1 ? each.toUpperCase() : each));
  return h("kbd", {}, caps.join(apple ? "" : "+"));
}
