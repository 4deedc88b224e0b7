/**
 * A form for any JSON Schema: fields with their names, help, defaults, choices and limits, lists that
 * grow, choices between shapes; what has no field of its own is written as JSON. Errors stand at the
 * field that they are about.
 */

import { fill, h, iconButton, write } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { moreIcons } from "../lib/more-icons.js";
import { capitalized } from "../lib/words.js";
import { beginning, isAbout, optionOf, reader } from "../model/json-schema.js";
import { booleanField, choiceField, controlled, fixedField, jsonField, label, newId, numberField, textField } from "./schema-fields.js";

moreIcons();

const DEEPEST = 12;
const SHAPES = { text: t`text`, number: t`number`, "whole number": t`whole number`, list: t`list`, object: t`object`, date: t`date`, time: t`time`, boolean: t`yes or no` };

/**
 * @param {any} schema The whole schema.
 * @param {{value?: any, half?: any, changed?: (value: any, half: any) => void}} [given] What it begins with, and who is told of changes; `half` is
 *   what was typed and is no value yet, in the places of the fields, or undefined.
 * @returns {{element: any, value: () => any, complain: (errors: {path: string[], message: string}[]) => string[], focus: () => void}}
 *   `value` throws an Error with a sentence when a field holds no JSON; `complain` shows errors and returns
 *   those that belong to no field.
 */
export function schemaForm(schema, { value = beginning(schema, schema), half, changed = () => {} } = {}) {
  const read = reader(schema);
  let kept = true; // also while it is made
  const context = { root: schema, read, keeping: () => kept, changed: keep };
  const field = fieldOf(schema, value, { ...context, half, path: [], name: "", entry: "", about: "", required: true });
  kept = false;
  return {
    element: h("div.schema-form", {}, field.element),
    /** What can be sent. */
    value() {
      try {
        return field.value();
      } catch (error) {
        error.show?.();
        throw error;
      }
    },
    focus: () => field.element.querySelector("input, textarea, select, button")?.focus({ preventScroll: true }),
    complain(errors) {
      field.clear();
      let left = errors.filter(({ path, message }) => !field.complain(path, message));
      if (![...field.element.querySelectorAll(".field-error")].some((each) => each.textContent)) left = errors;
      field.element.querySelector("[aria-invalid=true]")?.focus();
      return left.map(({ path, message }) => [path.map(capitalized).join(" → "), message].filter(Boolean).join(": "));
    },
  };

  /** Tell what there is so far, whatever is wrong with it yet. */
  function keep() {
    kept = true;
    const [value, half] = [field.value, field.half].map(quietly);
    kept = false;
    changed(value, half);
  }
}

function quietly(value) {
  try {
    return value();
  } catch {
    return undefined;
  }
}

/** @returns {any} `{element, value(), half(), complain(path, message), clear()}` */
function fieldOf(schema, value, context) {
  const shape = context.read.at(schema);
  if (context.path.length > DEEPEST) return jsonField(shape, value, context);
  // what may be nothing is so until somebody chooses: its own fields may want something, or have no end
  if (shape.kind === "object" && shape.optional) return unionField({ ...shape, options: [{ schema: shape.real, title: shape.type }] }, value ?? null, context);
  const make = { object: objectField, list: listField, union: unionField, fixed: fixedField, boolean: booleanField, choice: choiceField, number: numberField, text: textField }[shape.kind] ?? jsonField;
  return make(shape, value, context);
}

