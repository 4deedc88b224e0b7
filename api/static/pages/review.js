/** The page of a review: the outline, what changed in it, and the form for a decision. */

import { call, client, complain, complainIn, get, noticeRefusal } from "../lib/api.js";
import { idsInAddress, start, title } from "../lib/chrome.js";
import { draft } from "../lib/drafts.js";
import { later } from "../lib/later.js";
import { fill, h, icon, slot, to, write } from "../lib/dom.js";
import { exact } from "../lib/exact.js";
import { COMMA, n, t, within } from "../lib/i18n.js";
import { onKey } from "../lib/keys.js";
import { announce } from "../lib/say.js";
import { tell } from "../lib/tabs.js";
import { STATUS, called, capitalized, decisionName, concepts as conceptsIn, hours } from "../lib/words.js";
import { applyEdits, changesById, computeEdits, modulesOf, totals } from "../model/edits.js";
import { History } from "../model/history.js";
import { changeList, editList } from "../views/changes.js";
import { changesSince, decisionCard, roundLine } from "../views/decision.js";
import { outlineEditor } from "../views/outline-editor.js";
import { heading } from "../views/parts.js";
import { LAST_ONES, learned, likely } from "../views/usually.js";

const MOST_EDITS = 500;

start(async (main) => {
  const [taskId] = idsInAddress();
  const [task, answer] = await Promise.all([
    get(`/tasks/${taskId}`),
    call(`/tasks/${taskId}/review`, { json: exact }).catch((error) => {
      if (error.status !== 404) throw error;
      return null;
    }),
  ]);
  if (!answer) nothingToReview(main, task);
  else if (!answer.data.roadmap) (await later("value-review", "concept", "forms")).shapeReview(main, { task, review: answer.data, etag: answer.etag, follow });
  else reviewPage(main, task, answer.data, answer.etag);
});

function nothingToReview(main, task) {
  title(t`Nothing to review`);
  fill(main, h("section.failure", {},
    h("h1", {}, t`Nothing to review now`),
    h("p", { dir: "auto" }, `“${called(task)}”: ${within(STATUS[task.status])}.`),
    h("p.actions", {}, h("a.button.is-primary", { href: `/tasks/${task.task_id}` }, t`See the task`))));
}

