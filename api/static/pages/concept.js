/** The page of a concept: its contents, its neighbours, and a mark for "done". */

import { call, client, get, inWords, noticeRefusal, post } from "../lib/api.js";
import { idsInAddress, start, title } from "../lib/chrome.js";
import { fill, guarded, h, icon } from "../lib/dom.js";
import { announce, note } from "../lib/say.js";
import { tell } from "../lib/tabs.js";
import { CONTENT_STATE, kindName, learnKinds, textOf } from "../lib/words.js";
import { Arriving } from "../model/arriving.js";
import { TERMINAL_STATUSES } from "../roadmap-client.js";
import { costOf, facts, needs, neighbours, placeOf, resourceList } from "../views/concept-parts.js";
import { anyContent } from "../views/content.js";
import { causeInWords } from "../views/parts.js";
import { quizView } from "../views/quiz.js";
import { tutorial } from "../views/tutorial.js";

const RETRYABLE = new Set(["partial_failure", "completed"]);
const REVISIT_MS = 15_000;

start(async (main) => {
  const [roadmapId, conceptId] = idsInAddress();
  const path = `/roadmaps/${roadmapId}/concepts/${conceptId}`;
  const [first, roadmap, learnt] = await Promise.all([
    get(path), get(`/roadmaps/${roadmapId}`), get(`/roadmaps/${roadmapId}/progress`),
  ]);
  let concept = first;
  let task = await get(`/tasks/${roadmap.task_id}`);
  let progress = learnt.concepts.find((each) => each.concept_id === conceptId) ?? null;
  learnKinds(roadmap);
  const kinds = Object.keys(concept.contents);
  const sections = Object.fromEntries(kinds.map((kind) => [kind, { body: h("div"), shown: "", arriving: new Arriving(), view: null }]));
  const place = placeOf(roadmap, conceptId);
  let resume = () => {};
  /** The kinds that have a view of their own; others are drawn as what they consist of. */
  const views = {
    tutorial: () => tutorial(concept.tutorial.html, concept.title),
    resources: () => resourceList(concept.resources),
    quiz: () => quizView(concept.quiz, {
      version: concept.versions.quiz,
      path: `${path}/quiz-answers`,
      score: progress?.quiz,
      marked: (now) => {
        progress = now;
        tell({ type: "learnt" });
      },
    }),
  };
  title(concept.title);
  fill(main, h("div.concept-page", {},
    h("nav.crumbs", { "aria-label": "Where you are" }, h("a", { href: `/roadmaps/${roadmapId}` }, roadmap.title), " / ", place.module.title),
    h("article", { lang: roadmap.language || null },
      h("header.concept-head", {}, h("h1", {}, concept.title), h("p.lead", {}, concept.description),
        h("p.quiet", { lang: "en" }, facts(concept), needs(concept, roadmap))),
      kinds.map((kind) => h("section", { id: kind, "aria-label": kindName(kind) },
        kind !== "tutorial" && h("h2", { lang: "en" }, kindName(kind)), sections[kind].body))),
    doneBar(),
    neighbours(place, roadmapId)));
  kinds.forEach(draw);
  follow();

  /** Watch the task while anything may still come: also after a regeneration elsewhere. */
  function follow() {
    const watch = client.watch(task.task_id, {
      after: task.last_seq,
      revisitMs: REVISIT_MS,
      onEvent: (event) => {
        const own = event.data.concept_id === conceptId && event.type.startsWith("content_");
        if (own || event.type === "task_retried" || event.status !== task.status) refresh();
      },
      onDelta: ({ data }) => data.concept_id === conceptId && arrive(data),
      onSnapshot: refresh,
      onError: noticeRefusal,
    });
    resume = () => watch.resume();
    addEventListener("pagehide", () => watch.stop());
  }

  async function refresh() {
    try {
      [concept, task] = await Promise.all([get(path), get(`/tasks/${roadmap.task_id}`)]);
      kinds.forEach(draw);
    } catch (error) {
      noticeRefusal(error); // the next event tries again
    }
  }

  function draw(kind) {
    const section = sections[kind];
    const state = concept.contents[kind];
    const now = JSON.stringify([concept[kind], state, task.status]);
    if (now === section.shown) return;
    const renewed = section.shown && concept[kind];
    section.shown = now;
    if (state.status !== "running") section.arriving.reset();
    fill(section.body, condition(kind, state), concept[kind] && [ownView(kind), renew(kind)]);
    if (renewed && state.status === "completed") announce(`${kindName(kind)} is ready`);
  }

  function ownView(kind) {
    return views[kind] ? views[kind]() : anyContent(concept[kind], { text: textOf(kind), title: concept.title });
  }

  /** Say what a content is doing when it is not simply there. */
  function condition(kind, state) {
    if (state.status === "completed") return null;
    const old = concept[kind] ? " Below is the version before." : "";
    if (state.status === "failed") {
      return h("div.notice.is-bad", { lang: "en" },
        h("p", {}, h("strong", {}, `${kindName(kind)} failed. `), causeInWords(state.error), old),
        h("p.cost", {}, costOf(concept.usage[kind])),
        RETRYABLE.has(task.status)
          ? h("p.actions", {}, again([kind], `Retry the ${kindName(kind).toLowerCase()}`, ".is-primary"))
          : h("p.quiet", {}, TERMINAL_STATUSES.has(task.status) ? h("a", { href: `/tasks/${task.task_id}` }, "Retry the task") : "It can be tried again when the rest is written."));
    }
    const { arriving } = sections[kind];
    const stopped = TERMINAL_STATUSES.has(task.status);
    const words = stopped ? "was not written" : `is ${CONTENT_STATE[state.status]}`;
    sections[kind].view = h("pre.arriving", { hidden: !arriving.text, tabIndex: 0, "aria-label": "The text so far" }, arriving.text);
    return h("div.pending", { lang: "en", dataset: { state: state.status } },
      h("p", {}, h("span.mark", { "aria-hidden": "true", dataset: { state: state.status } }), ` ${kindName(kind)} ${words}.`, old),
      state.version === null && RETRYABLE.has(task.status)
        && h("p.actions", {}, again([kind], `Write the ${kindName(kind).toLowerCase()}`)),
      sections[kind].view);
  }

  function arrive({ kind, ...piece }) {
    const { arriving, view } = sections[kind];
    arriving.take(piece);
    if (!view?.isConnected) return;
    view.hidden = false;
    view.textContent = arriving.text;
  }

  function again(kinds, words, tone = "") {
    return guarded(h(`button.button${tone}`, { type: "button" }, words), async () => {
      try {
        await post(`${path}/regenerate`, { kinds });
        tell({ type: "retried", taskId: task.task_id });
        resume();
        await refresh();
      } catch (error) {
        note(inWords(error), { tone: "bad" });
      }
    });
  }

  function renew(kind) {
    if (!RETRYABLE.has(task.status) || concept.contents[kind].status !== "completed") return null;
    return h("p.renew", { lang: "en" }, again([kind], `Write ${kind === "resources" ? "other resources" : `another ${kind}`}`, ".is-quiet"));
  }

  function doneBar() {
    const button = h("button.button.is-large", { type: "button" });
    guarded(button, async () => {
      const done = !progress?.done_at;
      try {
        progress = (await call(`${path}/done`, { method: done ? "PUT" : "DELETE" })).data;
        show();
        announce(done ? "Marked as done" : "Marked as not done");
        tell({ type: "learnt" });
      } catch (error) {
        note(inWords(error), { tone: "bad" });
      }
    });
    show();
    return h("p.done-bar", {}, button);

    function show() {
      const done = Boolean(progress?.done_at);
      fill(button, icon("check"), done ? "Done" : "Mark as done");
      button.setAttribute("aria-pressed", String(done));
      button.classList.toggle("is-primary", !done);
      button.classList.toggle("is-done", done);
    }
  }
});
