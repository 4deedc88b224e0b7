/** Makes a text on the page comfortable to read, whoever turned it into HTML. */

import { h, iconButton } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { announce } from "../lib/say.js";
import { onPaper } from "../lib/words.js";

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

/** The side from which a text is read, by its first letter. */
const directionOf = (text) => (/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(text.match(/\p{L}/u)?.[0] ?? "") ? "rtl" : "ltr");

function comfortableCode(pre) {
  const box = h("div.code", { dir: "ltr" });
  pre.replaceWith(box);
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", t`Code`);
  const copy = iconButton("copy", t`Copy the code`, async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent);
    } catch {
      return getSelection().selectAllChildren(pre); // it is marked, to be copied from there
    }
    announce(t`Copied`);
    copy.classList.add("is-copied");
    setTimeout(() => copy.classList.remove("is-copied"), 1500);
  });
  const language = pre.querySelector("code")?.className.match(/language-([\w+#.-]+)/)?.[1];
  const label = language && h("span.code-language", {}, language === "mermaid" ? t`Diagram, as Mermaid code` : language);
  box.append(pre, ...[label, copy].filter(Boolean));
}

function scrollable(table) {
  const box = h("div.table", { tabIndex: 0, role: "region", "aria-label": t`Table` });
  table.replaceWith(box);
  box.append(table);
}
