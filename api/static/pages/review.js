/** The page of a review: the outline, what changed in it, and the form for a decision. */

import { call, client, get, inWords, noticeRefusal } from "../lib/api.js";
import { idsInAddress, start, title } from "../lib/chrome.js";
import { fill, guarded, h, to } from "../lib/dom.js";
import { announce } from "../lib/say.js";
import { tell } from "../lib/tabs.js";
import { due, moment } from "../lib/time.js";
import { STATUS, called, count, hours } from "../lib/words.js";
import { computeEdits, modulesOf, workingCopy } from "../model/edits.js";
import { changeList, editList } from "../views/changes.js";
import { outlineEditor } from "../views/outline-editor.js";

const DECIDED = { approve: "approved", reject: "sent back", edit: "approved with changes" };
const MOST_EDITS = 500;

start(async (main) => {
  const [taskId] = idsInAddress();
  const task = await get(`/tasks/${taskId}`);
  const answer = await call(`/tasks/${taskId}/review`).catch((error) => {
    if (error.status !== 404) throw error;
    return null;
  });
  if (!answer) return nothingToReview(main, task);
  reviewPage(main, task, answer.data, answer.etag);
});

function nothingToReview(main, task) {
  title("Nothing to review");
  fill(main, h("section.failure", {},
    h("h1", {}, "Nothing to review now"),
    h("p", {}, `“${called(task)}”: ${STATUS[task.status].toLowerCase()}.`),
    h("p.actions", {}, h("a.button.is-primary", { href: `/tasks/${task.task_id}` }, "See the task"))));
}

function reviewPage(main, task, review, etag) {
  const { roadmap } = review;
  const taskId = task.task_id;
  const draftKey = `roadmap.draft.${review.review_id}`;
  const stages = readDraft(draftKey) ?? workingCopy(roadmap);
  const names = namesOf(roadmap);
  const titleOf = (id) => names.get(id) ?? "a removed concept";
  let decided = "";
  const notices = h("div", { role: "status" });
  const own = h("section.card", { "aria-labelledby": "own-title", hidden: true });
  const decision = decisionCard(review, decide);
  const editor = outlineEditor(stages, { diff: review.diff, changed: changedByHand });
  title(`Review: ${roadmap.title}`);
  fill(main, h("div.review-page", {},
    h("header.review-head", {},
      h("p.crumbs", {}, h("a", { href: `/tasks/${taskId}` }, "Task"), " / Review"),
      h("h1", {}, roadmap.title),
      h("p.lead", {}, roadmap.summary),
      h("p.quiet", {}, facts(roadmap, review))),
    notices,
    h("div.review-side", {}, decision.element, own, sinceLastRound(review, titleOf), issues(review)),
    h("section.review-outline", { "aria-labelledby": "outline-title" },
      h("h2", { id: "outline-title" }, "The outline"),
      h("p.quiet", {}, "Change what you like in place; nothing is written before you decide."),
      editor.element)));
  changedByHand();
  const watch = client.watch(taskId, { after: task.last_seq, onEvent: elsewhere, onError: noticeRefusal });
  addEventListener("pagehide", () => watch.stop());

  function changedByHand() {
    const edits = computeEdits(roadmap, stages);
    own.hidden = edits.length === 0;
    fill(own, h("h2.card-title", { id: "own-title" }, `Your changes (${edits.length})`), editList(edits, titleOf),
      h("p.actions", {}, h("button.button", {
        type: "button",
        onclick: () => {
          sessionStorage.removeItem(draftKey);
          location.reload();
        },
      }, "Undo all")));
    decision.setEdits(edits.length);
    try {
      if (edits.length) sessionStorage.setItem(draftKey, JSON.stringify(stages));
      else sessionStorage.removeItem(draftKey);
    } catch {
      // a draft is a convenience
    }
  }

  async function decide(kind, feedback) {
    const edits = computeEdits(roadmap, stages);
    const body = kind === "reject" ? { decision: "reject", feedback }
      : edits.length ? { decision: "edit", edits, then: kind === "again" ? "review" : "approve" } : { decision: "approve" };
    if (edits.length > MOST_EDITS) {
      return fail(`These are ${edits.length} changes; ${MOST_EDITS} at a time are possible. Send it back with a wish instead.`);
    }
    try {
      await call(`/tasks/${taskId}/review`, { method: "POST", body, headers: etag ? { "If-Match": etag } : {} });
      sessionStorage.removeItem(draftKey);
      watch.stop();
      tell({ type: "retried", taskId });
      if (body.then === "review") location.reload();
      else location.assign(to(`/tasks/${taskId}`));
      // the page is left: no second decision meanwhile
      await new Promise(() => {});
    } catch (error) {
      if (error.status === 412) stale();
      else if (error.status === 409) over("This review was decided already; your decision was not needed any more.");
      else fail(inWords(error));
    }
  }

  /** Something happened to the task while this page was open; other reviews are not ours. */
  function elsewhere(event) {
    const ours = event.data?.review_id === review.review_id;
    if (event.type === "review_decided" && ours) {
      decided = `This review was ${DECIDED[event.data.decision]} by ${event.data.decided_by}. `;
      over(decided);
    } else if (event.type === "review_required" && !ours) {
      stale();
    } else if (event.type === "task_cancelled") {
      over("The task was cancelled.");
    }
  }

  function stale() {
    over(null, h("div.notice.is-ask", {}, h("p", {}, decided, h("strong", {}, "There is a newer version of this outline."),
      decided ? " " : ` You were looking at version ${review.version}, so your decision was not taken: it might have meant something else. `,
      "Look at the new one and decide anew."),
    h("p.actions", {}, h("button.button.is-primary", { type: "button", onclick: () => location.reload() }, "Show the new version"))));
  }

  function over(words, notice = null) {
    decision.close();
    editor.lock();
    fill(notices, notice ?? h("div.notice.is-ask", {}, h("p", {}, words),
      h("p.actions", {}, h("a.button.is-primary", { href: `/tasks/${taskId}` }, "See the task"))));
    notices.scrollIntoView({ block: "center" });
  }

  function fail(words) {
    fill(notices, h("div.notice.is-bad", {}, words));
    notices.scrollIntoView({ block: "center" });
  }
}

