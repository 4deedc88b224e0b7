/**
 * The controls of a form that is made from a JSON Schema, each with its name, help and place for an error.
 * One that nobody has touched gives back what it was given: not every value can be shown in a control unchanged.
 */

import { h } from "../lib/dom.js";
import { exact, integer } from "../lib/exact.js";
import { t } from "../lib/i18n.js";
import { capitalized } from "../lib/words.js";

let ids = 0;

/** A field is called as its owner says; what is in no field, by its type. */
export const label = ({ title, type }, { name }) => title ?? (name ? capitalized(name) : (type ?? ""));

/** A name for an element that others are called by. */
export const newId = () => `field-${(ids += 1)}`;

/** A control with its name, help and place for an error; `value` reads it. */
export function controlled(shape, context, control, value) {
  const id = newId();
  control.id = id;
  control.addEventListener("input", context.changed);
  const problem = h("p.field-error", { id: `${id}-problem`, role: "alert" });
  const help = shape.help && h("span.quiet.field-help", { id: `${id}-help`, dir: "auto" }, shape.help);
  control.setAttribute("aria-describedby", [context.about, help && help.id, problem.id].filter(Boolean).join(" "));
  const must = context.required && !shape.optional;
  const checkbox = control.type === "checkbox";
  const name = label(shape, context);
  if (!name) {
    control.setAttribute("aria-label", document.getElementById(context.entry)?.textContent || t`Entry`);
    control.dataset.entry = context.entry;
  }
  const words = name && h("label", { id: `${id}-name`, htmlFor: id, dir: "auto" }, name, !must && !checkbox && h("span.quiet", {}, ` ${t`(optional)`}`));
  if (name && context.entry) control.setAttribute("aria-labelledby", `${words.id} ${context.entry}`);
  return {
    about: words && words.id,
    element: h(checkbox ? "div.field.is-check" : "div.field", {}, checkbox ? [control, words] : [words, control], help, problem),
    value,
    half: () => undefined,
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

/** A control whose value is `given` until it is touched, and then what `read` makes of it. */
function leaf(shape, context, control, given, read) {
  const state = () => (control.type === "checkbox" ? control.checked : control.value);
  const began = state();
  let good = given;
  const field = controlled(shape, context, control, () => {
    try {
      if (control.validity.badInput) throw new Error(t`${label(shape, context) || t`The value`} is not complete, or not of its kind: complete it, or empty it.`);
      good = given !== undefined && state() === began ? given : read();
    } catch (error) {
      // what is only kept until it is sent has the last good value of this field, so that the others are kept
      if (!context.keeping()) throw Object.assign(error, { show: () => field.complain([], error.message) && control.focus() });
    }
    return good;
  });
  if (typeof context.half === "string") control.value = context.half;
  return Object.assign(field, { half: () => (readable() ? undefined : control.value) });

  function readable() {
    try {
      return state() === began || control.validity.badInput || (read(), true);
    } catch {
      return false;
    }
  }
}

export function textField(shape, value, context) {
  const start = String(value ?? "");
  const input = (type) => h("input", { type, defaultValue: start, dir: "auto", autocomplete: "off" });
  let control = shape.long || start.length > 80 || /[\r\n]/.test(start)
    ? h("textarea", { rows: Math.min(18, 3 + start.split("\n").length), defaultValue: start, dir: "auto" })
    : input(shape.control);
  // times with more digits than a browser has fields for
  if (control.type !== "textarea" && control.value !== start) control = input("text");
  const leaveOut = shape.optional || (!context.required && shape.least > 0);
  return leaf(shape, context, control, value, () => (control.value === "" && leaveOut ? (shape.optional ? null : undefined) : control.value));
}

export function numberField(shape, value, context) {
  const control = h("input", { type: "number", step: shape.whole ? 1 : "any", inputMode: shape.whole ? "numeric" : "decimal", defaultValue: value ?? "" });
  if (shape.least !== undefined) control.min = shape.least;
  if (shape.most !== undefined) control.max = shape.most;
  return leaf(shape, context, control, value, () => (control.value === "" ? (shape.optional ? null : undefined) : (shape.whole ? integer(control.value) : Number(control.value))));
}

export function booleanField(shape, value, context) {
  const control = h("input", { type: "checkbox", defaultChecked: Boolean(value) });
  return leaf(shape, context, control, value, () => control.checked);
}

export function choiceField(shape, value, context) {
  const open = shape.optional || !shape.options.includes(value) || !context.required;
  const options = open ? [undefined, ...shape.options] : shape.options;
  const control = h("select", {}, options.map((each, at) => h("option", { value: at, selected: each === value || (each === undefined && value === null) }, each === undefined ? "" : said(each))));
  return leaf(shape, context, control, value, () => options[Number(control.value)] ?? (shape.optional ? null : undefined));
}

function said(value) {
  if (typeof value === "boolean") return capitalized(value ? t`yes` : t`no`);
  return capitalized(typeof value === "object" ? exact.stringify(value) : String(value));
}

export function fixedField(shape) {
  return { element: h("span", { hidden: true }), value: () => shape.value, half: () => undefined, complain: () => false, clear: () => {} };
}

export function jsonField(shape, value, context) {
  const text = value === undefined || value === null ? "" : exact.stringify(value, 2);
  const control = h("textarea.value-field", { rows: Math.min(18, 2 + text.split("\n").length), defaultValue: text, spellcheck: false, dir: "ltr", placeholder: t`As JSON` });
  return leaf(shape, context, control, value, () => {
    if (!control.value.trim()) return shape.optional ? null : undefined;
    try {
      const parsed = exact.parse(control.value);
      if (!allFinite(parsed)) throw new Error(t`it has a number that is too large`);
      return parsed;
    } catch (error) {
      throw new Error(t`${label(shape, context) || t`The value`} is no JSON: ${error.message}`, { cause: error });
    }
  });
}

/** Whether all numbers of a value have digits: what is too large for any is read as infinite, and would be sent as null. */
function allFinite(value) {
  if (typeof value === "number") return Number.isFinite(value);
  return !value || typeof value !== "object" || Object.values(value).every(allFinite);
}
