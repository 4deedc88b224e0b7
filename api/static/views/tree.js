/**
 * The roadmap as a tree while it is written: stages, modules, concepts. Drawn once per structure; an
 * event then changes a mark and two counts, whatever the size of the roadmap.
 */

import { h, icon, said, write } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { moreIcons } from "../lib/more-icons.js";
import { recall, remember } from "../lib/place.js";
import { conceptsReady, hours } from "../lib/words.js";
import { begun } from "../model/contents.js";
import { conceptPanel } from "./concept-panel.js";
import { markLong, marks, setMark, sized } from "./parts.js";

moreIcons();

export function tree(context) {
  const element = h("div.tree");
  let rows = new Map();
  let open = new Map();
  return { element, draw, update, reveal, arriving: (delta) => open.get(delta.data.concept_id)?.arriving(delta.data), refresh };

  /** Draw a structure anew; what was open stays open. */
  function draw(roadmap) {
    const wasOpen = open.size ? [...open.keys()] : recall("open", []);
    rows = new Map();
    open = new Map();
    element.replaceChildren(...roadmap.stages.map((stage, number) => stageView(stage, number)));
    markLong(element, rows.size);
    wasOpen.filter((id) => rows.has(id)).forEach((id) => toggle(id, true));
  }

  function stageView(stage, number) {
    const counter = h("span.stage-count");
    const tally = { counter, ready: 0, failed: 0, total: 0 };
    const view = h("section.stage", {},
      h("header.stage-head", {}, h("p.stage-number", {}, t`Stage ${number + 1}`), said("h3", stage.title), counter),
      stage.modules.map((module) =>
        sized(h("div.module", {}, said("h4", module.title),
          h("ul.concepts", {}, module.concepts.map((concept) => conceptRow(concept, tally)))), module.concepts.length)));
    showTally(tally);
    return view;
  }

  function conceptRow(concept, tally) {
    const id = concept.concept_id;
    const states = context.model.contents.get(id) ?? concept.contents;
    const signs = marks(states);
    const button = h("button.concept-button", {
      type: "button", "aria-expanded": "false", onclick: () => toggle(id),
    }, icon("chevron"), said("span.concept-title", concept.title));
    const element = h("li.concept", { dataset: { concept: id } },
      h("div.concept-row", {}, button, h("span.concept-hours", {}, hours(concept.estimated_hours)), signs));
    const row = { element, button, concept, tally, marks: [...signs.children], verdict: null };
    rows.set(id, row);
    tally.total += 1;
    settle(row, states);
    return element;
  }

  /** Show a concept's new states. */
  function update(id) {
    const row = rows.get(id);
    const states = context.model.contents.get(id);
    if (!row || !states) return;
    row.marks.forEach((mark) => setMark(mark, mark.dataset.kind, states[mark.dataset.kind].status));
    if (settle(row, states)) showTally(row.tally);
    open.get(id)?.update(states);
  }

  /** Note what became of a concept as a whole; return whether that changed. */
  function settle(row, states) {
    const all = begun(states).map(({ status }) => status);
    const verdict = all.includes("failed") ? "failed"
      : all.includes("running") ? "running"
        : all.every((status) => status === "completed") ? "completed" : "pending";
    if (verdict === row.verdict) return false;
    const { tally } = row;
    if (row.verdict === "completed") tally.ready -= 1;
    if (row.verdict === "failed") tally.failed -= 1;
    if (verdict === "completed") tally.ready += 1;
    if (verdict === "failed") tally.failed += 1;
    row.verdict = verdict;
    row.element.dataset.verdict = verdict;
    return true;
  }

  function showTally({ counter, ready, failed, total }) {
    const text = conceptsReady(ready, total);
    write(counter, failed ? t`${text}, ${failed} failed` : text);
  }

  function toggle(id, wanted = !open.has(id)) {
    const row = rows.get(id);
    if (wanted === open.has(id)) return;
    row.button.setAttribute("aria-expanded", String(wanted));
    row.element.classList.toggle("is-open", wanted);
    if (!wanted) {
      open.get(id).element.remove();
      open.delete(id);
      return remember("open", [...open.keys()]);
    }
    const panel = conceptPanel(row.concept, context);
    open.set(id, panel);
    row.element.append(panel.element);
    panel.update(context.model.contents.get(id));
    remember("open", [...open.keys()]);
  }

  /** Open a concept and go there. */
  function reveal(id) {
    const row = rows.get(id);
    if (!row) return;
    toggle(id, true);
    row.button.focus({ preventScroll: true });
    row.element.scrollIntoView({ block: "center" });
  }

  /** The task's status changed: what open concepts offer may have changed with it. */
  function refresh() {
    for (const [id, panel] of open) panel.update(context.model.contents.get(id));
  }
}