function reviewPage(main, task, review, etag) {
  const { roadmap } = review;
  const taskId = task.task_id;
  const key = `review/${taskId}`;
  const kept = draft(`${key}/edits`);
  const before = kept.read();
  const history = new History(before?.version === review.version ? before.history : { now: [] });
  const comments = remarksOf(`${key}/comments`, () => decision.setRemarks(comments.all().length));
  const form = draft(`${key}/form`);
  const names = namesOf(roadmap);
  const titleOf = (id) => names.get(id) ?? t`a removed concept`;
  let stages = applyEdits(roadmap, history.now);
  const notices = h("div", { role: "status" });
  const own = slot(h("section.card", { "aria-labelledby": "own-title", hidden: true }));
  const numbers = h("p.quiet.totals", { role: "status" });
  const hint = h("p.quiet", {}, t`Change what you like in place; nothing is written before you decide.`);
  let open = true;
  let past = learned([]);
  const undo = stepButton("undo", t`Undo`, () => back(history.undo(), t`Taken back`));
  const redo = stepButton("redo", t`Redo`, () => back(history.redo(), t`Done again`));
  const example = t`More practice, less theory. Add a module about testing.`;
  const decision = decisionCard(review, { key, decide, example, remarks: () => comments.all().map(([id, text]) => `${titleOf(id)}: ${text}`) });
  const editor = outlineEditor({
    stages, needs: needsOf(roadmap), titleOf, diff: review.diff, own: () => changesById(history.now), form, comments, changed: changedByHand,
  });
  title(t`Review: ${roadmap.title}`, "ask");
  fill(main, h("div.review-page", {},
    h("header.review-head", {},
      h("p.crumbs", {}, h("a", { href: `/tasks/${taskId}` }, t`Task`), " / ", t`Review`),
      heading(roadmap.title, { lang: roadmap.language || null }),
      h("p.lead", { dir: "auto", lang: roadmap.language || null }, roadmap.summary),
      roundLine(review)),
    notices,
    h("div.review-side", {}, decision.element, own.element, sinceRound(review, titleOf, editor), issues(review)),
    h("section.review-outline", { "aria-labelledby": "outline-title" },
      h("div.outline-line", {}, h("h2", { id: "outline-title" }, t`The outline`), h("div.step-buttons", {}, undo, redo)),
      hint, numbers,
      h("div", { lang: roadmap.language || null }, editor.element))), decision.bar);
  if (before && before.version !== review.version && before.history.now.length) carryOver(before);
  decision.setRemarks(comments.all().length);
  show();
  get(LAST_ONES).then(({ tasks }) => {
    past = learned(tasks);
    show();
  }, () => {});
  onKey("mod+z", t`Undo`, () => undo.click());
  onKey("mod+shift+z", t`Redo`, () => redo.click());
  onKey("mod+y", "", () => redo.click());
  const watch = follow(task, review, { over, stale });

  /** Something was changed in the outline: it is a step that can be taken back. */
  function changedByHand(moved = null) {
    const earlier = history.now.filter(({ op, concept_id: id }) => op === "move" && id !== moved).map(({ concept_id: id }) => id);
    history.step(computeEdits(roadmap, stages, moved ? [...earlier, moved] : earlier));
    keep();
    show();
  }

  function back(done, words) {
    if (!done) return;
    stages = applyEdits(roadmap, history.now);
    editor.take(stages);
    keep();
    show();
    announce(words);
  }

  function keep() {
    kept.write(history.canUndo || history.canRedo || history.now.length ? { version: review.version, history } : null);
  }

  function stepButton(name, label, run) {
    return h("button.icon-button", { type: "button", "aria-label": label, title: label, onclick: () => editor.settle() && run() }, icon(name));
  }

  function show() {
    const edits = history.now;
    own.element.hidden = edits.length === 0;
    own.show([edits, open], () => [h("h2.card-title", { id: "own-title" }, t`Your changes (${edits.length})`), editList(edits, titleOf),
      open && h("p.actions", {}, h("button.button", { type: "button", onclick: () => {
        if (editor.settle() && history.step([])) back(true, t`All of it is taken back; Undo brings it again.`);
      } }, t`Undo all`))]);
    decision.setEdits(edits.length);
    undo.setAttribute("aria-disabled", String(!history.canUndo));
    redo.setAttribute("aria-disabled", String(!history.canRedo));
    const now = totals(stages);
    const was = totals(applyEdits(roadmap, []));
    const more = now.hours - was.hours;
    const total = `${conceptsIn(now.concepts)} · ${t`about ${hours(now.hours)}`}${more ? ` (${more > 0 ? "+" : "−"}${hours(Math.abs(more))})` : ""}`;
    const made = now.concepts * (roadmap.kinds?.length ?? 3);
    fill(numbers, `${total} · ${n(made, "{n} content to write", "{n} contents to write")}`, COMMA, likely(made, past));
    decision.setNumbers(total);
  }

  async function decide(kind, feedback) {
    if (!editor.settle()) return;
    const edits = history.now;
    const body = kind === "reject" ? { decision: "reject", feedback }
      : edits.length ? { decision: "edit", edits, then: kind === "again" ? "review" : "approve" } : { decision: "approve" };
    if (edits.length > MOST_EDITS) {
      return fail(t`These are ${edits.length} changes; ${MOST_EDITS} at a time are possible. Send it back with a wish instead.`);
    }
    try {
      await call(`/tasks/${taskId}/review`, { method: "POST", body, headers: etag ? { "If-Match": etag } : {} });
      // what went is not kept; what did not go (edits beside a wish) is there at the next look
      if (kind !== "reject") kept.clear();
      if (kind !== "again") {
        decision.sent();
        comments.clear();
      }
      watch.stop();
      tell({ type: "retried", taskId });
      if (body.then === "review") location.reload();
      else location.assign(to(`/tasks/${taskId}`));
      // the page is left: no second decision meanwhile
      await new Promise(() => {});
    } catch (error) {
      if (error.status === 412) stale();
      else if (error.status === 409) over(t`This review was decided already; your decision was not needed any more.`);
      else fail("", error);
    }
  }

  function stale(decided = "") {
    over(null, h("div.notice.is-ask", {}, h("p", {}, decided, " ", h("strong", {}, t`There is a newer version of this outline.`), " ",
      !decided && [t`You were looking at an older one, so your decision was not taken: it might have meant something else.`, " "],
      t`Look at the new one and decide anew.`, " ", t`What you typed and changed is kept.`),
    h("p.actions", {}, h("button.button.is-primary", { type: "button", onclick: () => location.reload() }, t`Show the new version`))));
  }

  function over(words, notice = null) {
    editor.lock();
    decision.close();
    open = false;
    hint.hidden = undo.hidden = redo.hidden = true;
    show();
    fill(notices, notice ?? h("div.notice.is-ask", {}, h("p", {}, words),
      h("p.actions", {}, h("a.button.is-primary", { href: `/tasks/${taskId}` }, t`See the task`))));
    notices.scrollIntoView({ block: "center" });
  }

  async function fail(words, error = null) {
    const notice = h("div.notice.is-bad", {}, words);
    if (error) await complainIn(notice, error);
    fill(notices, notice);
    notices.scrollIntoView({ block: "center" });
  }

  /** Changes to a version that was replaced: they are offered for this one, as far as they fit. */
  function carryOver({ history: { now: edits } }) {
    const notice = h("div.notice.is-ask", {},
      h("p", {}, n(edits.length, "You had made {n} change in an earlier version.", "You had made {n} changes in an earlier version."), " ", t`Make them in this one, too?`),
      h("p.actions", {},
        h("button.button.is-primary", { type: "button", onclick: () => {
          notice.remove();
          stages = applyEdits(roadmap, edits);
          editor.take(stages);
          changedByHand();
          editor.redraw();
        } }, t`Make them`),
        h("button.button", { type: "button", onclick: () => {
          notice.remove();
          kept.clear();
        } }, t`Forget them`)));
    notices.append(notice);
  }
}

