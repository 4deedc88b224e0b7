/**
 * Elements from data. Text only ever becomes text: nothing here parses HTML, and style attributes
 * are not used, so that the page lives under a strict content security policy.
 */

/** The sub-path at which a proxy shows these pages; nothing at the root. */
export const BASE = document.documentElement.dataset.base ?? "";

/** Return the address of a page of ours. */
export const to = (path) => BASE + path;

/**
 * Make an element.
 *
 * @param {string} tag Its name, with classes after dots: `p.notice.is-bad`.
 * @param {object} props `on…` are listeners, properties of the element are set, the rest become
 *   attributes; null, undefined and false are left out.
 * @param {...any} children Nodes, texts, numbers, lists of them; null, undefined and booleans are
 *   left out, so that `condition && …` and `condition || …` may stand among them.
 * @returns {any} The element, as what it is.
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props ?? {})) set(element, key, value);
  element.append(...nodes(children));
  return element;
}

function set(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key === "href" && /^\/(?!\/)/.test(value)) value = to(value);
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (key === "dataset") Object.assign(element.dataset, value);
  else if (key === "class") element.classList.add(...value.split(" ").filter(Boolean));
  else if (key in element && !key.startsWith("aria") && key !== "role" && key !== "list") {
    element[key] = value;
  } else element.setAttribute(key, value === true ? "" : value);
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && typeof child !== "boolean")
    .map((child) => (child instanceof Node ? child : String(child)));
}

/**
 * Replace what an element contains.
 *
 * @returns {any} The element.
 */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** Fill an element anew; who is at a link, a button or a field in it is then at the one that is called alike. */
export function refill(element, ...children) {
  const at = document.activeElement;
  const held = at && element.contains(at) && signOf(at);
  fill(element, ...children);
  if (held) [...element.querySelectorAll("a, button, input, select, textarea, summary")].find((each) => signOf(each) === held)?.focus({ preventScroll: true });
}

const signOf = (element) => element.tagName + (element.getAttribute("href") ?? element.getAttribute("aria-label") ?? (element.id || element.textContent));

/**
 * Make a place whose contents are made anew only when what they are made from is another: what a
 * person typed, ticked, opened or selected inside stays through everything else that happens.
 *
 * @param {any} [element] The place itself.
 */
export function slot(element = h("div")) {
  let shown = null;
  return {
    element,
    /** Show what `make` returns, made from `state` (anything that JSON can tell); tell whether it was made anew. */
    show(state, make) {
      const now = JSON.stringify(state ?? null);
      if (now === shown) return false;
      shown = now;
      refill(element, make());
      return true;
    },
    /** Let the next `show` make it anew. */
    forget() {
      shown = null;
    },
  };
}

/** What a person or a model wrote: in its own direction, and in its language where that is known. */
export function said(tag, text, props = {}) {
  return h(tag, { dir: "auto", ...props }, text);
}

/** Set an element's text, when it differs. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const SVG = "http://www.w3.org/2000/svg";

/** Make an element of SVG; all props are attributes. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(key, key === "href" && value.startsWith("/") ? to(value) : value);
  }
  element.append(...nodes(children));
  return element;
}

const ICONS = {
  bell: "M12 3a6 6 0 0 0-6 6v4l-2 3h16l-2-3V9a6 6 0 0 0-6-6zM10 19a2 2 0 0 0 4 0",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5 19 19M5 19l1.5-1.5M17.5 6.5 19 5",
  moon: "M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5z",
  check: "M5 12.5 10 17.5 19 7",
  cross: "M6 6l12 12M18 6 6 18",
  arrow: "M5 12h14M13 6l6 6-6 6",
  back: "M19 12H5M11 6l-6 6 6 6",
  help: "M9.2 9.5a2.9 2.9 0 1 1 4.3 2.4c-1 .6-1.5 1-1.5 2M12 17.3h.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5",
  list: "M4 6h16M4 12h16M4 18h10",
  print: "M7 9V4h10v5M7 17H4v-6a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v6h-3M7 14h10v6H7z",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  copy: "M9 9h10v11H9zM5 15V4h10",
  out: "M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5",
};

/** Add icons that few pages need. */
export const addIcons = (more) => Object.assign(ICONS, more);

/** Make a decorative icon. */
export function icon(name) {
  return svg(
    "svg",
    { viewBox: "0 0 24 24", class: `icon icon-${name}`, "aria-hidden": "true", focusable: "false" },
    svg("path", { d: ICONS[name] }),
  );
}

/** Make a button with an icon and words for those who do not see it. */
export function iconButton(name, label, onclick, props = {}) {
  return h("button.icon-button", { type: "button", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

/** Wait until what was drawn so far is seen; not for long where nobody looks. */
export const painted = () => new Promise((resolve) => {
  requestAnimationFrame(() => setTimeout(resolve));
  setTimeout(resolve, 200);
});

/** Run an action of a button once at a time: a second click while it runs does nothing. */
export function guarded(button, action) {
  let busy = false;
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    // the second click of a double click is one with the first, also when the first is over already
    if (busy || event.detail > 1) return;
    busy = true;
    button.setAttribute("aria-disabled", "true");
    button.classList.add("is-busy");
    try {
      await action(event);
    } finally {
      busy = false;
      button.removeAttribute("aria-disabled");
      button.classList.remove("is-busy");
    }
  });
  return button;
}
