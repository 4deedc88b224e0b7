/** What can be done with a task, for each of its statuses. */

import { inWords, post } from "../lib/api.js";
import { fill, guarded, h } from "../lib/dom.js";
import { note } from "../lib/say.js";
import { due, moment } from "../lib/time.js";
import { count } from "../lib/words.js";
import { causeInWords } from "./parts.js";

const ASK_AGAIN_MS = 4000;

/** @param {{model: object, taskId: string, retried: () => void, reveal: (id: string) => void}} context */
export function actions(context) {
  const { model, taskId } = context;
  const body = h("div");
  let shown = "";
  const underWay = () => [
    h("p", {}, "Nothing needs you. You may close this page: the work goes on, and the bell tells you when it is done."),
    h("p.actions", {}, model.progress.done > 0 && roadmapLink("Read what is ready", false), cancel()),
  ];
  const draw = {
    pending: underWay,
    processing: underWay,
    human_review_pending: () => [
      h("p", {}, "The outline waits for your decision; nothing is written before."),
      model.review && h("p.due", {}, `Due ${due(model.review.due_at)} `,
        h("span.quiet", {}, `(${moment(model.review.due_at)})`)),
      h("p.actions", {}, h("a.button.is-primary", { href: `/tasks/${taskId}/review` }, "Review the outline"), cancel()),
    ],
    completed: () => [
      h("p", {}, "Everything is written."),
      h("p.actions", {}, roadmapLink("Start learning")),
    ],
    partial_failure: () => [
      h("p", {}, `${count(model.failed, "content")} failed; all the rest can be used.`),
      failures(),
      h("p.actions", {}, send(`Retry what failed (${model.failed})`, "retry", ".is-primary"),
        roadmapLink("Start learning", false)),
    ],
    failed: () => [
      h("p.cause", {}, causeInWords(model.error ?? {})),
      failures(),
      h("p.actions", {}, send("Retry", "retry", ".is-primary"), h("a.button", { href: "/" }, "Ask for another")),
    ],
    cancelled: () => [
      h("p", {}, "It was cancelled. What had been written is kept."),
      h("p.actions", {}, send("Go on where it stopped", "retry", ".is-primary"), roadmapLink("Read what is ready", false)),
    ],
  };
  return {
    element: h("section.card.actions-card", { "aria-labelledby": "actions-title" },
      h("h2.card-title", { id: "actions-title" }, "What you can do now"), body),
    update() {
      const now = JSON.stringify([model.status, model.review, model.error, model.task.roadmap_id,
        model.status === "processing" ? model.progress.done > 0 : model.failed]);
      if (now === shown) return;
      shown = now;
      const focused = body.contains(document.activeElement);
      fill(body, draw[model.status]());
      if (focused) body.querySelector("a, button")?.focus();
    },
  };

  function roadmapLink(words, primary = true) {
    const id = model.task.roadmap_id;
    return id && h(`a.button${primary ? ".is-primary" : ""}`, { href: `/roadmaps/${id}` }, words);
  }

  function send(words, path, tone = "") {
    return guarded(h(`button.button${tone}`, { type: "button" }, words), async () => {
      try {
        await post(`/tasks/${taskId}/${path}`);
        context.retried();
      } catch (error) {
        note(inWords(error), { tone: "bad" });
      }
    });
  }

  /** Stopping is asked twice, by the same button. */
  function cancel() {
    const button = h("button.button.is-quiet", { type: "button" }, "Cancel this task");
    let asked = false;
    return guarded(button, async () => {
      if (!asked) {
        asked = true;
        button.textContent = "Really cancel?";
        setTimeout(() => {
          asked = false;
          button.textContent = "Cancel this task";
        }, ASK_AGAIN_MS);
        return;
      }
      try {
        await post(`/tasks/${taskId}/cancel`);
      } catch (error) {
        note(inWords(error), { tone: "bad" });
      }
    });
  }

  function failures() {
    const ids = model.failedConcepts();
    return ids.length > 0 && h("ul.failure-list", {}, ids.slice(0, 8).map((id) =>
      h("li", {}, h("button.link", { type: "button", onclick: () => context.reveal(id) }, context.titleOf(id)))),
    ids.length > 8 && h("li.quiet", {}, `and ${ids.length - 8} more`));
  }
}

