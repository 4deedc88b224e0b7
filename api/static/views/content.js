/** A content of a kind that the page has no view of its own for: whatever it has, in order. */

import { h } from "../lib/dom.js";
import { capitalized } from "../lib/words.js";
import { drawn } from "../model/contents.js";
import { tutorial } from "./tutorial.js";

/**
 * @param {object} content As the API gives it: its fields, `version`, and `html` of its text.
 * @param {{text: string|undefined, title: string}} how `text` is the field that `html` stands for.
 */
export function anyContent({ html, ...fields }, { text, title }) {
  delete fields.version;
  if (html === undefined) return h("div.any-content", {}, view(drawn(fields)));
  delete fields[text];
  return [tutorial(html, title), h("div.any-content", {}, view(drawn(fields)))];
}

/** @param {any} drawn @returns {any} */
function view({ text, points, fields }) {
  if (points) return h("ul", {}, points.map((point) => h("li", {}, view(point))));
  if (fields) return h("dl", {}, fields.map(([name, value]) => [h("dt", { lang: "en" }, capitalized(name)), h("dd", {}, view(value))]));
  return h("p", { dir: "auto" }, text);
}
