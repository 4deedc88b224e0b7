/** The page of a task, live: its steps, what it makes as it is made, and what can be done now. */

import { client, get, noticeRefusal } from "../lib/api.js";
import { idsInAddress, start } from "../lib/chrome.js";
import { fill } from "../lib/dom.js";
import { exact } from "../lib/exact.js";
import { happened } from "../lib/happened.js";
import { offerConcepts } from "../lib/keys.js";
import { announce } from "../lib/say.js";
import { settling } from "../lib/settle.js";
import { later } from "../lib/later.js";
import { ownPage, workflowOf } from "../lib/workflows.js";
import { hear, tell } from "../lib/tabs.js";
import { learnKinds, stepName } from "../lib/words.js";
import { TERMINAL_STATUSES, TaskModel, partId } from "../model/task-model.js";
import { actions } from "../views/actions.js";
import { badge } from "../views/badge.js";
import { meter } from "../views/parts.js";
import { rail } from "../views/rail.js";
import { layout } from "../views/task-page.js";
import { tree } from "../views/tree.js";

const PAGE = 500;
const PARTS = 1000;
const REVISIT_MS = 15_000;
/** How often is read what no event tells: the time left, and what the task waits for. */
const OUTLOOK_MS = 4_000;

start(async (main) => {
  const [taskId] = idsInAddress();
  const [task, log] = await Promise.all([get(`/tasks/${taskId}`), readLog(taskId)]);
  const workflow = await workflowOf(task);
  const model = new TaskModel(task, wayOf(workflow, task.review));
  log.forEach((event) => model.apply(event));
  const last = log.at(-1)?.seq ?? 0;
  let roadmap = null;
  // the tree is read after the row, but perhaps before the log: it need not know yet what only the log tells
  let meanwhile = log.filter(({ seq }) => seq > task.last_seq);
  const ahead = meanwhile.length > 0;
  let reading = 0;
  // the log may tell of a roadmap that the row did not have yet when it was read
  if (!task.roadmap_id && !workflow) model.takeSnapshot(await get(`/tasks/${taskId}`));

  const context = {
    model,
    taskId,
    roadmapId: () => model.task.roadmap_id,
    stepName,
    titleOf: (id) => titles.get(id) ?? "",
    reveal: (id) => views.tree.reveal(id),
    retried: () => {
      watch.resume();
      tell({ type: "retried", taskId });
    },
  };
  const titles = new Map();
  const views = { rail: rail(), tree: workflow ? (await later("made", "concept", "forms")).made(context, workflow, await ownPage(workflow)) : tree(context), actions: actions(context), badge: badge(), meter: meter() };
  const page = layout(model, views);
  // all of it before it is shown: nothing moves because something comes later
  await readTree();
  drawAll();
  fill(main, page.element);

  // what an event touched is drawn once per frame, however many events came
  const dirty = new Set();
  let awaited = false;
  let telling = null;
  const settle = settling(readAnew);
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
    onSnapshot: (snapshot) => {
      const known = model.task.last_seq === snapshot.last_seq && model.task.status === snapshot.status;
      model.takeSnapshot(snapshot);
      if (!known) settle();
    },
    onState: (state) => views.badge.set(state),
    onError: noticeRefusal,
  });
  hear((message) => message.type === "retried" && message.taskId === taskId && watch.resume());
  addEventListener("pagehide", () => watch.stop());
  if (ahead) settle(); // perhaps the tree is another by now, and no event comes that tells so
  setInterval(tick, 1000);
  setInterval(readOutlook, OUTLOOK_MS);

  function schedule() {
    if (awaited) return;
    awaited = true;
    requestAnimationFrame(drawDirty);
    // a hidden tab has no frames, also one that is hidden while a frame is awaited
    setTimeout(drawDirty, 500);
  }

  function drawDirty() {
    if (!awaited) return;
    awaited = false;
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
    if (telling && holds) announce(happened(telling)[0]);
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

  /** The task's row, and the roadmap's tree. */
  async function readAnew() {
    model.takeSnapshot(await get(`/tasks/${taskId}`));
    await readTree();
    drawAll();
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

  /** Read what another workflow has made so far: results of steps, and parts. */
  async function readMade() {
    reading += 1;
    const [results, parts] = await Promise.all([get(`/tasks/${taskId}/results?parts=false`, { json: exact }), allParts(taskId)]).finally(() => (reading -= 1));
    model.takeParts(parts);
    model.replay(meanwhile);
    if (!reading) meanwhile = [];
    titles.clear();
    for (const part of parts) titles.set(partId(part), part.title || part.key);
    const seen = JSON.stringify([results, parts]);
    if (seen === roadmap) return;
    roadmap = seen;
    page.made();
    views.tree.draw({ parts, results });
  }

  async function readTree() {
    if (workflow) return readMade();
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
      offerConcepts(read);
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

/** The steps of another workflow, its reviews among them where somebody is asked; of a roadmap, what the model knows. */
function wayOf(workflow, asked) {
  if (!workflow) return undefined;
  const steps = workflow.steps.flatMap(({ name, reviewed }) => (reviewed && asked !== false ? [name, "human_review"] : [name]));
  return ["queued", ...new Set(steps), "completed"];
}

/** Read all parts there are. */
async function allParts(taskId) {
  const parts = [];
  for (let cursor = ""; cursor !== null;) {
    const page = await get(`/tasks/${taskId}/parts?limit=${PARTS}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    parts.push(...page.parts);
    cursor = page.next_cursor ?? null;
  }
  return parts;
}

/** Read all events there are. */
async function readLog(taskId) {
  const events = [];
  for (;;) {
    const { events: page } = await get(`/tasks/${taskId}/events?after=${events.at(-1)?.seq ?? 0}&limit=${PAGE}`);
    events.push(...page);
    if (page.length < PAGE) return events;
  }
}

const conceptsOf = (roadmap) => roadmap.stages.flatMap((stage) => stage.modules).flatMap((module) => module.concepts);

function structureOf(roadmap) {
  const parts = roadmap.stages.map((s) => [s.title, s.modules.map((m) => [m.title, m.concepts.map((c) => [c.concept_id, c.title])])]);
  return JSON.stringify([roadmap.version, parts]);
}
