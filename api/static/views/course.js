/** A roadmap's outline to learn along: every concept with a box to tick, its hours, quiz and contents. */

import { h, icon, said, write } from "../lib/dom.js";
import { t, within } from "../lib/i18n.js";
import { hours, kindName } from "../lib/words.js";
import { begun } from "../model/contents.js";
import { marks } from "./parts.js";

/**
 * @param {any} roadmap
 * @param {{learner: any, current?: string|null, brief?: boolean}} how `brief` leaves out hours and marks, for
 *   a place beside a text; `current` is the concept that is read.
 */
export function course(roadmap, { learner, current = null, brief = false }) {
  const rows = new Map();
  const stages = roadmap.stages.map(stageView);
  const element = h("div.tree", { class: brief ? "is-brief" : "", lang: roadmap.language || null }, stages.map((stage) => stage.element));
  learner.onChange(update);
  return { element, rows, find, step };

  function stageView(stage, number) {
    const concepts = stage.modules.flatMap((module) => module.concepts);
    const counter = h("span.stage-count", { lang: null });
    const modules = stage.modules.map((module) => ({
      element: h("div.module", {}, said("h4", module.title), h("ul.concepts", {}, module.concepts.map((each) => row(each, count)))),
      concepts: module.concepts,
    }));
    count();
    return {
      modules,
      element: h("section.stage", {},
        h("header.stage-head", {}, h("p.stage-number", {}, t`Stage ${number + 1}`), said("h3", stage.title), counter),
        modules.map((module) => module.element)),
    };

    function count() {
      const done = concepts.filter((each) => learner.isDone(each.concept_id)).length;
      write(counter, t`${done} of ${concepts.length} done`);
    }
  }

  function row(concept, count) {
    const id = concept.concept_id;
    const box = h("input", {
      type: "checkbox", "aria-label": t`Done: ${concept.title}`,
      onchange: () => learner.mark(id, box.checked, { title: concept.title }),
    });
    const score = h("span.score");
    const link = h("a.concept-link", { href: `/roadmaps/${roadmap.roadmap_id}/concepts/${id}`, "aria-current": id === current ? "page" : null },
      said("span.concept-title", concept.title), score,
      !brief && h("span.concept-hours", {}, hours(concept.estimated_hours)), !brief && marks(concept.contents));
    const element = h("li.concept", { dataset: { concept: id } }, box, link);
    rows.set(id, { element, box, score, link, concept, count });
    draw(id);
    return element;
  }

  function draw(id) {
    const { element, box, score, concept } = rows.get(id);
    const quiz = learner.quiz(id);
    box.checked = learner.isDone(id);
    element.dataset.state = stateOf(concept, learner);
    write(score, quiz ? `${quiz.correct}/${quiz.total}` : "");
    score.dataset.of = within(kindName("quiz"));
    score.title = quiz ? t`Quiz: ${quiz.correct} of ${quiz.total} right` : "";
  }

  function update(id) {
    if (!rows.has(id)) return;
    draw(id);
    rows.get(id).count();
  }

  /** Show only what has some words in its title or description; return how many there are. */
  function find(words) {
    const wanted = words.trim().toLocaleLowerCase();
    let found = 0;
    for (const { element, concept } of rows.values()) {
      const hit = `${concept.title} ${concept.description}`.toLocaleLowerCase().includes(wanted);
      element.hidden = !hit;
      if (hit) found += 1;
    }
    for (const stage of stages) {
      for (const module of stage.modules) module.element.hidden = module.concepts.every((each) => rows.get(each.concept_id).element.hidden);
      stage.element.hidden = stage.modules.every((module) => module.element.hidden);
    }
    return found;
  }

  /** Move the focus by so many concepts that are shown. */
  function step(by) {
    const shown = [...rows.values()].filter(({ element }) => !element.hidden);
    const at = shown.findIndex(({ element }) => element.contains(document.activeElement));
    const next = shown[Math.max(0, Math.min(shown.length - 1, at < 0 ? 0 : at + by))];
    next?.link.focus();
  }
}

/** done, failed, ready or waiting. */
export function stateOf(concept, learner) {
  if (learner.isDone(concept.concept_id)) return "done";
  const states = begun(concept.contents).map(({ status }) => status);
  if (states.includes("failed")) return "failed";
  return states.every((status) => status === "completed") ? "ready" : "waiting";
}

/** The contents of a page, as links to its headings. */
export function pageContents(entries) {
  return entries.length > 1 && h("nav.page-contents", { "aria-label": t`On this page` },
    h("p.card-title", {}, t`On this page`),
    h("ul.plain-list", {}, entries.map(({ id, text, level = 2 }) => h("li", { class: `is-level-${level}` }, h("a", { href: `#${id}`, dir: "auto" }, text)))));
}

/** Buttons to print a page and to copy its address. */
export function pageTools(say) {
  return h("p.page-tools", {},
    h("button.button.is-quiet", { type: "button", onclick: () => print() }, icon("print"), t`Print`),
    navigator.clipboard && h("button.button.is-quiet", { type: "button", onclick: async () => {
      await navigator.clipboard.writeText(location.href);
      say(t`The link is copied.`);
    } }, icon("link"), t`Copy link`));
}
