/** Small things that several pages show. */

import { h, said } from "../lib/dom.js";
import { SERVERS, figure, list, t, within } from "../lib/i18n.js";
import { CONTENT_STATE, STATUS, TONE, cause, kindName } from "../lib/words.js";

const LONG = 110;

/** A status in words. */
export function chip(status) {
  return h(`span.chip.is-${TONE[status]}`, {}, STATUS[status]);
}

/** A page's title, whatever its length: three lines of it, and the rest when it is asked for. */
export function heading(text, { lang = null } = {}) {
  const title = said("h1", text, { lang });
  if (text.length <= LONG) return title;
  title.classList.add("is-long");
  const more = h("button.link.more", { type: "button", "aria-expanded": "false", onclick: () => {
    const whole = title.classList.toggle("is-whole");
    more.setAttribute("aria-expanded", String(whole));
    more.textContent = whole ? t`Show less` : t`Show all of it`;
  } }, t`Show all of it`);
  return h("div.long-title", {}, title, more);
}

const LONG_TREE = 60;

/** Let only what is seen of a long tree be laid out: how high the rest is about, it is told. */
export function markLong(tree, concepts) {
  tree.classList.toggle("is-long-tree", concepts > LONG_TREE);
}

/** Tell how high a module of so many concepts is about, as long as nobody has seen it. */
export function sized(module, concepts) {
  module.style.containIntrinsicBlockSize = `auto ${2 + 2.7 * concepts}rem`;
  return module;
}

/** The small marks of a concept, one for each content. */
export function marks(contents) {
  return h("span.marks", {}, Object.entries(contents).map(([kind, { status }]) => {
    const mark = h("span.mark", { role: "img", dataset: { kind } });
    setMark(mark, kind, status);
    return mark;
  }));
}

/** Let a mark tell another state. */
export function setMark(mark, kind, status) {
  if (mark.dataset.state === status) return;
  mark.dataset.state = status;
  const words = `${kindName(kind)} ${CONTENT_STATE[status]}`;
  mark.setAttribute("aria-label", words);
  mark.title = words;
}

/** What the marks mean. */
export function legend({ kinds }) {
  return h("p.legend", {},
    h("span", {}, t`Each concept: ${list(kinds.map(({ name }) => within(kindName(name))))}.`),
    Object.entries(CONTENT_STATE).map(([state, words]) =>
      h("span", { dataset: { means: state } }, h("span.mark", { "aria-hidden": "true", dataset: { state } }), words)));
}

/** Let a legend explain what there is: nothing once all is simply there, and while it may change every state. */
export function explain(legend, states, over) {
  const found = new Set(states);
  legend.hidden = over && [...found].every((state) => state === "completed");
  for (const each of legend.querySelectorAll("[data-means]")) each.hidden = over && !found.has(each.dataset.means);
}

/** Why something failed, and what helps. */
export function causeInWords(error) {
  const [what, help] = cause(error);
  return [h("span", { lang: what === error.message ? SERVERS : null }, what), help && ` ${help}`];
}

/** A bar of counts: so many ready, failed, being written, of so many. */
export function meter() {
  const parts = ["completed", "failed", "running"].map((state) => h(`span.meter-part.is-${state}`));
  const bar = h("div.meter", { role: "progressbar", "aria-label": t`Contents`, "aria-valuemin": "0" }, parts);
  return {
    element: bar,
    set({ done, failed, running, total }) {
      [done, failed, running].forEach((number, at) => {
        const share = `${total ? (100 * number) / total : 0}%`;
        if (parts[at].style.width !== share) parts[at].style.width = share;
      });
      bar.setAttribute("aria-valuemax", String(total || 1));
      bar.setAttribute("aria-valuenow", String(done));
      bar.setAttribute("aria-valuetext", t`${figure(done)} of ${figure(total)} ready, ${figure(failed)} failed`);
    },
  };
}
