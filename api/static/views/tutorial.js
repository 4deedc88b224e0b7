/** A tutorial on the page: sanitised HTML of the API, made comfortable to read. */

import { h, iconButton } from "../lib/dom.js";
import { announce } from "../lib/say.js";

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
  element.querySelectorAll("pre").forEach(comfortableCode);
  element.querySelectorAll("table").forEach(scrollable);
  element.querySelectorAll("a[href]").forEach((link) => {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  });
  return element;
}

function same(a, b) {
  const plain = (text) => text.trim().toLowerCase().replace(/\W+/gu, " ");
  return plain(a) === plain(b);
}

/** The page has its own h1; the text's highest heading becomes h2, the others follow. */
function lowerHeadings(element) {
  const headings = [...element.querySelectorAll("h1, h2, h3, h4, h5, h6")];
  const highest = Math.min(...headings.map((heading) => Number(heading.tagName[1])));
  for (const heading of headings) {
    const level = Math.min(6, Number(heading.tagName[1]) - highest + 2);
    heading.replaceWith(h(`h${level}`, {}, ...heading.childNodes));
  }
}

function comfortableCode(pre) {
  const box = h("div.code");
  pre.replaceWith(box);
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", "Code");
  const copy = iconButton("copy", "Copy the code", async () => {
    await navigator.clipboard.writeText(pre.textContent);
    announce("Copied");
    copy.classList.add("is-copied");
    setTimeout(() => copy.classList.remove("is-copied"), 1500);
  });
  box.append(pre, navigator.clipboard ? copy : "");
}

function scrollable(table) {
  const box = h("div.table", { tabIndex: 0, role: "region", "aria-label": "Table" });
  table.replaceWith(box);
  box.append(table);
}
