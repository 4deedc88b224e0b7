/** Markdown on the page, made of elements: no HTML of anybody's is ever read. */

import { h } from "../lib/dom.js";
import { blocks } from "../model/markdown.js";
import { comfortable } from "./comfortable.js";

/** The page has its own headings: those of a text begin below them. */
const HIGHEST = 3;
const LONGEST = 200_000;

/** @param {string} text @returns {any} What is very long is shown as it is. */
export function markdown(text) {
  if (text.length > LONGEST) return h("pre.plain-text", { dir: "auto", tabIndex: 0 }, text);
  return comfortable(h("div.prose", {}, blocks(text).map(block)));
}

/** Return the blocks of a text that is still arriving; the finished one comes rendered from the server. */
export function streamed(text) {
  return blocks(text).map(block);
}

function block(each) {
  switch (each.type) {
    case "heading": return h(`h${Math.min(6, HIGHEST - 1 + each.level)}`, { dir: "auto" }, spans(each.inline));
    case "code": return h("pre", {}, h("code", { dir: "ltr", class: each.language ? `language-${each.language}` : null }, each.text));
    case "quote": return h("blockquote", {}, each.blocks.map(block));
    case "rule": return h("hr");
    case "list": return h(each.ordered ? "ol" : "ul", { start: each.ordered && each.first !== 1 ? each.first : null }, each.items.map(item));
    case "table": return h("table", {}, h("thead", {}, h("tr", {}, each.head.map((cell) => h("th", { scope: "col" }, spans(cell))))),
      h("tbody", {}, each.rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, spans(cell)))))));
    default: return h("p", { dir: "auto" }, spans(each.inline));
  }
}

function item({ done, blocks: inner }) {
  const tight = inner.length === 1 && inner[0].type === "paragraph";
  const box = done === null ? null : h("input", { type: "checkbox", checked: done, disabled: true });
  return h("li", {}, box, box && " ", tight ? spans(inner[0].inline) : inner.map(block));
}

function spans(inline) {
  return inline.map((each) => {
    if (typeof each === "string") return each;
    if (each.type === "break") return h("br");
    if (each.type === "code") return h("code", { dir: "ltr" }, each.text);
    if (each.type === "link") return h("a", { href: each.href }, spans(each.inline));
    return h(each.type, {}, spans(each.inline));
  });
}
