/** The page of a task, live: its steps, its roadmap as it is written, and what can be done now. */

import { client, get, noticeRefusal } from "../lib/api.js";
import { idsInAddress, start, title } from "../lib/chrome.js";
import { fill, h, write } from "../lib/dom.js";
import { announce } from "../lib/say.js";
import { hear, tell } from "../lib/tabs.js";
import { ago, duration, range } from "../lib/time.js";
import { STATUS, called, count, learnKinds, nth } from "../lib/words.js";
import { TERMINAL_STATUSES, TaskModel } from "../model/task-model.js";
import { actions } from "../views/actions.js";
import { badge } from "../views/badge.js";
import { chip, legend, meter } from "../views/parts.js";
import { rail } from "../views/rail.js";
import { tree } from "../views/tree.js";

const PAGE = 500;
const REVISIT_MS = 15_000;
/** How often is read what no event tells: the time left, and what the task waits for. */
const OUTLOOK_MS = 4_000;

start(async (main) => {
  const [taskId] = idsInAddress();
  const model = new TaskModel(await get(`/tasks/${taskId}`));
  let roadmap = null;
  let meanwhile = [];
  let reading = 0;
  const last = await readLog(taskId, (event) => model.apply(event));
  // the log may tell of a roadmap that the row did not have yet when it was read
  if (!model.task.roadmap_id) model.takeSnapshot(await get(`/tasks/${taskId}`));

  const context = {
    model,
    taskId,
    roadmapId: () => model.task.roadmap_id,
    titleOf: (id) => titles.get(id) ?? "",
    reveal: (id) => views.tree.reveal(id),
    retried: () => {
      watch.resume();
      tell({ type: "retried", taskId });
    },
  };
  const titles = new Map();
  const views = { rail: rail(), tree: tree(context), actions: actions(context), badge: badge(), meter: meter() };
  const page = layout(model, views);
  drawHead(); // before it is shown: numbers and bar stand there at once, and do not grow from nothing
  fill(main, page.element);
  title(called(model.task));
  await readTree();
  drawAll();

  // what an event touched is drawn once per frame, however many events came
  const dirty = new Set();
  let frame = 0;
  let telling = null;
  const watch = client.watch(taskId, {
    after: last,
    revisitMs: REVISIT_MS,
    onEvent: (event) => {
      if (reading) meanwhile.push(event);
      const touched = model.apply(event);
      if (touched.concept) dirty.add(touched.concept);
      if (touched.structure || touched.ended) settle();
      if (touched.ended || event.type === "review_required") telling = event;
      schedule();
    },
    onDelta: (delta) => views.tree.arriving(delta),
    onSnapshot: (task) => {
      model.takeSnapshot(task);
      settle();
    },
    onState: (state) => views.badge.set(state),
    onError: noticeRefusal,
  });
  hear((message) => message.type === "retried" && message.taskId === taskId && watch.resume());
  addEventListener("pagehide", () => watch.stop());
  setInterval(tick, 1000);
  setInterval(readOutlook, OUTLOOK_MS);

  function schedule() {
    if (frame) return;
    // a hidden tab has no frames, and must not pile up work either
    frame = document.hidden ? setTimeout(drawDirty, 500) : requestAnimationFrame(drawDirty);
  }

  function drawDirty() {
    frame = 0;
    dirty.forEach((id) => views.tree.update(id));
    dirty.clear();
    drawHead();
    tellAloud();
  }

  /** Say the last thing of weight, unless later events have overtaken it: a log comes in at once. */
  function tellAloud() {
    const holds = telling?.type === "review_required"
      ? model.review?.review_id === telling.data.review_id
      : TERMINAL_STATUSES.has(model.status);
    if (telling && holds) announce(telling.message);
    telling = null;
  }

  function drawHead() {
    page.head();
    views.rail.set(model.rail());
    views.actions.update();
  }

  function drawAll() {
    for (const id of model.order) views.tree.update(id);
    drawHead();
    views.tree.refresh();
  }

  /** Read anew what events only point to: the task's row and the roadmap's tree. */
  async function settle() {
    try {
      model.takeSnapshot(await get(`/tasks/${taskId}`));
      await readTree();
      drawAll();
    } catch (error) {
      noticeRefusal(error); // otherwise the next event or snapshot will do
    }
  }

  async function readOutlook() {
    if (document.hidden || TERMINAL_STATUSES.has(model.status)) return;
    try {
      model.takeSnapshot(await get(`/tasks/${taskId}`));
      drawHead();
    } catch {
      // the stream tells what is wrong, and the next look may do
    }
  }

  async function readTree() {
    const id = model.task.roadmap_id;
    if (!id) return;
    reading += 1;
    const read = await get(`/roadmaps/${id}`).finally(() => (reading -= 1));
    const same = roadmap && structureOf(read) === structureOf(roadmap);
    roadmap = read;
    model.takeTree(read);
    model.replay(meanwhile);
    if (!reading) meanwhile = [];
    titles.clear();
    for (const concept of conceptsOf(read)) titles.set(concept.concept_id, concept.title);
    if (!same) {
      learnKinds(read);
      page.roadmap(read);
      views.tree.draw(read);
    }
  }

  function tick() {
    page.tick();
    views.rail.tick();
    views.badge.tick();
  }
});

