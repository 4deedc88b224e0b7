/** A tutorial on the page: sanitised HTML of the API, made comfortable to read. */

import { h, icon, iconButton } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
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
  return comfortable(element);
}

/** Let a text's code be copied, its tables scroll, its links open beside the page. */
export function comfortable(element) {
  element.querySelectorAll("pre").forEach(comfortableCode);
  element.querySelectorAll("table").forEach(scrollable);
  element.dir = directionOf(element.querySelector("p")?.textContent ?? "");
  element.querySelectorAll("p, td, th").forEach((each) => (each.dir = "auto"));
  // of these "auto" would ask only the words outside of the paragraphs within
  element.querySelectorAll("ul, ol, li, table, blockquote").forEach((each) => (each.dir = directionOf(each.textContent)));
  element.querySelectorAll("a[href]").forEach((link) => {
    if (link.getAttribute("href").startsWith("#")) return; // a footnote, or a heading of this text
    link.dataset.address = onPaper(link.href);
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  });
  return element;
}

/** An address as people read it: letters of other scripts are letters. */
export function onPaper(address) {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}

/** The side from which a text is read, by its first letter. */
const directionOf = (text) => (/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(text.match(/\p{L}/u)?.[0] ?? "") ? "rtl" : "ltr");

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

function comfortableCode(pre) {
  const box = h("div.code", { dir: "ltr" });
  pre.replaceWith(box);
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", t`Code`);
  const copy = iconButton("copy", t`Copy the code`, async () => {
    await navigator.clipboard.writeText(pre.textContent);
    announce(t`Copied`);
    copy.classList.add("is-copied");
    setTimeout(() => copy.classList.remove("is-copied"), 1500);
  });
  const language = pre.querySelector("code")?.className.match(/language-([\w+#.-]+)/)?.[1];
  const label = language && h("span.code-language", {}, language === "mermaid" ? t`Diagram, as Mermaid code` : language);
  box.append(pre, ...[label, navigator.clipboard && copy].filter(Boolean));
}

function scrollable(table) {
  const box = h("div.table", { tabIndex: 0, role: "region", "aria-label": t`Table` });
  table.replaceWith(box);
  box.append(table);
}
