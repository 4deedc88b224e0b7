/**
 * A form for any JSON Schema: fields with their names, help, defaults, choices and limits, lists that
 * grow, choices between shapes; what has no field of its own is written as JSON. Errors stand at the
 * field that they are about.
 */

import { fill, h, iconButton } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { moreIcons } from "../lib/more-icons.js";
import { capitalized } from "../lib/words.js";
import { beginning, optionOf, reader } from "../model/json-schema.js";

moreIcons();

let ids = 0;

/**
 * @param {any} schema The whole schema.
 * @param {{value?: any, changed?: (value: any) => void}} [given] What it begins with, and who is told of changes.
 * @returns {{element: any, value: () => any, complain: (errors: {path: string[], message: string}[]) => string[], focus: () => void}}
 *   `value` throws an Error with a sentence when a field holds no JSON; `complain` shows errors and returns
 *   those that belong to no field.
 */
export function schemaForm(schema, { value = beginning(schema, schema), changed = () => {} } = {}) {
  const read = reader(schema);
  const context = { root: schema, read, changed: () => changed(quietly(field.value)) };
  const field = fieldOf(schema, value, { ...context, path: [], name: "", required: true });
  return {
    element: h("div.schema-form", {}, field.element),
    value: field.value,
    focus: () => field.element.querySelector("input, textarea, select, button")?.focus({ preventScroll: true }),
    complain(errors) {
      field.clear();
      const left = errors.filter(({ path, message }) => !field.complain(path, message)).map(({ path, message }) => [path.map(capitalized).join(" → "), message].filter(Boolean).join(": "));
      field.element.querySelector("[aria-invalid=true]")?.focus();
      return left;
    },
  };
}

function quietly(value) {
  try {
    return value();
  } catch {
    return undefined;
  }
}

/** @returns {any} `{element, value(), complain(path, message), clear()}` */
function fieldOf(schema, value, context) {
  const shape = context.read.at(schema);
  const make = { object: objectField, list: listField, union: unionField, fixed: fixedField, boolean: booleanField, choice: choiceField, number: numberField, text: textField }[shape.kind] ?? jsonField;
  return make(shape, value, context);
}

const label = ({ title }, { name }) => title ?? capitalized(name || "");

/** A control with its name, help and place for an error. */
function controlled(shape, context, control, value) {
  const id = `field-${(ids += 1)}`;
  control.id = id;
  control.addEventListener("input", context.changed);
  const problem = h("p.field-error", { id: `${id}-problem`, role: "alert" });
  const help = shape.help && h("span.quiet.field-help", { id: `${id}-help`, dir: "auto" }, shape.help);
  control.setAttribute("aria-describedby", [help && help.id, problem.id].filter(Boolean).join(" "));
  const must = context.required && !shape.optional;
  const checkbox = control.type === "checkbox";
  const name = label(shape, context);
  if (!name) control.setAttribute("aria-label", t`Entry`);
  const words = name && h("label", { htmlFor: id, dir: "auto" }, name, !must && !checkbox && h("span.quiet", {}, ` ${t`(optional)`}`));
  return {
    element: h(checkbox ? "div.field.is-check" : "div.field", {}, checkbox ? [control, words] : [words, control], help, problem),
    value,
    complain(path, message) {
      if (path.length) return false;
      problem.textContent = message;
      control.setAttribute("aria-invalid", "true");
      return true;
    },
    clear() {
      problem.textContent = "";
      control.removeAttribute("aria-invalid");
    },
  };
}

function textField(shape, value, context) {
  const start = value ?? "";
  const control = shape.long || String(start).length > 80 || String(start).includes("\n")
    ? h("textarea", { rows: Math.min(18, 3 + String(start).split("\n").length), defaultValue: start, dir: "auto" })
    : h("input", { type: shape.type, defaultValue: start, dir: "auto", autocomplete: "off" });
  if (shape.most) control.maxLength = shape.most;
  const leaveOut = shape.optional || (!context.required && shape.least > 0);
  return controlled(shape, context, control, () => (control.value === "" && leaveOut ? (shape.optional ? null : undefined) : control.value));
}

function numberField(shape, value, context) {
  const control = h("input", { type: "number", step: shape.whole ? 1 : "any", inputMode: shape.whole ? "numeric" : "decimal", defaultValue: value ?? "" });
  if (shape.least !== undefined) control.min = shape.least;
  if (shape.most !== undefined) control.max = shape.most;
  return controlled(shape, context, control, () => (control.value === "" ? (shape.optional ? null : undefined) : Number(control.value)));
}

function booleanField(shape, value, context) {
  const control = h("input", { type: "checkbox", defaultChecked: Boolean(value) });
  return controlled(shape, context, control, () => control.checked);
}

function choiceField(shape, value, context) {
  const open = shape.optional || value === undefined || !context.required;
  const options = open ? [undefined, ...shape.options] : shape.options;
  const control = h("select", {}, options.map((each, at) => h("option", { value: at, selected: each === value || (each === undefined && value === null) }, each === undefined ? "" : capitalized(String(each)))));
  return controlled(shape, context, control, () => options[Number(control.value)] ?? (shape.optional ? null : undefined));
}

function fixedField(shape) {
  return { element: h("span", { hidden: true }), value: () => shape.value, complain: () => false, clear: () => {} };
}

