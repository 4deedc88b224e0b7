/** The outline under review, to be changed in place: rename, reorder, move, add, remove. */

import { fill, h, icon, iconButton } from "../lib/dom.js";
import { announce } from "../lib/say.js";
import { hours } from "../lib/words.js";
import { modulesOf, newConcept } from "../model/edits.js";
import { conceptForm, titleForm } from "./outline-forms.js";

const MARK = { added: "new", renamed: "renamed", moved: "moved", updated: "changed" };

/**
 * @param {object[]} stages The working copy; it is changed in place.
 * @param {{diff: object[]|null, changed: () => void}} options `changed` is called after each change.
 */
export function outlineEditor(stages, { diff, changed }) {
  const element = h("div.outline");
  const news = new Map((diff ?? []).filter((each) => each.concept_id).map((each) => [each.concept_id, each.change]));
  let editing = null;
  let added = 0;
  let locked = false;
  draw();
  return {
    element,
    /** Show without any way to change it. */
    lock() {
      locked = true;
      editing = null;
      draw();
    },
  };

  /** Draw anew and keep the focus at what was worked on. */
  function draw(focus = null) {
    fill(element, stages.map(stageView));
    if (focus) element.querySelector(focus)?.focus();
  }

  function touch(focus, words) {
    draw(focus);
    changed();
    if (words) announce(words);
  }

  function stageView(stage, number) {
    return h("section.stage", {},
      h("p.stage-number", {}, `Stage ${number + 1}`),
      heading("h3", stage, `stage-${stage.stage_id}`, "stage"),
      stage.modules.map((module) => moduleView(module)));
  }

  function moduleView(module) {
    return h("div.module", {}, heading("h4", module, `module-${module.module_id}`, "module"),
      h("ul.edit-list", {}, module.concepts.map((concept, at) => conceptView(module, concept, at))),
      locked || h("button.link.add", {
        type: "button", dataset: { add: module.module_id }, onclick: () => add(module),
      }, icon("plus"), "Add a concept", h("span.unseen", {}, ` to ${module.title}`)));
  }

  function heading(tag, part, key, what) {
    if (editing === key) {
      return titleForm(part.title, `Title of the ${what}`, (title) => {
        editing = null;
        part.title = title ?? part.title;
        touch(`[data-rename="${key}"]`);
      });
    }
    return h("div.outline-head", {}, h(tag, {}, part.title), locked || iconButton("pencil", `Rename ${what} ${part.title}`, () => {
      editing = key;
      draw(".title-form input");
    }, { dataset: { rename: key } }));
  }

  function conceptView(module, concept, at) {
    const key = concept.concept_id ?? concept.key;
    if (concept.removed) return removedView(concept, key);
    if (editing === key) {
      return h("li.edit-row.is-editing", {}, conceptForm(concept, { module, modules: modulesOf(stages) }, (values) => {
        editing = null;
        if (values) take(module, concept, values);
        else if (!concept.title) module.concepts.splice(module.concepts.indexOf(concept), 1);
        touch(values || concept.title ? `[data-edit="${key}"]` : `[data-add="${module.module_id}"]`);
      }));
    }
    const mark = concept.concept_id ? MARK[news.get(key)] : "yours";
    return h("li.edit-row", { dataset: { concept: key } },
      h("div.edit-title", {}, concept.title, mark && h(`span.tag.is-${mark}`, {}, mark),
        h("span.quiet", {}, `${hours(concept.estimated_hours)}, ${concept.difficulty}`)),
      locked || h("div.edit-buttons", {},
        mover(module, at, -1, key, concept), mover(module, at, 1, key, concept),
        iconButton("pencil", `Edit ${concept.title}`, () => {
          editing = key;
          draw(".concept-form input");
        }, { dataset: { edit: key } }),
        iconButton("cross", `Remove ${concept.title}`, () => remove(module, concept, key), { dataset: { remove: key } })));
  }

  function removedView(concept, key) {
    return h("li.edit-row.is-removed", { dataset: { concept: key } },
      h("div.edit-title", {}, h("del", {}, concept.title), h("span.tag.is-removed", {}, "removed")),
      locked || h("div.edit-buttons", {}, h("button.button", {
        type: "button", dataset: { undo: key },
        onclick: () => {
          concept.removed = false;
          touch(`[data-remove="${key}"]`, `${concept.title} is back`);
        },
      }, icon("undo"), "Undo", h("span.unseen", {}, ` removing ${concept.title}`))));
  }

  function mover(module, at, by, key, concept) {
    const up = by < 0;
    const possible = at + by >= 0 && at + by < module.concepts.length;
    const name = up ? "up" : "down";
    return iconButton(name, `Move ${concept.title} ${name}`, () => {
      if (!possible) return;
      module.concepts.splice(at, 1);
      module.concepts.splice(at + by, 0, concept);
      touch(`[data-${name}="${key}"]`, `${concept.title} is number ${at + by + 1} of ${module.concepts.length}`);
    }, { dataset: { [name]: key }, "aria-disabled": possible ? null : "true" });
  }

  function remove(module, concept, key) {
    if (concept.concept_id) concept.removed = true;
    else module.concepts.splice(module.concepts.indexOf(concept), 1);
    touch(concept.concept_id ? `[data-undo="${key}"]` : `[data-add="${module.module_id}"]`, `${concept.title} is removed`);
  }

  function add(module) {
    const concept = newConcept("", `new-${Date.now()}-${(added += 1)}`);
    module.concepts.push(concept);
    editing = concept.key;
    draw(".concept-form input");
  }

  function take(module, concept, { module_id: target, ...values }) {
    Object.assign(concept, values);
    if (target === module.module_id) return;
    module.concepts.splice(module.concepts.indexOf(concept), 1);
    modulesOf(stages).find((each) => each.module_id === target).concepts.push(concept);
  }
}
