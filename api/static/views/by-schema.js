/** A value of any shape, shown as its schema says: texts as Markdown, lists of objects as tables, addresses as links. */

import { h } from "../lib/dom.js";
import { exact, isNumber } from "../lib/exact.js";
import { figure, t } from "../lib/i18n.js";
import { capitalized } from "../lib/words.js";
import { inOrder, reader } from "../model/json-schema.js";
import { markdown } from "./markdown.js";

const DEEPEST = 12;
const CELL = 120;
const COLUMNS = 6;
const ADDRESS = /^https?:\/\/\S+$/i;

/**
 * @param {any} value
 * @param {any} [schema] Its JSON Schema, for names and formats; without one it is shown by its look.
 * @returns {any}
 */
export function bySchema(value, schema = {}) {
  return h("div.any-content", {}, view(value, schema, reader(schema ?? {}), 0));
}

function view(value, wanted, read, depth) {
  if (value === null || value === undefined) return h("p.quiet", {}, t`nothing`);
  const schema = read.of(wanted, value);
  if (typeof value === "string") return text(value, schema);
  if (isNumber(value)) return h("p", {}, exactly(value));
  if (typeof value === "boolean") return h("p", {}, value ? t`yes` : t`no`);
  if (depth > DEEPEST) return h("pre.plain-text", { tabIndex: 0 }, exact.stringify(value, 2));
  if (Array.isArray(value)) return many(value, schema, read, depth);
  return fieldsOf(value, schema, read, depth);
}

function text(value, schema) {
  const asked = schema?.contentMediaType;
  if (asked?.includes("markdown") || value.includes("\n") || /(?:^|\s)(?:[*_`#>]|\d+\.\s|\[)/.test(value)) return markdown(value);
  if (ADDRESS.test(value)) return h("p", {}, h("a", { href: value, target: "_blank", rel: "noopener noreferrer nofollow" }, value));
  return h("p", { dir: "auto" }, value || h("span.quiet", {}, t`nothing`));
}

/** A number in the reader's manner with all of its digits; one of four has no comma, as it may be a year. */
function exactly(number) {
  const size = Math.abs(Number(number));
  if (size >= 1e15 || (size && size < 1e-6)) {
    const short = String(Number(number)); // 1e+300, where that says it all
    return figures(short) === figures(String(number)) ? short : String(number);
  }
  return figure(number, { maximumFractionDigits: 20, useGrouping: "min2" });
}

/** The digits that a number begins with, up to its zeros. */
const figures = (text) => text.replace(/e.*|[-.]/g, "").replace(/0+$/, "");

function many(values, schema, read, depth) {
  if (!values.length) return h("p.quiet", {}, t`nothing`);
  const { item } = read.at(schema);
  if (isTable(values)) return table(values, item, read);
  return h("ul", {}, values.map((each) => h("li", {}, view(each, item, read, depth + 1))));
}

function isTable(values) {
  const rows = values.every((each) => each && typeof each === "object" && !Array.isArray(each));
  if (!rows || values.length < 2) return false;
  const names = Object.keys(values[0]);
  return names.length > 1 && names.length <= COLUMNS
    && values.every((each) => Object.values(each).every((cell) => cell === null || (typeof cell !== "object" && String(cell).length <= CELL && !String(cell).includes("\n"))));
}

function table(values, item, read) {
  const titles = titlesOf(item, read);
  const names = inOrder([...new Set(values.flatMap(Object.keys))], [...titles.keys()]);
  return h("div.table", { tabIndex: 0, role: "region", "aria-label": t`Table` }, h("table", {},
    h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col", dir: "auto" }, titles.get(name) ?? capitalized(name))))),
    h("tbody", {}, values.map((each) => h("tr", {}, names.map((name) => h("td", { dir: "auto" }, cell(each[name]))))))));
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? t`yes` : t`no`;
  if (isNumber(value)) return exactly(value);
  return ADDRESS.test(value) ? h("a", { href: value, target: "_blank", rel: "noopener noreferrer nofollow" }, value) : value;
}

function fieldsOf(value, schema, read, depth) {
  const shape = read.at(schema);
  const schemas = new Map((shape.fields ?? []).map(({ name, schema: inner }) => [name, inner]));
  const titles = titlesOf(schema, read);
  const shown = inOrder(Object.keys(value), [...titles.keys()]).map((name) => [name, value[name]]).filter(([, inner]) => inner !== null);
  if (!shown.length) return h("p.quiet", {}, t`nothing`);
  // one text alone needs no name
  if (shown.length === 1 && typeof shown[0][1] === "string") return view(shown[0][1], schemas.get(shown[0][0]) ?? shape.item, read, depth + 1);
  return h("dl", {}, shown.map(([name, inner]) => [h("dt", { dir: "auto" }, titles.get(name) ?? capitalized(name)), h("dd", {}, view(inner, schemas.get(name) ?? shape.item, read, depth + 1))]));
}

function titlesOf(schema, read) {
  const { fields = [] } = schema ? read.at(schema) : {};
  return new Map(fields.map(({ name, schema: inner }) => [name, read.at(inner).title ?? capitalized(name)]));
}
