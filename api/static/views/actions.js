/** What can be done with a task, for each of its statuses. */

import { complain, post } from "../lib/api.js";
import { fill, guarded, h, said } from "../lib/dom.js";
import { n, t } from "../lib/i18n.js";
import { living } from "../lib/living.js";
import { deadline, moment } from "../lib/time.js";
import { retryHelps } from "../lib/words.js";
import { causeInWords } from "./parts.js";

const MOST_NAMED = 8;

/** @param {{model: any, taskId: string, retried: () => void, reveal: (id: string) => void, titleOf: (id: string) => string}} context */
export function actions(context) {
  const { model, taskId } = context;
  const body = h("div");
  let shown = "";
  /** The way to cancel, with its question when that is open: it outlives what is drawn around it. @type {HTMLElement | null} */
  let cancelling = null;
  const underWay = () => [
    h("p", {}, t`Nothing needs you. You may close this page: the work goes on, and the bell tells you when it is done.`),
    h("p.actions", {}, model.progress.done > 0 && roadmapLink(t`Read what is ready`, false), cancel()),
  ];
  const draw = {
    pending: underWay,
    processing: underWay,
    human_review_pending: () => [
      h("p", {}, model.own ? t`It waits for your decision, and goes on after it.` : t`The outline waits for your decision; nothing is written before.`),
      model.review && h("p.due", {}, living(model.review.due_at, deadline), " ",
        h("span.quiet", {}, `(${moment(model.review.due_at)})`)),
      h("p.actions", {}, h("a.button.is-primary", { href: `/tasks/${taskId}/review` }, model.own ? t`Review it` : t`Review the outline`), cancel()),
    ],
    completed: () => [
      h("p", {}, model.own ? t`Everything is done.` : t`Everything is written.`),
      model.task.roadmap_id && h("p.actions", {}, roadmapLink(t`Start learning`)),
    ],
    partial_failure: () => {
      const some = model.progress.done > 0;
      const helps = failedErrors().some(retryHelps);
      const learn = some && roadmapLink(t`Start learning`, !helps);
      const retry = send(t`Retry what failed (${model.failed})`, "retry", helps ? ".is-primary" : "");
      return [
        h("p", {}, !some ? t`Nothing of it could be written.` : model.own ? n(model.failed, "{n} part failed; all the rest can be used.", "{n} parts failed; all the rest can be used.")
          : n(model.failed, "{n} content failed; all the rest can be used.", "{n} contents failed; all the rest can be used.")),
        commonest(),
        failures(),
        h("p.actions", {}, helps ? [retry, learn] : [learn, retry]),
      ];
    },
    failed: () => {
      const error = model.error ?? {};
      const helps = retryHelps(error);
      return [
        h("p.cause", {}, causeInWords(error)),
        failures(),
        h("p.actions", {}, send(t`Retry`, "retry", helps ? ".is-primary" : ""),
          h(`a.button${helps ? "" : ".is-primary"}`, { href: "/" }, t`Ask for another`)),
      ];
    },
    cancelled: () => [
      h("p", {}, model.own || model.progress.done ? t`It was cancelled. What had been written is kept.`
        : model.task.roadmap_id ? t`It was cancelled before any content was written. The outline is kept.` : t`It was cancelled before anything was written.`),
      h("p.actions", {}, send(t`Go on where it stopped`, "retry", ".is-primary"), model.progress.done > 0 && roadmapLink(t`Read what is ready`, false)),
    ],
  };
  return {
    element: h("section.card.actions-card", { "aria-labelledby": "actions-title" },
      h("h2.card-title", { id: "actions-title" }, t`What you can do now`), body),
    update() {
      const now = JSON.stringify([model.status, model.review, model.error, model.task.roadmap_id,
        model.progress.done > 0, model.status !== "processing" && [model.failed, failedErrors().map(({ code }) => code)]]);
      if (now === shown) return;
      shown = now;
      const active = document.activeElement;
      const focused = body.contains(active);
      fill(body, draw[model.status]());
      if (!body.contains(cancelling)) cancelling = null;
      if (focused) /** @type {HTMLElement | null} */ (body.contains(active) ? active : body.querySelector("a, button"))?.focus();
    },
  };

  function failedErrors() {
    return [...model.contents.values()].flatMap(Object.values).filter(({ status }) => status === "failed").map(({ error }) => error ?? {});
  }

  /** Why most of what failed did, and for how many that holds where there are other causes. */
  function commonest() {
    const all = failedErrors();
    const counts = new Map();
    for (const { code } of all) counts.set(code, (counts.get(code) ?? 0) + 1);
    const [code, most] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
    if (!code) return null;
    return h("p.cause", {}, most < all.length && `${t`${most} of ${all.length}`}: `, causeInWords(all.find((each) => each.code === code)));
  }

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
        complain(error);
      }
    });
  }

  /** Stopping is asked twice; the second answer does not stand where the first click was. */
  function cancel() {
    if (cancelling) return cancelling;
    const place = h("span.cancel");
    cancelling = place;
    const ask = guarded(h("button.button.is-quiet", { type: "button" }, t`Cancel this task`), async () => question());
    fill(place, ask);
    return place;

    function question() {
      const keep = h("button.button", { type: "button", onclick: (event) => {
        if (event.detail > 1) return; // the second half of a double click on the first question
        fill(place, ask);
        ask.focus();
      } }, t`Let it go on`);
      const really = guarded(h("button.button.is-danger", { type: "button" }, t`Yes, cancel it`), async () => {
        try {
          await post(`/tasks/${taskId}/cancel`);
        } catch (error) {
          complain(error);
        }
      });
      fill(place, h("span.question-line", { role: "group", "aria-label": t`Cancel this task?` },
        h("span", {}, t`Cancel this task? What is written so far is kept, and it can go on later.`), keep, really));
      keep.focus();
    }
  }

  function failures() {
    const ids = model.failedConcepts();
    return ids.length > 0 && h("ul.failure-list", {}, ids.slice(0, MOST_NAMED).map((id) =>
      h("li", {}, said("button.link", context.titleOf(id), { type: "button", onclick: () => context.reveal(id) }))),
    ids.length > MOST_NAMED && h("li.quiet", {}, t`and ${ids.length - MOST_NAMED} more`));
  }
}