function facts(roadmap, review) {
  const concepts = modulesOf(roadmap.stages).flatMap((module) => module.concepts);
  const total = concepts.reduce((sum, concept) => sum + concept.estimated_hours, 0);
  return `Version ${review.version}, round ${review.round} · ${count(concepts.length, "concept")} · about ${hours(total)}`;
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

function readDraft(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

function sinceLastRound({ diff, round }, titleOf) {
  if (!diff) return null;
  return h("section.card", { "aria-labelledby": "diff-title" },
    h("h2.card-title", { id: "diff-title" }, `What changed since round ${round - 1} (${diff.length})`),
    diff.length ? changeList(diff, titleOf) : h("p.quiet", {}, "Nothing: the outline is the same as before."));
}

function issues({ issues: found }) {
  if (!found.length) return null;
  return h("section.card", { "aria-labelledby": "issues-title" },
    h("h2.card-title", { id: "issues-title" }, "What the check still found"),
    h("ul.plain", {}, found.map((issue) => h("li", {}, issue))));
}

function decisionCard(review, decide) {
  const approve = guarded(h("button.button.is-primary.is-large", { type: "button" }), () => decide("approve"));
  const again = guarded(h("button.button", { type: "button", hidden: true }, "Save my changes and look again"), () => decide("again"));
  const wish = h("textarea", { id: "feedback", rows: 4, maxLength: 4000, placeholder: "More practice, less theory. Add a module about testing." });
  const problem = h("p.field-error", { role: "alert" });
  const warning = h("p.quiet", { hidden: true }, "Your own changes above are not sent along when you send it back.");
  const sendBack = guarded(h("button.button", { type: "button" }, "Send it back"), async () => {
    problem.textContent = "";
    if (!wish.value.trim()) {
      problem.textContent = "Say what should be different.";
      return wish.focus();
    }
    await decide("reject", wish.value.trim());
  });
  const element = h("section.card.decision", { "aria-labelledby": "decision-title" },
    h("h2.card-title", { id: "decision-title" }, "Your decision"),
    h("p.due", { class: review.overdue ? "is-overdue" : "" }, review.overdue ? due(review.due_at) : `Due ${due(review.due_at)}`,
      h("span.quiet", {}, ` (${moment(review.due_at)})`)),
    approve,
    again,
    h("details.send-back", {}, h("summary", {}, "Ask for something different"),
      h("label", { htmlFor: "feedback" }, "What should be different?"), wish, problem, warning, sendBack));
  setEdits(0);
  return {
    element,
    setEdits,
    close() {
      element.querySelectorAll("button, textarea").forEach((control) => (control.disabled = true));
      element.classList.add("is-closed");
      announce("This review is closed.");
    },
  };

  function setEdits(number) {
    approve.textContent = number ? `Approve with my ${count(number, "change")}` : "Approve the outline";
    warning.hidden = number === 0;
    again.hidden = number === 0;
  }
}
