/** The outline under review, to be changed in place: rename, reorder, move, add, remove, remark on. */

import { h, icon, iconButton, refill, said } from "../lib/dom.js";
import { COMMA, list, t } from "../lib/i18n.js";
import { moreIcons } from "../lib/more-icons.js";
import { announce } from "../lib/say.js";
import { hours, levelName } from "../lib/words.js";
import { modulesOf, newConcept, outOfOrder } from "../model/edits.js";
import { dragging } from "./dragging.js";
import { conceptForm, titleForm } from "./outline-forms.js";

moreIcons();

const SINCE = { added: t`new`, renamed: t`renamed`, moved: t`moved`, updated: t`changed` };
const OWN = { renamed: t`renamed by you`, moved: t`moved by you`, changed: t`changed by you` };

/**
 * @param {{stages: any[], needs: Map<string, string[]>, titleOf: (id: string) => string, diff: any[]|null, own: () => Map<string, string[]>, form: any, comments: any,
 *   changed: (moved: string|null) => void}} options `needs` tells which concepts each builds on,
 *   `own` what was done to which concept, `form` and `comments` are
 *   drafts: what was typed and not taken yet; `changed` is called after each change,
 *   with the concept that was moved, if one was.
 */
export function outlineEditor({ stages, needs, titleOf, diff, own, form, comments, changed }) {
  const element = h("div.outline");
  let news = newsOf(diff);
  /** The form that is open: `{key, module_id, values}`. */
  let editing = form.read();
  let commenting = null;
  /** What each concept stands before though it builds on it. */
  let early = new Map();
  let added = 0;
  let locked = false;
  reopen();
  draw();
  dragging(element, dropped);
  return {
    element,
    /** Show another state of the outline. */
    take(next) {
      stages = next;
      draw();
    },
    /** Show what is new since another round. */
    since(other) {
      news = newsOf(other);
      draw();
    },
    /** Take what stands in an open form; return whether there was nothing wrong with it. */
    settle,
    redraw: () => draw(),
    /** Show without any way to change it; what was typed is taken first. */
    lock() {
      settle();
      locked = true;
      close();
      draw();
    },
  };

  function newsOf(changes) {
    return new Map((changes ?? []).filter((each) => each.concept_id).map((each) => [each.concept_id, each.change]));
  }

  /** A form that was open before a reload is open again; a concept that was being added is there again. */
  function reopen() {
    if (!editing) return;
    const all = [...stages.flatMap((stage) => [`stage-${stage.stage_id}`, ...stage.modules.map((m) => `module-${m.module_id}`)]),
      ...modulesOf(stages).flatMap((m) => m.concepts.map(idOf))];
    if (all.includes(editing.key)) return;
    const module = modulesOf(stages).find(({ module_id: id }) => id === editing.module_id);
    if (module && editing.values.title && editing.isNew) module.concepts.push(newConcept("", editing.key));
    else close();
  }

  /** Draw anew and keep the focus at what was worked on. */
  function draw(focus = null) {
    const marks = own();
    early = outOfOrder(stages, needs);
    refill(element, stages.map((stage, number) => stageView(stage, number, marks)));
    if (focus) element.querySelector(focus)?.focus();
  }

  function touch(focus, words, moved = null) {
    changed(moved);
    draw(focus);
    if (words) announce(words);
  }

  function open(key, values, more = {}) {
    if (!settle()) return;
    editing = { key, values, ...more };
    form.write(editing);
    draw(".title-form input, .concept-form input");
  }

  function close() {
    editing = null;
    form.clear();
  }

  function typed(values) {
    editing.values = values;
    form.write(editing);
  }

  function settle() {
    if (!editing) return true;
    const { key, values, isNew } = editing;
    if (isNew && !values.title && !values.description) {
      leave(key);
      return true;
    }
    if (!values.title) {
      announce(t`It needs a title.`);
      element.querySelector(".title-form input, .concept-form input")?.focus();
      return false;
    }
    // hours out of bounds, say: the browser tells them, as it does by "Done"
    if (element.querySelector("form")?.reportValidity() === false) return false;
    finish(values);
    return true;
  }

  function finish(values) {
    const { key } = editing;
    if (!values) return leave(key);
    if (!values.title) return settle();
    close();
    const part = stages.find((stage) => `stage-${stage.stage_id}` === key)
      ?? modulesOf(stages).find((module) => `module-${module.module_id}` === key);
    if (part) {
      part.title = values.title;
      return touch(`[data-rename="${key}"]`);
    }
    const module = modulesOf(stages).find(({ concepts }) => concepts.some((each) => idOf(each) === key));
    take(module, module.concepts.find((each) => idOf(each) === key), values);
    touch(`[data-edit="${key}"]`);
  }

  function leave(key) {
    const module = modulesOf(stages).find(({ concepts }) => concepts.some((each) => idOf(each) === key && !each.title));
    if (module) module.concepts.splice(module.concepts.findIndex((each) => idOf(each) === key), 1);
    close();
    touch(module ? `[data-add="${module.module_id}"]` : `[data-rename="${key}"], [data-edit="${key}"]`);
  }

  function stageView(stage, number, marks) {
    return h("section.stage", {},
      h("p.stage-number", {}, t`Stage ${number + 1}`),
      heading("h3", stage, `stage-${stage.stage_id}`, t`Rename the stage: ${stage.title}`),
      stage.modules.map((module) => moduleView(module, marks)));
  }

  function moduleView(module, marks) {
    return h("div.module", {}, heading("h4", module, `module-${module.module_id}`, t`Rename the module: ${module.title}`),
      h("ul.edit-list", { dataset: { list: module.module_id } }, module.concepts.map((concept, at) => conceptView(module, concept, at, marks))),
      !locked && h("button.link.add", {
        type: "button", dataset: { add: module.module_id }, onclick: () => add(module),
      }, icon("plus"), t`Add a concept`, h("span.unseen", {}, ` ${t`to ${module.title}`}`)));
  }

  function heading(tag, part, key, label) {
    if (editing?.key === key) return titleForm(editing.values, t`Title`, { done: finish, typed });
    return h("div.outline-head", {}, said(tag, part.title),
      !locked && iconButton("pencil", label, () => open(key, { title: part.title }), { dataset: { rename: key } }));
  }

  function conceptView(module, concept, at, marks) {
    const key = idOf(concept);
    if (concept.removed) return removedView(concept, key);
    if (editing?.key === key) {
      return h("li.edit-row.is-editing", { dataset: { row: key } }, conceptForm(editing.values, modulesOf(stages), { done: finish, typed }));
    }
    const mine = concept.concept_id ? (marks.get(key) ?? []).map((mark) => OWN[mark]) : [t`yours`];
    const since = concept.concept_id && SINCE[news.get(key)];
    return h("li.edit-row", { dataset: { concept: key, row: key } },
      !locked && h("span.grip", { "aria-hidden": "true", title: t`Drag to another place` }, icon("grip")),
      h("div.edit-title", {}, said("span.edit-name", concept.title), since && h(`span.tag.is-${news.get(key)}`, {}, since),
        mine.filter(Boolean).map((mark) => h("span.tag.is-yours", {}, mark)),
        h("span.quiet", {}, `${hours(concept.estimated_hours)}${COMMA}${levelName(concept.difficulty)}`),
        concept.description && said("span.edit-about", concept.description, { title: concept.description, onclick: ({ currentTarget }) => currentTarget.classList.toggle("is-whole") }),
        early.has(key) && h("span.edit-early", {}, t`Stands before ${list(early.get(key).map((id) => `“${titleOf(id)}”`))}, which it builds on.`)),
      !locked && h("div.edit-buttons", {},
        mover(module, concept, -1, key), mover(module, concept, 1, key),
        concept.concept_id && iconButton("comment", t`Comment on ${concept.title}`, () => comment(key), { dataset: { comment: key }, "aria-expanded": String(showsComment(key)) }),
        iconButton("pencil", t`Edit ${concept.title}`, () => open(key, valuesOf(concept, module)), { dataset: { edit: key } }),
        iconButton("cross", t`Remove ${concept.title}`, () => remove(module, concept, key), { dataset: { remove: key } })),
      showsComment(key) && commentField(concept, key));
  }

  function removedView(concept, key) {
    return h("li.edit-row.is-removed", { dataset: { concept: key, row: key } },
      h("div.edit-title", {}, h("del", { dir: "auto" }, concept.title), h("span.tag.is-removed", {}, t`removed`)),
      !locked && h("div.edit-buttons", {}, h("button.button", {
        type: "button", dataset: { undo: key },
        onclick: () => {
          concept.removed = false;
          touch(`[data-remove="${key}"]`, t`${concept.title} is back`);
        },
      }, icon("undo"), t`Undo`, h("span.unseen", {}, ` ${t`removing ${concept.title}`}`))));
  }

  /** Up and down go past what is removed: it counts for nobody. */
  function mover(module, concept, by, key) {
    const name = by < 0 ? "up" : "down";
    const kept = module.concepts.filter((each) => !each.removed);
    const at = kept.indexOf(concept) + by;
    const possible = at >= 0 && at < kept.length;
    return iconButton(name, by < 0 ? t`Move ${concept.title} up` : t`Move ${concept.title} down`, () => {
      if (!possible || !settle()) return;
      const other = module.concepts.indexOf(kept[at]);
      module.concepts.splice(module.concepts.indexOf(concept), 1);
      module.concepts.splice(other, 0, concept);
      touch(`[data-${name}="${key}"]`, t`${concept.title} is number ${at + 1} of ${kept.length}`, key);
    }, { dataset: { [name]: key }, "aria-disabled": possible ? null : "true" });
  }

  function dropped({ row, list, before }) {
    if (locked || !settle()) return;
    const modules = modulesOf(stages);
    const from = modules.find(({ concepts }) => concepts.some((each) => idOf(each) === row));
    const to = modules.find(({ module_id: id }) => id === list);
    const [concept] = from.concepts.splice(from.concepts.findIndex((each) => idOf(each) === row), 1);
    const at = before ? to.concepts.findIndex((each) => idOf(each) === before) : -1;
    to.concepts.splice(at < 0 ? to.concepts.length : at, 0, concept);
    touch(null, t`${concept.title} is moved`, row);
  }

  function remove(module, concept, key) {
    if (!settle()) return;
    if (concept.concept_id) concept.removed = true;
    else module.concepts.splice(module.concepts.indexOf(concept), 1);
    touch(concept.concept_id ? `[data-undo="${key}"]` : `[data-add="${module.module_id}"]`, t`${concept.title} is removed`);
  }

  function add(module) {
    if (!settle()) return;
    const concept = newConcept("", `new-${Date.now()}-${(added += 1)}`);
    module.concepts.push(concept);
    open(concept.key, valuesOf(concept, module), { isNew: true, module_id: module.module_id });
  }

  function take(module, concept, { module_id: target, ...values }) {
    Object.assign(concept, values);
    if (target === module.module_id) return;
    module.concepts.splice(module.concepts.indexOf(concept), 1);
    modulesOf(stages).find((each) => each.module_id === target)?.concepts.push(concept);
  }

  function comment(key) {
    if (!settle()) return;
    commenting = commenting === key ? null : key;
    draw(commenting ? `.comment-field[data-for="${key}"] textarea` : `[data-comment="${key}"]`);
  }

  function showsComment(key) {
    return commenting === key || Boolean(comments.of(key));
  }

  function commentField(concept, key) {
    const field = h("textarea", {
      rows: 2, value: comments.of(key), dir: "auto", readOnly: locked, placeholder: t`What should be different here?`,
      "aria-label": t`Comment on ${concept.title}`, oninput: () => comments.set(key, field.value),
    });
    return h("div.comment-field", { dataset: { for: key } }, field, h("p.quiet", {}, t`It is kept here, and sent when you send the outline back.`));
  }
}

const idOf = (concept) => concept.concept_id ?? concept.key;

function valuesOf({ title, description, estimated_hours: time, difficulty }, module) {
  return { title, description, estimated_hours: time, difficulty, module_id: module.module_id };
}
