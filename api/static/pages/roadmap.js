/** The page of a roadmap: the learner's progress, the outline, and the map. */

import { TERMINAL_STATUSES } from "../client/watching.js";
import { client, get, noticeRefusal } from "../lib/api.js";
import { idsInAddress, start, title } from "../lib/chrome.js";
import { fill, h, icon, said, slot, write } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { insist, later } from "../lib/later.js";
import { offerConcepts, onKey } from "../lib/keys.js";
import { ON, readdress, recall, remember } from "../lib/place.js";
import { andSkipped, concepts as conceptsIn, conceptsDone, hours, learnKinds } from "../lib/words.js";
import { unfinished } from "../model/contents.js";
import { courseRows } from "../views/course-rows.js";
import { counted, course, markKeys, pageTools, stateOf } from "../views/course.js";
import { finding } from "../views/finding.js";
import { learner } from "../views/learner.js";
import { chip, explain, heading, legend, setMark } from "../views/parts.js";

start(async (main) => {
  const [id] = idsInAddress();
  const [first, learnt] = await Promise.all([get(`/roadmaps/${id}`), get(`/roadmaps/${id}/progress`)]);
  learnKinds(first);
  offerConcepts(first);
  const task = await get(`/tasks/${first.task_id}`);
  // events are followed from the row's on: what came between the two answers would be missed
  const roadmap = conceptsOf(first).some(({ contents }) => unfinished(contents)) ? await get(`/roadmaps/${id}`) : first;
  const progress = learner(id, learnt);
  const concepts = conceptsOf(roadmap);
  const address = (concept) => `/roadmaps/${id}/concepts/${concept.concept_id}`;
  const outline = course(roadmap, { learner: progress });
  const rows = courseRows(outline);
  const picture = placeOfMap(roadmap, progress, address);
  const told = legend(roadmap);
  const legendLine = h("div", {}, told);
  drawStates(concepts.flatMap(({ contents }) => Object.values(contents).map(({ status }) => status)));
  title(roadmap.title);
  fill(main, h("div.roadmap-page", {},
    h("header", {},
      h("p.crumbs", {}, h("a", { href: "/" }, t`Home`), " / ", t`Roadmap`),
      heading(roadmap.title, { lang: roadmap.language || null }),
      said("p.lead", roadmap.summary, { lang: roadmap.language || null }),
      h("p.roadmap-facts", {}, task.status !== "completed" && chip(task.status),
        h("span.quiet", {}, `${conceptsIn(concepts.length)} · ${t`about ${hours(concepts.reduce((sum, c) => sum + c.estimated_hours, 0))}`}`),
        h("a.quiet", { href: `/tasks/${roadmap.task_id}` }, t`How it was made`)),
      pageTools(),
      learning(concepts, progress, address)),
    h("section", { "aria-labelledby": "outline-title" }, switcher({ outline: outline.element, legendLine, picture, search: (changed) => finding(id, { show: rows.find, changed }, concepts) }))));
  onKey("j", t`Next concept`, () => rows.step(1));
  onKey("k", t`Concept before`, () => rows.step(-1));
  markKeys(progress, rows.focused);
  await outline.whole;
  if (!TERMINAL_STATUSES.has(task.status)) follow(task, outline.element, drawStates);

  /** What each content is doing is told only while one of them is not simply there. */
  function drawStates(states = [...outline.element.querySelectorAll(".mark")].map(({ dataset }) => dataset.state)) {
    outline.element.classList.toggle("is-ready", states.every((state) => state === "completed"));
    explain(told, states, TERMINAL_STATUSES.has(task.status));
  }
});

const conceptsOf = (roadmap) => roadmap.stages.flatMap((s) => s.modules).flatMap((m) => m.concepts);
const STATE = { content_started: "running", content_completed: "completed", content_failed: "failed" };