/** Read all events there are; return the number of the last one. */
async function readLog(taskId, take) {
  let last = 0;
  for (;;) {
    const page = await client.events(taskId, { after: last });
    page.forEach(take);
    last = page.at(-1)?.seq ?? last;
    if (page.length < PAGE) return last;
  }
}

const conceptsOf = (roadmap) => roadmap.stages.flatMap((stage) => stage.modules).flatMap((module) => module.concepts);

function structureOf(roadmap) {
  const parts = roadmap.stages.map((s) => [s.title, s.modules.map((m) => [m.title, m.concepts.map((c) => [c.concept_id, c.title])])]);
  return JSON.stringify([roadmap.version, parts]);
}

function layout(model, views) {
  const status = h("span");
  const attempt = h("span.quiet");
  const numbers = h("p.numbers");
  const finding = h("p.finding");
  const outlook = h("p.outlook.quiet");
  const age = h("span.quiet");
  const clock = h("span.quiet");
  const roadmapTitle = h("h2", { id: "tree-title" }, "The roadmap");
  const summary = h("p.lead", {}, "It appears here as soon as it is designed.");
  const legendLine = h("div");
  legendLine.hidden = true;
  let shownStatus = null;
  let spoken = -1;
  const element = h("div.task-page", {},
    h("header.task-head", {},
      h("p.crumbs", {}, h("a", { href: "/" }, "Home"), " / Task"),
      h("h1", {}, called(model.task)),
      h("p.task-line", {}, status, views.badge.element, attempt, clock),
      views.meter.element, numbers, outlook,
      h("p.finding-line", {}, finding, " ", age)),
    h("div.task-side", {}, views.actions.element, views.rail.element),
    h("section.task-tree", { "aria-labelledby": "tree-title" }, roadmapTitle, summary, legendLine, views.tree.element));
  return { element, head, tick, roadmap };

  function head() {
    if (shownStatus !== model.status) {
      if (shownStatus) announce(STATUS[model.status]);
      shownStatus = model.status;
      fill(status, chip(model.status));
      element.dataset.status = model.status;
      views.badge.element.hidden = TERMINAL_STATUSES.has(model.status); // nothing more is to come
    }
    const { done, total } = model.progress;
    views.meter.set({ done, total, failed: model.failed, running: model.running });
    const { calls, tokens } = model.task.usage;
    write(numbers, [
      total ? `${done} of ${count(total, "content")} ready` : "The contents are counted once the outline stands",
      model.failed && `${model.failed} failed`,
      model.running && `${model.running} being written`,
      TERMINAL_STATUSES.has(model.task.status) && `${count(calls, "model call")}, ${count(tokens, "token")}`,
    ].filter(Boolean).join(" · "));
    write(outlook, prospect(model));
    outlook.hidden = !outlook.textContent;
    write(attempt, model.attempt > 1 ? `${nth(model.attempt)} attempt` : "");
    write(finding, model.lastEvent?.message ?? "");
    if (done !== spoken && total) {
      if (spoken >= 0) announce(`${done} of ${total} contents ready`);
      spoken = done;
    }
    tick();
  }

  function tick() {
    if (model.lastEvent) write(age, ago(model.lastEvent.at));
    const { created_at: from, took_s: took } = model.task;
    const over = took !== null && model.status === model.task.status;
    write(clock, over ? `took ${duration(1000 * took)} in all` : `asked ${ago(from)}`);
  }

  function roadmap({ title: name, summary: text, version, kinds }) {
    fill(roadmapTitle, name, version > 1 && h("span.version", {}, ` version ${version}`));
    write(summary, text);
    fill(legendLine, legend({ kinds }));
    legendLine.hidden = false;
  }
}

/** What lies ahead: the time left while a worker works, otherwise what it waits for. */
function prospect({ task, status }) {
  if (TERMINAL_STATUSES.has(status) || status === "human_review_pending") return "";
  if (task.line) return `It waits. ${task.line.message}`;
  return task.time_left_s ? `${range(task.time_left_s)} left` : "";
}
