/** A tutorial on the page: sanitised HTML of the API, made comfortable to read. */

import { h, icon } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { comfortable } from "./comfortable.js";

// the one way from text to HTML, named in the content security policy; the API has sanitised it
const policy = globalThis.trustedTypes?.createPolicy("tutorial", { createHTML: (html) => html });

/** Return the tutorial's HTML as an element, its headings one level below the page's title. */
export function tutorial(html, title) {
  const element = h("div.prose");
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(html) : html;
  element.append(template.content);
  const first = element.firstElementChild;
  if (first?.tagName === "H1" && same(first.textContent, title)) first.remove();
  lowerHeadings(element);
  return comfortable(element);
}

/** The headings of a text, as the contents of the page. */
export function headingsOf(element) {
  return [...element.querySelectorAll("h2, h3")].map((each) => ({
    id: each.id, text: each.dataset.title, level: Number(each.tagName[1]),
  }));
}

function same(a, b) {
  const plain = (text) => text.trim().toLowerCase().replace(/\W+/gu, " ");
  return plain(a) === plain(b);
}

/** The page has its own h1; the text's highest heading becomes h2, the others follow. Each has an address. */
function lowerHeadings(element) {
  const headings = [...element.querySelectorAll("h1, h2, h3, h4, h5, h6")];
  const highest = Math.min(...headings.map((heading) => Number(heading.tagName[1])));
  const taken = new Set();
  for (const heading of headings) {
    const level = Math.min(6, Number(heading.tagName[1]) - highest + 2);
    const text = heading.textContent.trim();
    const id = slug(text, taken);
    heading.replaceWith(h(`h${level}`, { id, dir: "auto", dataset: { title: text } }, ...heading.childNodes,
      h("a.anchor", { href: `#${id}`, "aria-label": t`Link to “${text}”` }, icon("link"))));
  }
}

function slug(text, taken) {
  const plain = text.toLocaleLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "part";
  // our own sections have plain names: a heading called "Quiz" must not take theirs
  let id = `text-${plain}`.slice(0, 80);
  for (let number = 2; taken.has(id); number++) id = `text-${plain.slice(0, 70)}-${number}`;
  taken.add(id);
  return id;
}
