/**
 * The small forms in which parts of an outline are changed. Each tells what stands in it with every
 * letter, so that nothing is lost, and calls back with the values, or with null to leave it.
 */

import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { levelName } from "../lib/words.js";

const LEVELS = ["beginner", "intermediate", "advanced"];
const LONGEST_TITLE = 200;

/** A title alone. */
export function titleForm(values, label, { done, typed }) {
  const input = h("input", { value: values.title, maxLength: LONGEST_TITLE, required: true, dir: "auto", "aria-label": label });
  return form("title-form", () => ({ title: input.value.trim() }), { done, typed }, input);
}

/** A concept with all that can be said of it. */
export function conceptForm(values, modules, { done, typed }) {
  const title = h("input", { value: values.title, maxLength: LONGEST_TITLE, required: true, dir: "auto" });
  const description = h("textarea", { value: values.description, rows: 3, maxLength: 4000, dir: "auto" });
  const estimated = h("input", { type: "number", min: 0.5, max: 200, step: "any", value: values.estimated_hours, required: true });
  const difficulty = select(LEVELS.map((level) => [level, levelName(level)]), values.difficulty);
  const home = select(modules.map((each) => [each.module_id, each.title]), values.module_id);
  const read = () => ({
    title: title.value.trim(),
    description: description.value.trim(),
    estimated_hours: Number(estimated.value),
    difficulty: difficulty.value,
    module_id: home.value,
  });
  return form("concept-form", read, { done, typed }, [
    field(t`Title`, title, "is-wide"), field(t`What it is about`, description, "is-wide"),
    field(t`Hours`, estimated), field(t`Level`, difficulty), field(t`Module`, home, "is-wide"),
  ]);
}

function form(name, read, { done, typed }, fields) {
  return h(`form.${name}`, {
    onsubmit: (event) => {
      event.preventDefault();
      done(read());
    },
    oninput: () => typed(read()),
    onkeydown: (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      done(null);
    },
  }, fields, h("div.actions", {},
    h("button.button.is-primary", { type: "submit" }, t`Done`),
    h("button.button", { type: "button", onclick: () => done(null) }, t`Cancel`)));
}

function field(label, input, wide = "") {
  return h("p.field", { class: wide }, h("label", {}, label, input));
}

function select(options, chosen) {
  return h("select", {}, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}