/** The map's place; it is drawn there when it is first looked at. */
function placeOfMap(roadmap, progress, address) {
  const element = h("div");
  let asked = null;
  return { element, show: () => (asked ??= insist(draw, () => true)) };

  async function draw() {
    const { map } = await later("map", "map");
    const picture = map(roadmap, { address, state: (concept) => stateOf(concept, progress), recall, remember });
    progress.onChange(picture.update);
    element.append(picture.element);
  }
}

/** Let the marks go along while the rest is written. */
function follow(task, outline, drawStates) {
  const watch = client.watch(task.task_id, {
    after: task.last_seq,
    onEvent: ({ type, data }) => {
      if (type === "roadmap_ready") location.reload();
      if (!(type in STATE)) return;
      const mark = outline.querySelector(`[data-concept="${CSS.escape(data.concept_id)}"] .mark[data-kind="${CSS.escape(data.kind)}"]`);
      if (mark) setMark(mark, data.kind, STATE[type]);
      drawStates();
    },
    onError: noticeRefusal,
  });
  addEventListener("pagehide", () => watch.stop());
}

/** How far one is, and where it goes on. */
function learning(concepts, progress, address) {
  const parts = ["completed", "skipped"].map((state) => h(`span.meter-part.is-${state}`));
  const bar = h("div.meter", { role: "progressbar", "aria-label": t`Concepts learnt`, "aria-valuemin": "0", "aria-valuemax": String(concepts.length || 1) }, parts);
  const numbers = h("p.numbers");
  const on = slot(h("div.go-on"));
  const name = (concept) => h("bdi", {}, concept.title);
  progress.onChange(show);
  show();
  return h("div.learning", {}, h("div", {}, bar, numbers), on.element);

  function show() {
    const { done, skipped, unsent } = counted(concepts, progress);
    const next = concepts.find(({ concept_id: id }) => progress.markOf(id) === "learning") ?? concepts.find(({ concept_id: id }) => !progress.isSettled(id));
    const begun = done > 0 || (next && progress.markOf(next.concept_id) !== null);
    [done, skipped].forEach((number, at) => (parts[at].style.width = `${(100 * number) / (concepts.length || 1)}%`));
    const words = conceptsDone(done, concepts.length) + andSkipped(skipped);
    bar.setAttribute("aria-valuenow", String(done + skipped));
    bar.setAttribute("aria-valuetext", words);
    write(numbers, words + (unsent ? ` · ${t`not saved yet`}` : ""));
    on.show([begun, next?.concept_id], () => (next
      ? h("a.button.is-primary.is-large", { href: address(next) + (begun ? ON : "") }, h("span", {}, begun ? t`Go on: ${name(next)}` : t`Begin with: ${name(next)}`), icon("arrow"))
      : h("p.all-done", {}, t`You have been all the way. Well done.`)));
  }
}

function switcher({ outline, legendLine, picture, search }) {
  const { field, result, find } = search(() => visible());
  let shown = "outline";
  const names = { outline: t`Outline`, map: t`Map` };
  const buttons = Object.entries(names).map(([name, words]) =>
    h("button.tab", { type: "button", role: "radio", dataset: { view: name }, onclick: () => show(name), onkeydown: arrows }, words));
  const wanted = () => show(location.hash === "#map" ? "map" : "outline");
  addEventListener("hashchange", wanted);
  wanted();
  if (field.value) find();
  return [h("div.switch-line", {}, h("h2", { id: "outline-title" }, t`Concepts`),
    h("div.switch-tools", {}, field, h("div.switch", { role: "radiogroup", "aria-label": t`View` }, buttons))),
  legendLine, result, outline, picture.element];

  function show(name) {
    shown = name;
    visible();
    if (name === "map") picture.show();
    buttons.forEach((button) => {
      const chosen = button.dataset.view === name;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    });
    readdress(name === "map" ? "#map" : location.pathname);
  }

  /** What is found stands above the map, too. */
  function visible() {
    outline.hidden = shown === "map" && !field.value.trim();
    legendLine.hidden = shown === "map";
    picture.element.hidden = shown !== "map";
  }

  function arrows(event) {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const other = buttons.find((button) => button !== event.currentTarget);
    show(other.dataset.view);
    other.focus();
  }
}
