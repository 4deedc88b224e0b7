/**
 * A text in Markdown while it arrives: shown as far as it is known, by nodes alone. It knows what
 * most texts are made of; the finished text, which comes from the server, knows the rest.
 */

import { h } from "../lib/dom.js";

const INLINE = /(`+)(.+?)\1|\*\*(.+?)\*\*|__(.+?)__|\*([^*\s][^*]*)\*|\[([^\]]+)\]\((https?:[^)\s]+)\)/;
const FENCE = /^ {0,3}(```+|~~~+)\s*(\S*)/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const POINT = /^\s{0,6}(?:([-*+])|(\d{1,9})[.)])\s+(.*)$/;

/** Return a text's blocks as elements. */
export function streamed(text) {
  const lines = text.split("\n");
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) at += 1;
    else if (FENCE.test(line)) at = fenced(lines, at, blocks);
    else if (HEADING.test(line)) {
      const [, marks, words] = line.match(HEADING);
      blocks.push(h(`h${Math.min(6, marks.length + 1)}`, { dir: "auto" }, inline(words)));
      at += 1;
    } else if (POINT.test(line)) at = list(lines, at, blocks);
    else at = paragraph(lines, at, blocks);
  }
  return blocks;
}

function fenced(lines, from, blocks) {
  const [, fence] = lines[from].match(FENCE);
  let at = from + 1;
  while (at < lines.length && !lines[at].trimStart().startsWith(fence)) at += 1;
  blocks.push(h("div.code", { dir: "ltr" }, h("pre", { tabIndex: 0 }, h("code", {}, lines.slice(from + 1, at).join("\n")))));
  return at + 1;
}

function list(lines, from, blocks) {
  const numbered = Boolean(lines[from].match(POINT)[2]);
  const points = [];
  let at = from;
  for (; at < lines.length; at++) {
    const point = lines[at].match(POINT);
    if (point) points.push(point[3]);
    else if (lines[at].trim() && /^\s+/.test(lines[at])) points[points.length - 1] += ` ${lines[at].trim()}`;
    else break;
  }
  blocks.push(h(numbered ? "ol" : "ul", {}, points.map((words) => h("li", { dir: "auto" }, inline(words)))));
  return at;
}

function paragraph(lines, from, blocks) {
  let at = from + 1;
  while (at < lines.length && lines[at].trim() && !FENCE.test(lines[at]) && !HEADING.test(lines[at]) && !POINT.test(lines[at])) at += 1;
  const quoted = lines[from].startsWith(">");
  const words = lines.slice(from, at).map((line) => (quoted ? line.replace(/^>\s?/, "") : line)).join(" ");
  const block = h("p", { dir: "auto" }, inline(words));
  blocks.push(quoted ? h("blockquote", {}, block) : block);
  return at;
}

function inline(text) {
  const found = text.match(INLINE);
  if (!found) return [text];
  const [all, , code, strong, strongToo, slanted, words, address] = found;
  const node = code !== undefined ? h("code", {}, code)
    : address ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, inline(words))
      : slanted ? h("em", {}, inline(slanted)) : h("strong", {}, inline(strong ?? strongToo));
  return [text.slice(0, found.index), node, ...inline(text.slice(found.index + all.length))];
}
