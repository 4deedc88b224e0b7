/**
 * Where a person was on a page: how far down, what was open, how many rows were loaded. It belongs to
 * the entry of the browser's history, so that "Back", "Forward" and a reload find it, and a new visit
 * begins afresh.
 */

const KEY = "roadmap.place.";
const LEFT = "roadmap.left";
const MOST_LEFT = 40;
/** Behind an address: go on where one was when one left it, in any tab. */
export const ON = "#on";
const SETTLING_MS = 3000;
const REST_MS = 120;

const entry = (history.state?.entry ?? newEntry());
const remembered = readPlace();
const state = { ...remembered };
let restored = false;
let timer = 0;

if ("scrollRestoration" in history) history.scrollRestoration = "manual";
addEventListener("scroll", () => {
  clearTimeout(timer);
  timer = setTimeout(note, REST_MS);
}, { passive: true });
addEventListener("pagehide", note);
document.addEventListener("visibilitychange", note);

/** Return what was remembered of this visit under a name. */
export const recall = (name, otherwise = null) => state[name] ?? otherwise;

/** Remember something of this visit. */
export function remember(name, value) {
  state[name] = value;
  write();
}

/** Change the address without a new visit. */
export function readdress(address) {
  history.replaceState({ ...history.state, entry }, "", address);
}

/** Go where the address or the last visit was, once the page has drawn what stands there. */
export function settle() {
  const wanted = remembered?.top ?? (location.hash === ON ? left()[location.pathname] : null) ?? null;
  restored = true;
  if (wanted === null) return toAnchor();
  const until = Date.now() + SETTLING_MS;
  // what comes later moves things: go on until it is reached, or the person scrolls
  const stop = new AbortController();
  for (const kind of ["wheel", "touchstart", "keydown", "pointerdown"]) {
    addEventListener(kind, () => stop.abort(), { signal: stop.signal, passive: true });
  }
  (function again() {
    if (stop.signal.aborted) return;
    scrollTo({ top: wanted, behavior: "instant" });
    if (Math.abs(scrollY - wanted) > 2 && Date.now() < until) requestAnimationFrame(again);
    else stop.abort();
  })();
}

/** Scroll to what the address names after `#`. */
export function toAnchor() {
  const id = decodeURIComponent(location.hash.slice(1));
  const target = id && document.getElementById(id);
  if (!target) return;
  target.scrollIntoView({ behavior: "instant", block: "start" });
  if (!target.hasAttribute("tabindex")) target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

function note() {
  clearTimeout(timer);
  if (!restored) return;
  state.top = Math.round(scrollY);
  write();
  if (!location.pathname.includes("/concepts/")) return;
  const { [location.pathname]: _, ...others } = left();
  try {
    localStorage.setItem(LEFT, JSON.stringify(Object.fromEntries([...Object.entries(others).slice(1 - MOST_LEFT), [location.pathname, state.top]])));
  } catch {
    // as above
  }
}

function left() {
  try {
    return JSON.parse(localStorage.getItem(LEFT) ?? "{}");
  } catch {
    return {};
  }
}

function write() {
  try {
    sessionStorage.setItem(KEY + entry, JSON.stringify(state));
  } catch {
    // it is a convenience
  }
}

function readPlace() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY + entry) ?? "null");
  } catch {
    return null;
  }
}

function newEntry() {
  const made = Math.random().toString(36).slice(2);
  history.replaceState({ ...history.state, entry: made }, "");
  return made;
}