function objectField(shape, value, context) {
  const given = value && typeof value === "object" && !Array.isArray(value) ? value : {};
  const fields = shape.fields.map(({ name, schema, required }) => {
    const begins = name in given ? given[name] : beginning(schema, context.root);
    const field = fieldOf(schema, begins, { ...context, name, required, entry: "", about: "", half: context.half?.[name], path: [...context.path, name] });
    // of what nobody has said anything about the server's own default holds: not each is in the schema
    const said = required || name in given || context.read.at(schema).kind === "fixed";
    return [name, said ? field : unlessTouched(field)];
  });
  const inner = fields.map(([, field]) => field.element);
  const name = context.path.length ? label(shape, context) : "";
  const problem = h("p.field-error", { role: "alert" });
  return {
    element: name ? group(name, shape, context, inner, problem) : h("div.group", {}, inner, problem),
    value() {
      const read = fields.map(([name, field]) => [name, field.value()]).filter(([, each]) => each !== undefined);
      return { ...unknownOf(given, shape.fields), ...Object.fromEntries(read) };
    },
    half() {
      const halves = fields.map(([name, field]) => [name, field.half()]).filter(([, each]) => each !== undefined);
      return halves.length ? Object.fromEntries(halves) : undefined;
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

/** Fields that belong together, by a name that tells them from their like. */
function group(name, shape, context, ...inner) {
  const legend = name && h("legend", { id: newId(), dir: "auto" }, name);
  const called = [legend && legend.id, context.entry].filter(Boolean).join(" ");
  return h("fieldset.group", { "aria-labelledby": called || null, "aria-describedby": context.about || null }, legend, shape.help && h("p.quiet", { dir: "auto" }, shape.help), inner);
}

/** A field that gives a value only when it is another than it began with. */
function unlessTouched(field) {
  const plain = () => JSON.stringify(field.value());
  const began = quietly(plain);
  return { ...field, value: () => (plain() === began ? undefined : field.value()) };
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
  const element = group(name, shape, context, list, add, problem);
  if (name) add.setAttribute("aria-describedby", element.firstElementChild.id);
  const given = Array.isArray(value) ? [...value] : [];
  // an entry that is no value yet has no place in the value
  if (context.half) context.half.forEach(([there, half]) => insert(there ? given.shift() : undefined, half));
  else given.forEach((each) => insert(each));
  bounds();
  return {
    element,
    value: () => (rows.length || !shape.optional || Array.isArray(value) ? rows.map(({ field }) => field.value()).filter((each) => each !== undefined) : null),
    half() {
      const halves = rows.map(({ field }) => [field.value() !== undefined, field.half()]);
      return halves.some(([, half]) => half !== undefined) ? halves : undefined;
    },
    complain(path, message) {
      // the server has seen those alone that are values
      const row = rows.filter(({ field }) => quietly(field.value) !== undefined)[Number(path[0])];
      if (row?.field.complain(path.slice(1), message)) return true;
      problem.textContent = message;
      return true;
    },
    clear() {
      problem.textContent = "";
      rows.forEach(({ field }) => field.clear());
    },
  };

  function insert(each, half) {
    const number = h("span.unseen", { id: newId() }); // where an entry stands shows it to those who see
    const field = fieldOf(shape.item, each, { ...context, half: half ?? undefined, name: "", required: true, entry: number.id, about: "", path: [...context.path, String(rows.length)] });
    const row = { field, number, element: null };
    const button = (sign, words, act) => iconButton(sign, words, act, { "aria-describedby": number.id });
    row.element = h("li.form-entry", {}, number, field.element, h("div.entry-buttons", {},
      button("up", t`Move up`, () => move(row, -1)), button("down", t`Move down`, () => move(row, 1)), button("cross", t`Remove`, () => remove(row))));
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
    // its own: an entry may hold lists, with buttons of theirs
    row.element.querySelector(`:scope > .entry-buttons > :nth-child(${by < 0 ? 1 : 2})`).focus();
  }

  function draw() {
    fill(list, rows.map(({ element: each }) => each));
    bounds();
    context.changed();
  }

  function bounds() {
    add.hidden = rows.length >= shape.most;
    rows.forEach(({ element: entry, number }, at) => {
      write(number, `${t`Entry`} ${at + 1}`);
      entry.querySelectorAll(`[data-entry="${number.id}"]`).forEach((control) => control.setAttribute("aria-label", number.textContent));
    });
  }
}

/** `List (number)`, where there are several kinds of lists. */
function choiceName({ title, of = [] }) {
  return [title, ...of].map((each) => SHAPES[each] ?? each).reduceRight((inner, each) => `${each} (${inner})`);
}

function unionField(shape, value, context) {
  let at = context.half?.at ?? (value === null && shape.optional ? -1 : optionOf(shape.options, value, context.root));
  const place = h("div.union");
  const options = shape.optional ? [{ title: t`nothing` }, ...shape.options] : shape.options;
  const first = shape.optional ? 1 : 0;
  const control = h("select", {}, options.map((each, number) => h("option", { value: number - first, selected: number - first === at }, capitalized(choiceName(each)))));
  const made = new Map();
  const outer = controlled(shape, context, control, () => (at < 0 ? null : made.get(at).value()));
  const draw = (begins, half) => {
    // what was written in one shape is there when it is chosen again
    if (at >= 0 && !made.has(at)) made.set(at, fieldOf(shape.options[at].schema, begins(), { ...context, half, name: "", required: true, about: outer.about, path: [...context.path, ""] }));
    fill(place, made.get(at)?.element);
  };
  control.addEventListener("change", () => {
    at = Number(control.value);
    draw(() => beginning(shape.options[at].schema, context.root));
    context.changed();
  });
  draw(() => value, context.half?.inner);
  outer.element.append(place);
  return {
    ...outer,
    half() {
      const inner = made.get(at)?.half();
      return inner === undefined ? undefined : { at, inner };
    },
    complain(path, message) {
      if (at < 0 || !path.length) return outer.complain([], message);
      const several = shape.options.length > 1;
      const whose = several ? shape.options.findIndex(({ schema }) => isAbout(path[0], schema, context.root)) : at;
      if (whose >= 0 && whose !== at) return true; // of a shape that was not chosen
      return made.get(at).complain(several ? path.slice(1) : path, message) || outer.complain([], message);
    },
    clear() {
      outer.clear();
      made.forEach((field) => field.clear());
    },
  };
}
