/** A review of a workflow of any kind: the value in question, approved, sent back, or changed as JSON. */

import { call, inWords } from "../lib/api.js";
import { title } from "../lib/chrome.js";
import { draft } from "../lib/drafts.js";
import { fill, h, to } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { tell } from "../lib/tabs.js";
import { called, capitalized } from "../lib/words.js";
import { anyContent } from "./content.js";
import { decisionCard } from "./decision.js";
import { heading } from "./parts.js";

/** @param {HTMLElement} main @param {{task: any, review: any, etag: string|null}} what */
export function shapeReview(main, { task, review, etag }) {
  const taskId = task.task_id;
  const key = `review/${taskId}`;
  const kept = draft(`${key}/value/${review.version}`);
  const plain = JSON.stringify(review.value, null, 2);
  const notices = h("div", { role: "status" });
  const field = h("textarea.value-field", {
    id: "value", rows: 18, spellcheck: false, value: kept.read() ?? plain, dir: "ltr",
    oninput: () => {
      kept.write(field.value === plain ? null : field.value);
      decision.setEdits(field.value === plain ? 0 : 1);
    },
  });
  const decision = decisionCard(review, { key, decide, remarks: () => [] });
  title(t`Review: ${called(task)}`, "ask");
  fill(main, h("div.review-page", {},
    h("header.review-head", {}, h("p.crumbs", {}, h("a", { href: `/tasks/${taskId}` }, t`Task`), " / ", t`Review`),
      heading(called(task)), h("p.quiet", {}, t`Version ${review.version}, round ${review.round}`)),
    notices,
    h("div.review-side", {}, decision.element),
    h("section.review-outline", { "aria-labelledby": "value-title" },
      h("h2", { id: "value-title" }, capitalized(String(review.of ?? t`The result`))),
      h("div.card", {}, anyContent({ version: null, value: review.value }, { text: undefined, title: "" })),
      h("details.value-edit", { open: kept.read() !== null }, h("summary", {}, t`Change it`),
        h("label", { htmlFor: "value" }, t`As JSON`), field))), decision.bar);
  decision.setEdits(field.value === plain ? 0 : 1);

  async function decide(kind, feedback) {
    let body;
    try {
      body = kind === "reject" ? { decision: "reject", feedback }
        : field.value === plain ? { decision: "approve" }
          : { decision: "edit", value: JSON.parse(field.value), then: kind === "again" ? "review" : "approve" };
    } catch (error) {
      return fail(t`This is no JSON: ${error.message}`);
    }
    try {
      await call(`/tasks/${taskId}/review`, { method: "POST", body, headers: etag ? { "If-Match": etag } : {} });
      if (kind === "reject") decision.sent();
      else kept.clear();
      tell({ type: "retried", taskId });
      location.assign(to(`/tasks/${taskId}`));
      await new Promise(() => {});
    } catch (error) {
      fail(inWords(error));
    }
  }

  function fail(words) {
    fill(notices, h("div.notice.is-bad", {}, words));
    notices.scrollIntoView({ block: "center" });
  }
}
