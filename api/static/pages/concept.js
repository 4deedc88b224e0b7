/** The page of a concept: its contents, the course around it, and its marks. */

import { TERMINAL_STATUSES } from "../client/watching.js";
import { client, complain, get, noticeRefusal, post } from "../lib/api.js";
import { idsInAddress, start, title } from "../lib/chrome.js";
import { fill, guarded, h, icon, painted, said, slot, to } from "../lib/dom.js";
import { figure, list, t, within } from "../lib/i18n.js";
import { offerConcepts, onKey } from "../lib/keys.js";
import { later } from "../lib/later.js";
import { recall, remember } from "../lib/place.js";
import { note, settledHere } from "../lib/say.js";
import { settling } from "../lib/settle.js";
import { tell } from "../lib/tabs.js";
import { CONTENT_STATE, kindName, learnKinds, retryHelps, textOf } from "../lib/words.js";
import { Arriving } from "../model/arriving.js";
import { costOf, facts, needs, neighbours, placeOf, resourceList } from "../views/concept-parts.js";
import { anyContent } from "../views/content.js";
import { course, markKeys, pageContents, pageTools } from "../views/course.js";
import { learner } from "../views/learner.js";
import { causeInWords, heading } from "../views/parts.js";
import { quizView } from "../views/quiz.js";
import { headingsOf, tutorial } from "../views/tutorial.js";

const RETRYABLE = new Set(["partial_failure", "completed"]);
const REVISIT_MS = 15_000;

