/**
 * Markdown as a tree of blocks, for texts that the server has not rendered: those of people's own
 * workflows, and any text while it is being written. The common forms only; whatever else is text.
 * Each letter is looked at a fixed number of times, so that no text takes long.
 */

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])([ \t]+|$)(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const DELIMITER = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const DEEPEST = 8;
const SAFE = /^(?:https?:\/\/|mailto:)/i;

/**
 * @param {string} text
 * @returns {any[]} Blocks: `{type: "heading", level, inline}`, `{type: "paragraph", inline}`,
 *   `{type: "code", language, text}`, `{type: "list", ordered, first, items}`, `{type: "quote", blocks}`,
 *   `{type: "table", head, rows}`, `{type: "rule"}`.
 */
export function blocks(text, depth = 0) {
  return blocksOf(text.replace(/\r\n?/g, "\n").split("\n"), depth);
}

function blocksOf(lines, depth) {
  const found = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    let match;
    if (!line.trim()) at += 1;
    else if ((match = FENCE.exec(line))) at = code(lines, at, match, found);
    else if ((match = HEADING.exec(line))) {
      found.push({ type: "heading", level: match[1].length, inline: inline(match[2]) });
      at += 1;
    } else if (RULE.test(line)) {
      found.push({ type: "rule" });
      at += 1;
    } else if (QUOTE.test(line) && depth < DEEPEST) at = quote(lines, at, found, depth);
    else if (ITEM.test(line) && depth < DEEPEST) at = list(lines, at, found, depth);
    else if (line.includes("|") && DELIMITER.test(lines[at + 1] ?? "") && lines[at + 1].includes("-")) at = table(lines, at, found);
    else at = paragraph(lines, at, found);
  }
  return found;
}

function code(lines, from, match, found) {
  const [, fence, language] = match;
  const ends = new RegExp(`^ {0,3}${fence[0] === "~" ? "~" : "`"}{${fence.length},}[ \\t]*$`);
  let at = from + 1;
  while (at < lines.length && !ends.test(lines[at])) at += 1;
  found.push({ type: "code", language, text: lines.slice(from + 1, at).join("\n") });
  return at + 1;
}

function quote(lines, from, found, depth) {
  let at = from;
  const inner = [];
  for (let match; at < lines.length && (match = QUOTE.exec(lines[at])); at += 1) inner.push(match[1]);
  found.push({ type: "quote", blocks: blocksOf(inner, depth + 1) });
  return at;
}

function list(lines, from, found, depth) {
  const first = ITEM.exec(lines[from]);
  const ordered = /\d/.test(first[2]);
  const items = [];
  let at = from;
  while (at < lines.length) {
    const match = ITEM.exec(lines[at]);
    if (!match || /\d/.test(match[2]) !== ordered || RULE.test(lines[at])) break;
    const indent = match[1].length + match[2].length + Math.min(match[3].length || 1, 4);
    const inner = [match[4]];
    for (at += 1; at < lines.length; at += 1) {
      const line = lines[at];
      const leading = line.length - line.trimStart().length;
      if (!line.trim()) {
        const next = lines[at + 1] ?? "";
        if (!next.trim() || (next.length - next.trimStart().length < indent && !ITEM.test(next))) break;
        inner.push("");
      } else if (leading >= indent) inner.push(line.slice(indent));
      else if (ITEM.test(line) || HEADING.test(line) || FENCE.test(line) || !inner.at(-1).trim()) break;
      else inner.push(line.trimStart());
    }
    const task = /^\[([ xX])\][ \t]+/.exec(inner[0]);
    if (task) inner[0] = inner[0].slice(task[0].length);
    items.push({ done: task ? task[1] !== " " : null, blocks: blocksOf(inner, depth + 1) });
    if (at < lines.length && !lines[at].trim() && !ITEM.test(lines[at + 1] ?? "")) break;
    while (at < lines.length && !lines[at].trim()) at += 1;
  }
  found.push({ type: "list", ordered, first: ordered ? Number.parseInt(first[2], 10) : 1, items });
  return at;
}

function table(lines, from, found) {
  const rows = [];
  let at = from + 2;
  for (; at < lines.length && lines[at].trim() && lines[at].includes("|"); at += 1) rows.push(cells(lines[at]));
  found.push({ type: "table", head: cells(lines[from]), rows });
  return at;
}

function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => inline(cell.trim().replaceAll("\\|", "|")));
}

