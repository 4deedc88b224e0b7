/** Reads from the modules what they say: every text that the languages of the interface need. */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const STATIC = fileURLToPath(new URL("../../../api/static/", import.meta.url));

/** Return the texts of t`…` with {0} for each value, and the singulars of n(…). */
export function textsIn(source) {
  const found = new Set();
  for (const { index } of source.matchAll(/(?<![\w$.])t`/g)) found.add(template(source, index + 2).key);
  for (const [, one] of source.matchAll(/(?<![\w$.])n\((?:[^()"]|\([^()]*\))*?,\s*"((?:[^"\\]|\\.)*)",\s*"/g)) found.add(one);
  return found;
}

function template(source, from) {
  let key = "";
  let values = 0;
  let at = from;
  while (source[at] !== "`") {
    if (source.startsWith("${", at)) {
      at = afterValue(source, at + 2);
      key += `{${values++}}`;
    } else key += source[at++];
  }
  return { key, end: at + 1 };
}

function afterValue(source, from) {
  let depth = 1;
  let at = from;
  while (depth) {
    if (source[at] === "`") {
      at = template(source, at + 1).end;
      continue;
    }
    if (source[at] === "{") depth += 1;
    if (source[at] === "}") depth -= 1;
    at += 1;
  }
  return at;
}

export function allTexts() {
  const files = readdirSync(STATIC, { recursive: true }).map(String).filter((name) => name.endsWith(".js") && !/^(messages|client|vendor)\//.test(name));
  return new Set(files.flatMap((name) => [...textsIn(readFileSync(join(STATIC, name), "utf8"))]));
}