/** Tell what happens to a review while its page is open; other reviews are not ours. */
function follow(task, review, { over, stale }) {
  let decided = "";
  const watch = client.watch(task.task_id, { after: task.last_seq, onError: noticeRefusal, onEvent: ({ type, data }) => {
    const ours = data?.review_id === review.review_id;
    if (type === "review_decided" && ours) over((decided = data.overdue ? `${t`Nobody decided in time.`} ${capitalized(decisionName(data))}.` : t`This review was ${decisionName(data)} by ${data.decided_by}.`));
    else if (type === "review_required" && !ours) stale(decided);
    else if (type === "task_cancelled") over(`${data.overdue ? `${t`Nobody decided in time.`} ` : ""}${t`The task was cancelled.`}`);
  } });
  addEventListener("pagehide", () => watch.stop());
  return watch;
}

/** What was said of single concepts. */
function remarksOf(key, changed) {
  const kept = draft(key);
  const said = kept.read() ?? {};
  return {
    of: (id) => said[id] ?? "",
    all: () => Object.entries(said).filter(([, text]) => text.trim()),
    set(id, text) {
      said[id] = text;
      if (!text) delete said[id];
      kept.write(Object.keys(said).length ? said : null);
      changed();
    },
    clear: kept.clear,
  };
}

function namesOf(roadmap) {
  const names = new Map();
  for (const stage of roadmap.stages) {
    names.set(stage.stage_id, stage.title);
    for (const module of stage.modules) {
      names.set(module.module_id, module.title);
      module.concepts.forEach((concept) => names.set(concept.concept_id, concept.title));
    }
  }
  return names;
}

/** Which concepts each concept builds on. */
function needsOf({ stages }) {
  return new Map(modulesOf(stages).flatMap(({ concepts }) => concepts).map((each) => [each.concept_id, each.prerequisites ?? []]));
}

/** What changed since the round before, or since any other. */
function sinceRound({ task_id: taskId, diff, round }, titleOf, editor) {
  if (!diff) return null;
  const list = slot();
  const heading = h("h2.card-title", { id: "diff-title" });
  const rounds = Array.from({ length: round - 1 }, (_, at) => round - 1 - at);
  const choice = rounds.length > 1 && h("select", {
    "aria-label": t`Compare with version`, onchange: () => compare(Number(choice.value)),
  }, rounds.map((each) => h("option", { value: each }, t`Version ${each}`)));
  let shown = 0;
  show(diff, round - 1);
  return h("section.card", { "aria-labelledby": "diff-title" }, heading, choice, list.element);

  async function compare(other) {
    try {
      const { diff: found } = await get(`/tasks/${taskId}/review?since=${other}`);
      show(found ?? [], other);
      editor.since(found);
    } catch (error) {
      complain(error);
      choice.value = String(shown);
    }
  }

  function show(found, other) {
    shown = other;
    write(heading, changesSince(other, found));
    list.show([other, found], () => (found.length ? changeList(found, titleOf) : h("p.quiet", {}, t`Nothing: the outline is the same as before.`)));
  }
}

function issues({ issues: found }) {
  if (!found?.length) return null;
  return h("section.card", { "aria-labelledby": "issues-title" },
    h("h2.card-title", { id: "issues-title" }, t`What the check still found`),
    h("ul.plain", {}, found.map((issue) => h("li", { dir: "auto" }, issue))));
}