function paragraph(lines, from, found) {
  let at = from + 1;
  const ends = (line) => !line.trim() || HEADING.test(line) || FENCE.test(line) || QUOTE.test(line) || RULE.test(line) || /^ {0,3}(?:[-*+]|1[.)])[ \t]+\S/.test(line);
  while (at < lines.length && !ends(lines[at])) at += 1;
  found.push({ type: "paragraph", inline: inline(lines.slice(from, at).map((line) => line.trimStart()).join("\n")) });
  return at;
}

const CODE = /^(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)/;
const LINK = /^!?\[((?:[^[\]\\]|\\.){0,500})\]\(<?([^\s<>()]{1,2000}(?:\([^\s()]{0,200}\)[^\s<>()]{0,200})?)>?(?:\s+"[^"]{0,500}")?\)/;
const BARE = /^https?:\/\/[^\s<>"']{1,2000}/i;
const ANGLE = /^<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/i;
const WINDOW = 2000;

/**
 * @param {string} text
 * @returns {any[]} Texts, and `{type: "strong"|"em"|"del", inline}`, `{type: "code", text}`,
 *   `{type: "link", href, inline}`, `{type: "break"}`.
 */
export function inline(text, depth = 0) {
  const found = [];
  let plain = "";
  let at = 0;
  const put = (node, length) => {
    if (plain) found.push(plain);
    plain = "";
    found.push(node);
    at += length;
  };
  while (at < text.length) {
    const letter = text[at];
    if (!"\\`*_~[!<h\n".includes(letter)) {
      plain += letter;
      at += 1;
      continue;
    }
    const rest = text.slice(at, at + WINDOW);
    let match;
    if (letter === "\\" && /^\\[!-/:-@[-`{-~]/.test(rest)) {
      plain += rest[1];
      at += 2;
    } else if (letter === "\\" && rest[1] === "\n") put({ type: "break" }, 2);
    else if (letter === "\n") {
      if (plain.endsWith("  ")) {
        plain = plain.trimEnd();
        put({ type: "break" }, 1);
      } else {
        plain += "\n";
        at += 1;
      }
    } else if (letter === "`" && (match = CODE.exec(rest))) put({ type: "code", text: match[2].replace(/^ (.*) $/, "$1") }, match[0].length);
    else if ((letter === "[" || letter === "!") && depth < DEEPEST && (match = LINK.exec(rest))) {
      const words = inline(match[1] || match[2], depth + 1);
      put(SAFE.test(match[2]) ? { type: "link", href: match[2], inline: words } : { type: "span", inline: words }, match[0].length);
    } else if (letter === "<" && (match = ANGLE.exec(rest))) put({ type: "link", href: match[1], inline: [match[1]] }, match[0].length);
    else if (letter === "h" && !/\w$/.test(plain) && (match = BARE.exec(rest))) {
      const href = bare(match[0]);
      put({ type: "link", href, inline: [href] }, href.length);
    } else if ((match = emphasised(rest, plain)) && depth < DEEPEST) put({ type: match.type, inline: inline(match.text, depth + 1) }, match.length);
    else {
      const run = /^(?:[*_~`]+|.)/s.exec(rest)[0]; // a run that opens nothing is text as a whole
      plain += run;
      at += run.length;
    }
  }
  if (plain) found.push(plain);
  return found;
}

/** Leave off what ends the sentence, or closes a bracket around the address and none in it. */
function bare(address) {
  let open = address.split("(").length - address.split(")").length;
  let end = address.length;
  while (".,;:!?]*_".includes(address[end - 1]) || (address[end - 1] === ")" && open < 0)) {
    end -= 1;
    open += Number(address[end] === ")");
  }
  return address.slice(0, end);
}

function emphasised(rest, before) {
  for (const [mark, type] of [["**", "strong"], ["__", "strong"], ["~~", "del"], ["*", "em"], ["_", "em"]]) {
    if (!rest.startsWith(mark) || /^\s/.test(rest.slice(mark.length))) continue;
    if (mark[0] === "_" && /\w$/.test(before)) return null; // inside a word
    for (let end = rest.indexOf(mark, mark.length + 1); end > 0; end = rest.indexOf(mark, end + mark.length)) {
      const after = rest[end + mark.length] ?? "";
      const closes = !/\s/.test(rest[end - 1]) && !(mark[0] === "_" && /\w/.test(after));
      if (mark.length === 1 && (after === mark || rest[end - 1] === mark)) continue;
      if (closes) return { type, text: rest.slice(mark.length, end), length: end + mark.length };
    }
  }
  return null;
}