start(async (main) => {
  const [roadmapId, conceptId] = idsInAddress();
  const path = `/roadmaps/${roadmapId}/concepts/${conceptId}`;
  const [first, roadmap, learnt] = await Promise.all([
    get(path), get(`/roadmaps/${roadmapId}`), get(`/roadmaps/${roadmapId}/progress`),
  ]);
  let concept = first;
  const progress = learner(roadmapId, learnt);
  learnKinds(roadmap);
  offerConcepts(roadmap);
  const kinds = Object.keys(concept.contents);
  const place = placeOf(roadmap, conceptId);
  let quiz = null;
  let resume = () => {};
  let markdown = null, read = (text) => text;
  const refresh = settling(readAnew);
  /** The kinds that have a view of their own; others are drawn as what they consist of. */
  const views = {
    tutorial: () => tutorial(concept.tutorial.html, concept.title),
    resources: () => resourceList(concept.resources),
    quiz: () => {
      quiz = quizView(concept.quiz, {
        version: concept.versions.quiz, path: `${path}/quiz-answers`, key: conceptId,
        score: progress.quiz(conceptId), marked: progress.learnt,
      });
      return quiz.element;
    },
  };
  const failures = slot();
  const sections = Object.fromEntries(kinds.map((kind) => [kind, sectionOf(kind)]));
  const outline = h("nav", { "aria-label": t`Outline` });
  const aside = h("details.course-outline", { open: recall("outline", matchMedia("(min-width: 64rem)").matches), ontoggle: () => remember("outline", aside.open) },
    h("summary", {}, icon("list"), t`Outline`), outline);
  const toc = slot();
  progress.onChange((id) => id === conceptId && quiz?.scored(progress.quiz(id)));
  const marking = (mark, tag) => guarded(h(`button.button${tag}`, { type: "button" }), () => void progress.toggle(concept, mark, { quietly: true }));
  const buttons = { done: marking("done", ""), learning: marking("learning", ""), skipped: marking("skipped", "") };
  const doneBelow = marking("done", ".is-large");
  const unsent = h("span.quiet", {}, t`not saved yet`);
  let next = null;
  progress.onChange((id) => id === conceptId && showMark());
  showMark();
  title(concept.title);
  const [text, ...others] = kinds;
  draw(text);
  drawFailures();
  const article = h("article", { lang: roadmap.language || null },
    h("header.concept-head", {}, heading(concept.title), said("p.lead", concept.description),
      h("p.quiet", {}, facts(concept), needs(concept, roadmap)), pageTools([h("span.mark-buttons", { role: "group", "aria-label": t`Mark: ${concept.title}` }, Object.values(buttons)), unsent])),
    failures.element, sections[text].element);
  const column = h("div.concept-main", {},
    h("nav.crumbs", { "aria-label": t`Where you are` }, said("a", roadmap.title, { href: `/roadmaps/${roadmapId}` }), " / ", said("span", place.module.title)),
    article);
  fill(main, h("div.concept-page", {}, aside, column, h("aside.concept-side", {}, toc.element)));
  if (concept[text]) await painted(); // what people came for is seen first; the rest stands below and beside it
  others.forEach(draw);
  article.append(...others.map((kind) => sections[kind].element));
  column.append(doneBar(), neighbours(place, roadmapId));
  drawContents();
  fill(outline, h("p.quiet", {}, t`Tick what is done.`), course(roadmap, { learner: progress, current: conceptId, brief: true }).element);
  aside.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", behavior: "instant" });
  onKey("j", t`Next concept`, () => go(place.after));
  onKey("k", t`Concept before`, () => go(place.before));
  markKeys(progress, () => concept);
  follow();

  function go(other) {
    if (other) location.assign(to(`/roadmaps/${roadmapId}/concepts/${other.concept_id}`));
  }

  function sectionOf(kind) {
    const each = { state: slot(), text: slot(), after: slot(), version: null, told: null, arriving: new Arriving(), view: null, frame: 0 };
    return {
      ...each,
      element: h("section", { id: kind, "aria-label": kindName(kind) },
        kind !== "tutorial" && h("h2", {}, kindName(kind)), each.state.element, each.text.element, each.after.element),
    };
  }

  /** Watch the task while anything may still come: also after a regeneration elsewhere. */
  function follow() {
    const watch = client.watch(roadmap.task_id, {
      after: concept.last_seq,
      revisitMs: REVISIT_MS,
      onEvent: (event) => {
        const own = event.data.concept_id === conceptId && event.type.startsWith("content_");
        if (own || event.type === "task_retried" || event.status !== concept.task_status) refresh();
      },
      onDelta: ({ data }) => data.concept_id === conceptId && arrive(data),
      onSnapshot: ({ last_seq: seq }) => seq !== concept.last_seq && refresh(),
      onError: noticeRefusal,
    });
    resume = () => watch.resume();
    addEventListener("pagehide", () => watch.stop());
  }

  async function readAnew() {
    concept = await get(path);
    kinds.forEach(draw);
    drawFailures();
    drawContents();
  }

  /** Each part of a section is made anew only when it is another: answers, selections and places stay. */
  function draw(kind) {
    const section = sections[kind];
    const state = concept.contents[kind];
    const version = concept.versions[kind] ?? null;
    const offered = RETRYABLE.has(concept.task_status);
    if (state.status !== "running") section.arriving.reset();
    section.state.show([state, offered, TERMINAL_STATUSES.has(concept.task_status), shared(kind), version], () => condition(kind, state));
    if (kind === "quiz" && section.version !== null && version !== section.version && quiz?.dirty()) {
      return newerQuiz(section);
    }
    const finished = state.status === "completed"; // its state may have been read a moment before its version
    const renewed = finished && section.told !== null && version !== section.told;
    section.version = version;
    if (finished || section.told === null) section.told = version;
    section.text.show(concept[kind], () => concept[kind] && ownView(kind));
    section.after.show([offered, state.status, version], () => concept[kind] && renew(kind));
    if (renewed) {
      note(t`New: the ${within(kindName(kind))} of “${concept.title}”.`, {
        tone: "good", action: { label: t`Show it`, run: () => section.element.scrollIntoView({ block: "start" }) },
      });
    }
  }

  /** Somebody is answering the version before: it stays until they want the new one. */
  function newerQuiz(section) {
    section.after.show(["newer", concept.versions.quiz], () => h("div.notice.is-ask", {}, h("p", {}, t`This quiz was written anew meanwhile. What you ticked is still here.`),
      h("p.actions", {}, h("button.button", { type: "button", onclick: () => {
        quiz.drop();
        draw("quiz");
        section.element.scrollIntoView({ block: "start" });
      } }, t`Show the new one`))));
  }

  function ownView(kind) {
    return views[kind] ? views[kind]() : anyContent(concept[kind], { text: textOf(kind), title: concept.title });
  }

  function drawContents() {
    toc.show([concept.versions, kinds], () => pageContents([
      ...headingsOf(sections[kinds[0]].text.element),
      ...kinds.slice(1).map((kind) => ({ id: kind, text: kindName(kind) })),
    ]));
  }

  /** The kinds that failed, by their cause: one that ended several is told once, above them all. */
  function causes() {
    const found = new Map();
    for (const kind of kinds) {
      const { status, error } = concept.contents[kind];
      if (status === "failed") found.set(JSON.stringify(error), [...(found.get(JSON.stringify(error)) ?? []), kind]);
    }
    return [...found.values()].filter((each) => each.length > 1);
  }

  function shared(kind) {
    return causes().some((each) => each.includes(kind));
  }

  function drawFailures() {
    const found = causes();
    failures.show([found, found.map(([kind]) => concept.contents[kind]), RETRYABLE.has(concept.task_status), concept.usage], () =>
      found.map((each) => failed(each, concept.contents[each[0]].error)));
  }

  function failed(which, error) {
    const names = list(which.map(kindName));
    const tone = retryHelps(error ?? {}) ? ".is-primary" : "";
    return h("div.notice.is-bad", {},
      h("p", {}, h("strong", {}, t`${names}: failed.`), " ", causeInWords(error ?? {}), which.some((kind) => concept[kind]) && ` ${t`Below is the version before.`}`),
      h("p.cost", {}, which.length === 1 && costOf(concept.usage[which[0]])),
      RETRYABLE.has(concept.task_status)
        ? h("p.actions", {}, again(which, t`Retry: ${list(which.map((kind) => within(kindName(kind))))}`, tone))
        : h("p.quiet", {}, TERMINAL_STATUSES.has(concept.task_status) ? h("a", { href: `/tasks/${roadmap.task_id}` }, t`Retry the task`) : t`It can be tried again when the rest is written.`));
  }

  /** Say what a content is doing when it is not simply there. */
  function condition(kind, state) {
    if (state.status === "completed") return null;
    if (state.status === "failed") return shared(kind) ? h("p.quiet", {}, t`Not written: see above.`) : failed([kind], state.error);
    const { arriving } = sections[kind];
    const words = TERMINAL_STATUSES.has(concept.task_status) ? t`not written` : CONTENT_STATE[state.status];
    sections[kind].view = h("div.arriving.prose", { hidden: !arriving.text, tabIndex: 0, role: "region", "aria-label": t`The text so far` }, rendered(arriving.text));
    return h("div.pending", { dataset: { state: state.status } },
      h("p", {}, h("span.mark", { "aria-hidden": "true", dataset: { state: state.status } }), ` ${kindName(kind)}: ${words}.`, concept[kind] && ` ${t`Below is the version before.`}`),
      state.version === null && RETRYABLE.has(concept.task_status)
        && h("p.actions", {}, again([kind], t`Write it: ${within(kindName(kind))}`)),
      sections[kind].view);
  }

  function arrive({ kind, version, offset, text }) {
    const { arriving, view } = sections[kind];
    arriving.take({ version, offset, text });
    if (!view?.isConnected) return;
    view.hidden = false;
    sections[kind].frame ||= requestAnimationFrame(() => {
      sections[kind].frame = 0;
      // nothing is drawn anew under a selection
      if (!view.contains(getSelection()?.anchorNode) || getSelection().isCollapsed) fill(view, rendered(arriving.text));
    });
  }

  /** What arrives, as Markdown as soon as its reader is here, which only they need who watch it come. */
  function rendered(text) {
    markdown ??= text && later("markdown").then(({ streamed }) => (read = streamed), () => {});
    return read(text);
  }

  function again(which, words, tone = "") {
    return guarded(h(`button.button${tone}`, { type: "button" }, words), async () => {
      try {
        await post(`${path}/regenerate`, { kinds: which });
        settledHere.add(roadmap.task_id);
        tell({ type: "retried", taskId: roadmap.task_id });
        resume();
        await refresh();
      } catch (error) {
        complain(error);
      }
    });
  }

  /** What is there is written anew after a second question: it is not seen again afterwards. */
  function renew(kind) {
    const { status } = concept.contents[kind];
    if (status === "running" || status === "pending") return h("p.renew.quiet", {}, t`Being written anew …`);
    if (!RETRYABLE.has(concept.task_status) || status !== "completed") return null;
    const words = t`Write it anew: ${within(kindName(kind))}`;
    const place = h("div.renew");
    const ask = guarded(h("button.button.is-quiet", { type: "button" }, words), async () => question());
    return fill(place, ask);

    function question() {
      const { tokens = 0 } = concept.usage[kind] ?? {};
      const about = t`What stands here stays until the new one is there, and is then replaced for good.`
        + (tokens ? ` ${t`That takes about ${figure(Number(tokens.toPrecision(2)))} tokens.`}` : "");
      const keep = h("button.button", { type: "button", onclick: (event) => {
        if (event.detail > 1) return; // the second half of a double click on the first question
        fill(place, ask);
        ask.focus();
      } }, t`Keep it`);
      fill(place, h("div.notice.is-ask", { role: "group", "aria-label": words }, h("p", {}, about), h("p.actions", {}, keep, again([kind], words, ".is-primary"))));
      keep.focus();
    }
  }

  function doneBar() {
    next = place.after && h("button.button.is-large.is-primary", { type: "button", onclick: doneAndNext }, t`Done and next`, icon("arrow"));
    if (next) next.hidden = progress.isDone(conceptId);
    return h("p.done-bar", {}, doneBelow, next);

    async function doneAndNext() {
      if (await progress.mark(conceptId, "done", { title: concept.title, quietly: true })) go(place.after);
    }
  }

  /** The marks say in words what is pressed. */
  function showMark() {
    const now = progress.markOf(conceptId);
    const done = now === "done" ? t`Done` : t`Mark as done`;
    const words = { done, learning: t`Learning`, skipped: now === "skipped" ? t`Skipped` : t`Skip` };
    for (const [mark, button] of Object.entries(buttons)) fill(button, mark === now && icon("check"), words[mark]);
    fill(doneBelow, icon("check"), done);
    for (const [mark, button] of [...Object.entries(buttons), ["done", doneBelow]]) {
      button.setAttribute("aria-pressed", String(mark === now));
      button.classList.toggle("is-done", mark === now);
    }
    if (next) next.hidden = now === "done";
    unsent.hidden = !progress.isUnsent(conceptId);
  }
});
