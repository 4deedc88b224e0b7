/** A field that leaves of a roadmap's outline what has some words: in a title, a description, or a text that the server has. */

import { get, noticeRefusal } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { recall, remember } from "../lib/place.js";
import { announce } from "../lib/say.js";
import { kindName } from "../lib/words.js";
import { around, pieces } from "../model/found.js";

const PAUSE_MS = 250;

/**
 * @param {string} roadmapId
 * @param {{show: (hits: Map<string, any>|null) => number, changed: () => void}} how `show` gets what is found by concept,
 *   null for everything, and returns how many concepts that are; `changed` is called after it.
 * @param {any[]} concepts
 */
export function finding(roadmapId, { show, changed }, concepts) {
  /** What the server found, by the words that it was asked for. */
  const texts = new Map();
  let timer = 0;
  const result = h("p.quiet", { hidden: true, role: "status" });
  const field = h("input", {
    type: "search", "aria-label": t`Search titles and texts`, placeholder: t`Search titles and texts`, maxLength: 200,
    dir: "auto", value: recall("words", ""), oninput: find,
  });
  return { field, result, find };

  function find() {
    const words = field.value.trim();
    remember("words", field.value);
    clearTimeout(timer);
    if (words && !texts.has(words)) timer = window.setTimeout(() => ask(words), PAUSE_MS);
    draw(words);
  }

  async function ask(words) {
    try {
      const { found } = await get(`/roadmaps/${roadmapId}/search?q=${encodeURIComponent(words)}`);
      texts.set(words, found);
    } catch (error) {
      noticeRefusal(error);
      texts.set(words, null);
      timer = window.setTimeout(() => texts.delete(words), PAUSE_MS); // the next letter asks again
    }
    if (field.value.trim() !== words) return;
    draw(words);
    announce(result.textContent);
  }

  function draw(words) {
    const count = show(words ? hits(words) : null);
    result.hidden = !words;
    const found = texts.get(words);
    result.textContent = found === undefined ? t`Searching the texts …`
      : `${count ? t`${count} found` : t`Nothing found.`}${found ? "" : ` ${t`The texts could not be searched: only titles and descriptions were.`}`}`;
    changed();
  }

  /** Where the words stand in each concept: what to show of it, nothing for a title, which is seen anyway. */
  function hits(words) {
    const found = new Map();
    for (const { concept_id: id, kind, excerpt } of texts.get(words) ?? []) {
      found.set(id, h("p.found", { dir: "auto" }, h("span.found-in", {}, `${kindName(kind)}: `), marked(excerpt, words)));
    }
    for (const { concept_id: id, title, description } of concepts) {
      if (pieces(title, words).length > 1) found.set(id, found.get(id) ?? null);
      else if (pieces(description, words).length > 1) found.set(id, h("p.found", { dir: "auto" }, marked(around(description, words), words)));
    }
    return found;
  }
}

const marked = (text, words) => pieces(text, words).map((piece, at) => (at % 2 ? h("mark", {}, piece) : piece));
