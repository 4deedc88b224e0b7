/** The page of a roadmap: the learner's progress, the outline, and the map. */

import { client, get, noticeRefusal } from "../lib/api.js";
import { idsInAddress, start, title } from "../lib/chrome.js";
import { fill, h, icon } from "../lib/dom.js";
import { hear } from "../lib/tabs.js";
import { count, hours, learnKinds } from "../lib/words.js";
import { begun } from "../model/contents.js";
import { TERMINAL_STATUSES } from "../roadmap-client.js";
import { map } from "../views/map.js";
import { chip, legend, marks, setMark } from "../views/parts.js";

start(async (main) => {
  const [id] = idsInAddress();
  const [roadmap, learnt] = await Promise.all([get(`/roadmaps/${id}`), get(`/roadmaps/${id}/progress`)]);
  learnKinds(roadmap);
  const task = await get(`/tasks/${roadmap.task_id}`);
  const progress = new Map(learnt.concepts.map((each) => [each.concept_id, each]));
  const concepts = roadmap.stages.flatMap((s) => s.modules).flatMap((m) => m.concepts);
  const next = concepts.find((concept) => !progress.get(concept.concept_id)?.done_at);
  const address = (concept) => `/roadmaps/${id}/concepts/${concept.concept_id}`;
  const picture = map(roadmap, { address, state: (concept) => stateOf(concept, progress) });
  const outline = h("div.tree", {}, roadmap.stages.map((stage, number) => stageView(stage, number, { address, progress })));
  const legendLine = legend(roadmap);
  title(roadmap.title);
  fill(main, h("div.roadmap-page", {},
    h("header", {},
      h("p.crumbs", {}, h("a", { href: "/" }, "Home"), " / Roadmap"),
      h("h1", {}, roadmap.title),
      h("p.lead", {}, roadmap.summary),
      h("p.roadmap-facts", {}, task.status !== "completed" && chip(task.status),
        h("span.quiet", {}, `${count(concepts.length, "concept")} · about ${hours(concepts.reduce((sum, c) => sum + c.estimated_hours, 0))}`),
        h("a.quiet", { href: `/tasks/${roadmap.task_id}` }, "How it was made")),
      learning(concepts, progress, next && { href: address(next), concept: next })),
    h("section", { "aria-labelledby": "outline-title" }, switcher(outline, legendLine, picture), legendLine, outline, picture.element)));
  if (!TERMINAL_STATUSES.has(task.status)) follow(task, outline);
  hear((message) => message.type === "learnt" && location.reload());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
});

const STATE = { content_started: "running", content_completed: "completed", content_failed: "failed" };

/** Let the marks go along while the rest is written. */
function follow(task, outline) {
  const watch = client.watch(task.task_id, {
    after: task.last_seq,
    onEvent: ({ type, data }) => {
      if (type === "roadmap_ready") location.reload();
      if (!(type in STATE)) return;
      const mark = outline.querySelector(`[data-concept="${CSS.escape(data.concept_id)}"] .mark[data-kind="${CSS.escape(data.kind)}"]`);
      if (mark) setMark(mark, data.kind, STATE[type]);
    },
    onError: noticeRefusal,
  });
  addEventListener("pagehide", () => watch.stop());
}

function stateOf(concept, progress) {
  if (progress.get(concept.concept_id)?.done_at) return "done";
  const states = begun(concept.contents).map(({ status }) => status);
  if (states.includes("failed")) return "failed";
  return states.every((status) => status === "completed") ? "ready" : "waiting";
}

function learning(concepts, progress, next) {
  const done = concepts.filter((concept) => progress.get(concept.concept_id)?.done_at).length;
  const bar = h("progress", { max: concepts.length || 1, value: done, "aria-label": "Concepts learnt" });
  return h("div.learning", {}, h("div", {}, bar, h("p.numbers", {}, `${done} of ${count(concepts.length, "concept")} done`)),
    next
      ? h("a.button.is-primary.is-large", { href: next.href }, done ? "Go on: " : "Begin with: ", next.concept.title, icon("arrow"))
      : h("p.all-done", {}, "You have been all the way. Well done."));
}

function switcher(outline, legendLine, picture) {
  const buttons = ["Outline", "Map"].map((name) =>
    h("button.tab", { type: "button", role: "radio", onclick: () => show(name), onkeydown: arrows }, name));
  const wanted = () => show(location.hash === "#map" ? "Map" : "Outline");
  addEventListener("hashchange", wanted);
  wanted();
  return h("div.switch-line", {}, h("h2", { id: "outline-title" }, "The way"),
    h("div.switch", { role: "radiogroup", "aria-label": "View" }, buttons));

  function show(name) {
    outline.hidden = legendLine.hidden = name !== "Outline";
    picture.element.hidden = name !== "Map";
    buttons.forEach((button) => {
      const chosen = button.textContent === name;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    });
    history.replaceState(null, "", name === "Map" ? "#map" : location.pathname);
  }

  function arrows(event) {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const other = buttons.find((button) => button !== event.currentTarget);
    show(other.textContent);
    other.focus();
  }
}

function stageView(stage, number, { address, progress }) {
  return h("section.stage", {},
    h("header.stage-head", {}, h("p.stage-number", {}, `Stage ${number + 1}`), h("h3", {}, stage.title)),
    stage.modules.map((module) => h("div.module", {}, h("h4", {}, module.title),
      h("ul.concepts", {}, module.concepts.map((concept) => conceptRow(concept, address, progress))))));
}

function conceptRow(concept, address, progress) {
  const known = progress.get(concept.concept_id);
  const state = stateOf(concept, progress);
  return h("li.concept", { dataset: { state, concept: concept.concept_id } },
    h("a.concept-link", { href: address(concept) },
      h("span.done-mark", { "aria-hidden": "true" }, state === "done" && icon("check")),
      h("span.concept-title", {}, concept.title, state === "done" && h("span.unseen", {}, " (done)")),
      known?.quiz && h("span.score", {}, h("span.unseen", {}, "Quiz "), `${known.quiz.correct}/${known.quiz.total}`),
      h("span.concept-hours", {}, hours(concept.estimated_hours)),
      marks(concept.contents)));
}
