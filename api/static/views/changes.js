/** Changes of an outline in words: between two versions, or a reviewer's before they are sent. */

import { h } from "../lib/dom.js";
import { list, t, within } from "../lib/i18n.js";
import { hours } from "../lib/words.js";

const PART = { concept: "", module: `${t`Module`} `, stage: `${t`Stage`} ` };
const FIELD = { description: t`Description`, estimated_hours: t`Hours`, difficulty: t`Level`, prerequisites: t`Prerequisites` };
const SIGN = { added: "+", removed: "−", renamed: "✎", moved: "↕", updated: "✎" };
const WORD = { added: t`Added`, removed: t`Removed`, renamed: t`Renamed`, moved: t`Moved`, updated: t`Changed` };

/** The server's `diff` as a list. */
export function changeList(diff, titleOf) {
  return h("ul.changes", { dir: "auto" }, diff.map((change) =>
    h(`li.change.is-${change.change}`, {},
      h("span.change-sign", { "aria-hidden": "true" }, SIGN[change.change]),
      h("div", {}, h("span.change-word", {}, WORD[change.change]), " ", describe(change, titleOf)))));
}

function describe(change, titleOf) {
  const name = h("strong", {}, PART[change.part], change.title);
  switch (change.change) {
    case "added":
      return [name, change.module && ` → ${change.module}`];
    case "removed":
      return [name, change.module && t` (${change.module})`];
    case "renamed":
      return [PART[change.part], h("del", {}, change.from), " → ", h("ins", {}, change.to)];
    case "moved":
      return change.from_module === change.to_module
        ? [name, t` (${change.to_module})`]
        : [name, `: ${change.from_module} → ${change.to_module}`];
    default:
      return [name, `: ${FIELD[change.field] ?? change.field}`, change.field === "description"
        ? h("span.change-text", {}, change.to)
        : [" ", h("del", {}, value(change.field, change.from, titleOf)), " ", h("ins", {}, value(change.field, change.to, titleOf))]];
  }
}

function value(field, raw, titleOf) {
  if (field === "estimated_hours") return hours(raw);
  if (field === "prerequisites") return list(raw.map(titleOf)) || t`none`;
  return String(raw);
}

/** One's own edits as a list. */
export function editList(edits, titleOf) {
  return h("ul.changes", { dir: "auto" }, edits.map((edit) => {
    const id = edit.concept_id ?? edit.module_id ?? edit.stage_id;
    const [kind, words] = {
      rename: () => ["renamed", [h("del", {}, titleOf(id)), " → ", h("ins", {}, edit.title)]],
      update: () => ["updated", [h("strong", {}, titleOf(id)), `: ${list(Object.keys(edit).filter((key) => key in FIELD).map((key) => within(FIELD[key])))}`]],
      remove: () => ["removed", h("strong", {}, titleOf(id))],
      move: () => ["moved", [h("strong", {}, titleOf(edit.concept_id)), ` → ${titleOf(edit.module_id)}`]],
      add: () => ["added", [h("strong", {}, edit.title), ` → ${titleOf(edit.module_id)}`]],
    }[edit.op]();
    return h(`li.change.is-${kind}`, {}, h("span.change-sign", { "aria-hidden": "true" }, SIGN[kind]),
      h("div", {}, h("span.change-word", {}, WORD[kind]), " ", words));
  }));
}
