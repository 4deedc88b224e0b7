/** The small forms in which parts of an outline are changed. Each calls back with values or null. */

import { h } from "../lib/dom.js";

const LEVELS = ["beginner", "intermediate", "advanced"];
const LONGEST_TITLE = 200;

/** A title alone. */
export function titleForm(title, label, done) {
  const input = h("input", { value: title, maxLength: LONGEST_TITLE, required: true, "aria-label": label });
  return form("title-form", done, () => ({ value: input.value.trim() || null }), input, (values) => values.value);
}

/** A concept with all that can be said of it. */
export function conceptForm(concept, { module, modules }, done) {
  const title = h("input", { value: concept.title, maxLength: LONGEST_TITLE, required: true });
  const description = h("textarea", { value: concept.description, rows: 3, maxLength: 4000 });
  const estimated = h("input", { type: "number", min: 0.5, max: 200, step: 0.5, value: concept.estimated_hours, required: true });
  const difficulty = select(LEVELS.map((level) => [level, level]), concept.difficulty);
  const home = select(modules.map((each) => [each.module_id, each.title]), module.module_id);
  const values = () => ({
    title: title.value.trim(),
    description: description.value.trim(),
    estimated_hours: Number(estimated.value),
    difficulty: difficulty.value,
    module_id: home.value,
  });
  const fields = [
    field("Title", title, "is-wide"), field("What it is about", description, "is-wide"),
    field("Hours", estimated), field("Level", difficulty), field("Module", home, "is-wide"),
  ];
  return form("concept-form", done, values, fields);
}

function form(name, done, values, fields, pick = (all) => all) {
  return h(`form.${name}`, {
    onsubmit: (event) => {
      event.preventDefault();
      const all = values();
      if (Object.values(all).every((value) => value !== null && value !== "" || value === all.description)) done(pick(all));
    },
    onkeydown: (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      done(null);
    },
  }, fields, h("div.actions", {},
    h("button.button.is-primary", { type: "submit" }, "Done"),
    h("button.button", { type: "button", onclick: () => done(null) }, "Leave it")));
}

function field(label, input, wide = "") {
  return h("p.field", { class: wide }, h("label", {}, label, input));
}

function select(options, chosen) {
  return h("select", {}, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}
