/** A roadmap's outline to learn along: every concept with a box to tick, its hours, quiz and contents. */

import { h, icon, said, write } from "../lib/dom.js";
import { note } from "../lib/say.js";
import { language, t, within } from "../lib/i18n.js";
import { onKey } from "../lib/keys.js";
import { inTurns } from "../lib/turns.js";
import { MARK, andSkipped, hours, kindName } from "../lib/words.js";
import { begun } from "../model/contents.js";
import { markLong, marks, sized } from "./parts.js";

/** So many concepts are drawn at once; more than that are nowhere seen at a time. */
const AT_ONCE = 40;
/** So many pixels below the top a heading begins to be what is read; where a link leads to is above that. */
const LINE = 120;

/**
 * `whole` is kept when the last concept is drawn, which of many takes a moment.
 *
 * @param {any} roadmap
 * @param {{learner: any, current?: string|null, brief?: boolean}} how `brief` leaves out hours and marks, for
 *   a place beside a text; `current` is the concept that is read.
 */
export function course(roadmap, { learner, current = null, brief = false }) {
  const rows = new Map();
  /** Lists, and the concepts that come into them. */
  const places = [];
  const stages = roadmap.stages.map(stageView);
  const element = h("div.tree", { class: brief ? "is-brief" : "", lang: roadmap.language || null }, stages.map((stage) => stage.element));
  markLong(element, places.length);
  const whole = inTurns(places, ([list, concept, count]) => list.append(row(concept, count)), AT_ONCE);
  learner.onChange(update);
  return { element, whole, rows, stages };

  function stageView(stage, number) {
    const concepts = stage.modules.flatMap((module) => module.concepts);
    const counter = h("bdi.stage-count", { lang: language });
    const modules = stage.modules.map((module) => {
      const list = h("ul.concepts");
      places.push(...module.concepts.map((concept) => [list, concept, count]));
      const view = h("div.module", {}, said("h4", module.title), list);
      return { element: sized(view, module.concepts.length), concepts: module.concepts };
    });
    count();
    return {
      modules,
      element: h("section.stage", {},
        // the title decides from which side a stage is read
        h("header.stage-head", { dir: "auto" }, h("p.stage-number", {}, h("bdi", {}, t`Stage ${number + 1}`)), h("h3", {}, stage.title), counter),
        modules.map((module) => module.element)),
    };

    function count() {
      const { done, skipped } = counted(concepts, learner);
      write(counter, t`${done} of ${concepts.length} done` + andSkipped(skipped));
    }
  }

  function row(concept, count) {
    const id = concept.concept_id;
    const box = h("input", {
      type: "checkbox", "aria-label": t`Done: ${concept.title}`, title: t`Done`,
      onchange: () => learner.mark(id, box.checked ? "done" : null, concept),
    });
    const choice = brief ? h("span.tag", { lang: language }) : h("select.mark-choice", {
      lang: language, "aria-label": t`Mark: ${concept.title}`, onchange: () => learner.mark(id, choice.value || null, concept),
    }, [["", t`no mark`], ...Object.entries(MARK)].map(([value, words]) => h("option", { value }, words)));
    const score = h("bdi.score");
    const link = h("a.concept-link", { href: `/roadmaps/${roadmap.roadmap_id}/concepts/${id}`, "aria-current": id === current ? "page" : null },
      h("span.concept-title", {}, concept.title), brief && choice, score,
      !brief && h("bdi.concept-hours", {}, hours(concept.estimated_hours)), !brief && marks(concept.contents));
    const element = h("li.concept", { dir: "auto", dataset: { concept: id } }, box, link, !brief && choice);
    rows.set(id, { element, box, choice, score, link, concept, count });
    draw(id);
    return element;
  }

  function draw(id) {
    const { element, box, choice, score, concept } = rows.get(id);
    const quiz = learner.quiz(id);
    const mark = learner.markOf(id);
    box.checked = mark === "done";
    box.indeterminate = mark === "learning";
    if (brief) write(choice, mark === "done" ? "" : MARK[mark] ?? "");
    else choice.value = mark ?? "";
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
}

/** Keys that mark a concept: the one that `which` gives when a key is pressed, if there is one. */
export function markKeys(learner, which) {
  for (const [key, mark, words] of [["d", "done", t`Done, or not done`], ["l", "learning", t`Learning, or not`], ["s", "skipped", t`Skipped, or not`]]) {
    onKey(key, words, () => {
      const concept = which();
      if (concept) learner.toggle(concept, mark);
    });
  }
}

/** How many of some concepts are done, skipped, and not sent yet. */
export function counted(concepts, learner) {
  const having = (what) => concepts.filter(({ concept_id: id }) => what(id)).length;
  return { done: having(learner.isDone), skipped: having((id) => learner.markOf(id) === "skipped"), unsent: having(learner.isUnsent) };
}

/** Its mark, or failed, ready or waiting. */
export function stateOf(concept, learner) {
  const mark = learner.markOf(concept.concept_id);
  if (mark) return mark;
  const states = begun(concept.contents).map(({ status }) => status);
  if (states.includes("failed")) return "failed";
  return states.every((status) => status === "completed") ? "ready" : "waiting";
}

/** The contents of a page, as links to its headings; the one that is read is marked. */
export function pageContents(entries) {
  if (entries.length < 2) return null;
  const links = entries.map(({ id, text }) => h("a", { href: `#${id}`, dir: "auto" }, text));
  const headings = entries.map(({ id }) => document.getElementById(id));
  const seen = new IntersectionObserver(() => {
    const at = headings.findLastIndex((heading) => heading?.getBoundingClientRect().top < LINE);
    links.forEach((link, number) => (number === at ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
  }, { rootMargin: `-${LINE}px 0px 0px` });
  headings.forEach((heading) => heading && seen.observe(heading));
  return h("nav.page-contents", { "aria-label": t`On this page` },
    h("p.card-title", {}, t`On this page`),
    h("ul.plain-list", {}, entries.map(({ level = 2 }, at) => h("li", { class: `is-level-${level}` }, links[at]))));
}

/** Buttons to print a page and to copy its address, after those of its own. */
export function pageTools(own = []) {
  const address = h("input", { readOnly: true, hidden: true, "aria-label": t`Copy link`, value: location.href.replace(/#.*/, "") });
  const words = h("span", {}, t`Copy link`);
  return h("p.page-tools", {}, own,
    h("button.button.is-quiet", { type: "button", onclick: () => print() }, icon("print"), t`Print`),
    h("button.button.is-quiet", { type: "button", onclick: async () => {
      try {
        await navigator.clipboard.writeText(address.value);
        write(words, t`Copied`);
        note(t`The link is copied. Besides you, only admins of this server can open it.`);
      } catch {
        address.hidden = false;
        address.select();
        note(t`This browser does not let a page copy: the link is marked, copy it from there. Besides you, only admins of this server can open it.`);
      }
    } }, icon("link"), words), address);
}