function jsonField(shape, value, context) {
  const text = value === undefined || value === null ? "" : JSON.stringify(value, null, 2);
  const control = h("textarea.value-field", { rows: Math.min(18, 2 + text.split("\n").length), defaultValue: text, spellcheck: false, dir: "ltr", placeholder: t`As JSON` });
  return controlled(shape, context, control, () => {
    if (!control.value.trim()) return shape.optional ? null : undefined;
    try {
      return JSON.parse(control.value);
    } catch (error) {
      throw new Error(t`${label(shape, context) || t`The value`} is no JSON: ${error.message}`, { cause: error });
    }
  });
}

function objectField(shape, value, context) {
  const given = value && typeof value === "object" && !Array.isArray(value) ? value : {};
  const fields = shape.fields.map(({ name, schema, required }) => {
    const begins = name in given ? given[name] : beginning(schema, context.root);
    return [name, fieldOf(schema, begins, { ...context, name, required, path: [...context.path, name] })];
  });
  const inner = fields.map(([, field]) => field.element);
  const name = context.path.length ? label(shape, context) : "";
  const problem = h("p.field-error", { role: "alert" });
  return {
    element: name ? h("fieldset.group", {}, h("legend", { dir: "auto" }, name), shape.help && h("p.quiet", { dir: "auto" }, shape.help), inner, problem) : h("div.group", {}, inner, problem),
    value() {
      const read = fields.map(([name, field]) => [name, field.value()]).filter(([, each]) => each !== undefined);
      return { ...unknownOf(given, shape.fields), ...Object.fromEntries(read) };
    },
    complain(path, message) {
      const found = fields.find(([name]) => name === path[0]);
      if (found?.[1].complain(path.slice(1), message)) return true;
      if (!context.path.length && !found) return false;
      problem.textContent = found ? `${capitalized(path.join(" → "))}: ${message}` : message;
      return true;
    },
    clear() {
      problem.textContent = "";
      fields.forEach(([, field]) => field.clear());
    },
  };
}

/** What a value has beside the known fields goes back as it came. */
function unknownOf(value, fields) {
  const known = new Set(fields.map(({ name }) => name));
  return Object.fromEntries(Object.entries(value).filter(([name]) => !known.has(name)));
}

function listField(shape, value, context) {
  const list = h("ol.form-list");
  const problem = h("p.field-error", { role: "alert" });
  const name = label(shape, context);
  let rows = [];
  const add = h("button.button", { type: "button", onclick: () => {
    insert(beginning(shape.item, context.root));
    rows.at(-1).element.querySelector("input, textarea, select")?.focus();
    context.changed();
  } }, t`Add an entry`);
  const element = h("fieldset.group", {}, name && h("legend", { dir: "auto" }, name), shape.help && h("p.quiet", { dir: "auto" }, shape.help), list, add, problem);
  (Array.isArray(value) ? value : []).forEach(insert);
  bounds();
  return {
    element,
    value: () => rows.map(({ field }) => field.value()).filter((each) => each !== undefined),
    complain(path, message) {
      const row = rows[Number(path[0])];
      if (row?.field.complain(path.slice(1), message)) return true;
      problem.textContent = message;
      return true;
    },
    clear() {
      problem.textContent = "";
      rows.forEach(({ field }) => field.clear());
    },
  };

  function insert(each) {
    const field = fieldOf(shape.item, each, { ...context, name: "", required: true, path: [...context.path, String(rows.length)] });
    const row = { field, element: null };
    row.element = h("li.form-entry", {}, field.element, h("div.entry-buttons", {},
      iconButton("up", t`Move up`, () => move(row, -1)), iconButton("down", t`Move down`, () => move(row, 1)), iconButton("cross", t`Remove`, () => remove(row))));
    rows.push(row);
    list.append(row.element);
    bounds();
  }

  function remove(row) {
    rows = rows.filter((each) => each !== row);
    draw();
    add.focus();
  }

  function move(row, by) {
    const from = rows.indexOf(row);
    const to = from + by;
    if (to < 0 || to >= rows.length) return;
    rows.splice(to, 0, ...rows.splice(from, 1));
    draw();
    row.element.querySelector(by < 0 ? "button" : "button + button")?.focus();
  }

  function draw() {
    fill(list, rows.map(({ element: each }) => each));
    bounds();
    context.changed();
  }

  function bounds() {
    add.hidden = rows.length >= shape.most;
  }
}

function unionField(shape, value, context) {
  let at = value === null && shape.optional ? -1 : optionOf(shape.options, value, context.root);
  const place = h("div.union");
  const options = shape.optional ? [{ title: t`nothing` }, ...shape.options] : shape.options;
  const first = shape.optional ? 1 : 0;
  const control = h("select", {}, options.map(({ title }, number) => h("option", { value: number - first, selected: number - first === at }, capitalized(String(title)))));
  const outer = controlled(shape, context, control, () => (at < 0 ? null : field.value()));
  let field = null;
  const draw = (begins) => {
    field = at < 0 ? null : fieldOf(shape.options[at].schema, begins, { ...context, name: "" });
    fill(place, field?.element);
  };
  control.addEventListener("change", () => {
    at = Number(control.value);
    draw(at < 0 ? null : beginning(shape.options[at].schema, context.root));
    context.changed();
  });
  draw(value);
  outer.element.append(place);
  return {
    ...outer,
    complain: (path, message) => field?.complain(path, message) || field?.complain(path.slice(1), message) || outer.complain([], message),
    clear() {
      outer.clear();
      field?.clear();
    },
  };
}
