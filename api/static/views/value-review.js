/** A review of a workflow of any kind: the value in question, approved, sent back, or changed in a form. */

import { call, complainIn } from "../lib/api.js";
import { title } from "../lib/chrome.js";
import { draft } from "../lib/drafts.js";
import { fill, h, slot, to } from "../lib/dom.js";
import { exact } from "../lib/exact.js";
import { t } from "../lib/i18n.js";
import { tell } from "../lib/tabs.js";
import { called, stepName } from "../lib/words.js";
import { differences, plainly } from "../model/differences.js";
import { bySchema } from "./by-schema.js";
import { changesSince, decisionCard, roundLine } from "./decision.js";
import { heading } from "./parts.js";
import { schemaForm } from "./schema-form.js";

/** @param {HTMLElement} main @param {{task: any, review: any, etag: string|null, follow: Function}} what */
export function shapeReview(main, { task, review, etag, follow }) {
  const taskId = task.task_id;
  const key = `review/${taskId}`;
  const kept = draft(`${key}/value/${review.version}`, exact);
  const typed = draft(`${key}/half/${review.version}`);
  const [before, half] = [kept, typed].map((each) => each.read());
  const plain = JSON.stringify(review.value);
  const notices = h("div", { role: "status" });
  const seen = slot(h("div.card"));
  const begun = before === null ? review.value : before === NOTHING ? null : before;
  let now = begun;
  const form = schemaForm(review.schema ?? {}, { value: begun, half: half ?? undefined, changed });
  const own = h("details.value-edit", { open: before !== null || half !== null }, h("summary", {}, t`Change it`), form.element);
  const unsent = h("section.card", { "aria-labelledby": "own-title", hidden: true });
  const decision = decisionCard(review, { key, decide, remarks: () => [], approval: t`Approve it` });
  title(t`Review: ${called(task)}`, "ask");
  fill(main, h("div.review-page", {},
    h("header.review-head", {}, h("p.crumbs", {}, h("a", { href: `/tasks/${taskId}` }, t`Task`), " / ", t`Review`),
      heading(called(task)), roundLine(review)),
    notices,
    h("div.review-side", {}, decision.element, unsent, since(review)),
    h("section.review-outline", { "aria-labelledby": "value-title" },
      h("h2", { id: "value-title" }, stepName(String(review.of ?? t`The result`))), seen.element, own)), decision.bar);
  draw();
  if (before === null && half === null) carryOver();
  const watch = follow(task, review, { over, stale });

  function changed(value, half) {
    typed.write(half);
    if (value === undefined) return;
    now = value;
    kept.write(JSON.stringify(value) === plain ? null : value ?? NOTHING);
    draw();
  }

  function draw() {
    seen.show(now, () => bySchema(now, review.schema ?? {}));
    decision.setEdits(differences(review.value, now).length);
  }

  async function decide(kind, feedback) {
    fill(notices);
    try {
      const value = kind === "reject" ? null : form.value();
      const same = JSON.stringify(value) === plain || differences(review.value, value).length === 0;
      const body = kind === "reject" ? { decision: "reject", feedback }
        : same ? { decision: "approve" } : { decision: "edit", value, then: kind === "again" ? "review" : "approve" };
      await call(`/tasks/${taskId}/review`, { method: "POST", body, json: exact, headers: etag ? { "If-Match": etag } : {} });
      if (kind !== "again") decision.sent();
      if (kind !== "reject") [kept, typed].forEach((each) => each.clear());
      watch.stop();
      tell({ type: "retried", taskId });
      location.assign(to(`/tasks/${taskId}`));
      await new Promise(() => {});
    } catch (error) {
      if (error.status === 412) stale();
      else if (error.status === 409) over(t`This review was decided already; your decision was not needed any more.`);
      else fail(error);
    }
  }

  function stale(decided = "") {
    close([decided, " ", h("strong", {}, t`There is a newer version of it.`), " ", t`Look at the new one and decide anew.`],
      h("button.button.is-primary", { type: "button", onclick: () => location.reload() }, t`Show the new version`));
  }

  function over(words) {
    close(words, h("a.button.is-primary", { href: `/tasks/${taskId}` }, t`See the task`));
  }

  /** Nothing can be decided or changed here any more: what was under review stands here, and what was changed beside it. */
  function close(words, way) {
    const mine = differences(review.value, now);
    now = review.value;
    draw();
    decision.close();
    own.hidden = true;
    if (mine.length) fill(unsent, h("h2.card-title", { id: "own-title" }, t`Your changes (${mine.length})`), listed(mine));
    if (mine.length) unsent.hidden = false;
    fill(notices, h("div.notice.is-ask", {}, h("p", {}, words), h("p.actions", {}, way)));
    notices.scrollIntoView({ block: "center" });
  }

  /** What was made of a version that was replaced and did not go with the wish: it is offered for this one. */
  function carryOver() {
    const of = (version) => draft(`${key}/value/${version}`, exact);
    const earlier = Array.from({ length: review.version - 1 }, (_, at) => of(review.version - 1 - at)).find((each) => each.read() !== null);
    if (!earlier) return;
    const answer = (words, primary, run) => h(`button.button${primary}`, { type: "button", onclick: () => {
      run();
      earlier.clear();
      location.reload();
    } }, words);
    fill(notices, h("div.notice.is-ask", {},
      h("p", {}, t`You had changed an earlier version, and did not send that.`, " ", t`Put what you made of it in the place of this one?`),
      h("p.actions", {}, answer(t`Put it there`, ".is-primary", () => kept.write(earlier.read())), answer(t`Forget it`, "", () => {}))));
  }

  async function fail(error) {
    const found = (error.problem?.errors ?? []).map(({ field, message }) => ({ path: field.split(".").filter((each, at) => each && !(at < 2 && ["body", "value"].includes(each))), message }));
    const left = form.complain(found);
    if (left.length < found.length) own.open = true;
    const notice = h("div.notice.is-bad", {}, left.join(" ") || t`Some fields are not right yet.`);
    if (!found.length) await complainIn(notice, error);
    fill(notices, notice);
    notices.scrollIntoView({ block: "center" });
  }
}

/** What is another than the round before. */
function since({ previous, value, round }) {
  if (round < 2 || previous === null || previous === undefined) return null;
  const found = differences(previous, value);
  return h("section.card", { "aria-labelledby": "diff-title" },
    h("h2.card-title", { id: "diff-title" }, changesSince(round - 1, found)),
    found.length ? listed(found) : h("p.quiet", {}, t`Nothing: it is the same as before.`));
}

const listed = (found) => h("ul.plain", {}, found.slice(0, 100).map(({ path, before, after }) => h("li", {},
  h("strong", { dir: "auto" }, path || t`The value`), " ",
  before !== undefined && h("del", { dir: "auto" }, shortened(before)), " ", after !== undefined && h("ins", { dir: "auto" }, shortened(after)))));

const LONGEST = 200;
/** The draft of a value that is null: drafts that are null are none, and no value holds this. */
const NOTHING = "\0";

function shortened(value) {
  const text = typeof value === "string" ? value : plainly(value) ?? exact.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
