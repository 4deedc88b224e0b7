/** What a task's page consists of, and what changes at its head: status, counts, the last message, the title of what is made. */

import { fill, h, write } from "../lib/dom.js";
import { happened } from "../lib/happened.js";
import { COMMA, figure, n, t } from "../lib/i18n.js";
import { title } from "../lib/chrome.js";
import { announce } from "../lib/say.js";
import { ago, brief } from "../lib/time.js";
import { STATUS, TONE, attempt as attemptName, called, contentsReady } from "../lib/words.js";
import { TERMINAL_STATUSES } from "../model/task-model.js";
import { chip, explain, heading, legend } from "./parts.js";
import { prospect } from "./task-row.js";

/** What other workflows make is called by no name of ours. */
const partsReady = (done, number) => n(number, "{done} of {n} part ready", "{done} of {n} parts ready", { done: figure(done) });

export function layout(model, views) {
  const status = h("span");
  const attempt = h("span.quiet");
  const numbers = h("p.numbers");
  const finding = h("p.finding");
  const outlook = h("p.outlook.quiet");
  const age = h("span.quiet");
  const clock = h("span.quiet");
  const roadmapTitle = h("h2", { id: "tree-title", dir: "auto" }, model.task.workflow === "roadmap" ? t`The roadmap` : "");
  const summary = h("p.lead", { dir: "auto" });
  const legendLine = h("div");
  let told = null;
  const ready = model.task.workflow === "roadmap" ? contentsReady : partsReady;
  let shownStatus = null;
  let spoken = -1;
  let designed = false;
  const element = h("div.task-page", {},
    h("header.task-head", {},
      h("p.crumbs", {}, h("a", { href: "/" }, t`Home`), " / ", t`Task`),
      heading(called(model.task)),
      h("p.task-line", {}, status, views.badge.element, attempt, clock),
      views.meter.element, numbers, outlook,
      h("p.finding-line", {}, finding, " ", age)),
    h("div.task-side", {}, views.actions.element, views.rail.element),
    h("section.task-tree", { "aria-labelledby": "tree-title" }, roadmapTitle, summary, legendLine, views.tree.element));
  return { element, head, tick, roadmap, made: () => {
    designed = true;
    write(summary, "");
  } };

  function head() {
    if (shownStatus !== model.status) {
      if (shownStatus) announce(STATUS[model.status]);
      shownStatus = model.status;
      fill(status, chip(model.status));
      title(called(model.task), TONE[model.status]);
      element.dataset.status = model.status;
      views.badge.element.hidden = TERMINAL_STATUSES.has(model.status); // nothing more is to come
    }
    const { done, total } = model.progress;
    views.meter.set({ done, total, failed: model.failed, running: model.running });
    const { calls, tokens } = model.task.usage;
    const over = TERMINAL_STATUSES.has(model.status);
    write(numbers, [
      total ? ready(done, total) : !over && model.task.workflow === "roadmap" && t`The contents are counted once the outline stands`,
      model.failed > 0 && n(model.failed, "{n} failed", "{n} failed"),
      model.running > 0 && n(model.running, "{n} being written", "{n} being written"),
      TERMINAL_STATUSES.has(model.task.status) && calls > 0 && `${n(calls, "{n} model call", "{n} model calls")}${COMMA}${n(tokens, "{n} token", "{n} tokens")}`,
    ].filter(Boolean).join(" · "));
    write(outlook, over || model.status === "human_review_pending" ? "" : prospect({ ...model.task, status: model.status }));
    write(attempt, model.attempt > 1 ? attemptName(model.attempt) : "");
    // why it failed stands where something can be done about it
    const [words, lang] = model.lastEvent && model.status !== "failed" ? happened(model.lastEvent) : ["", null];
    write(finding, words);
    if (finding.lang !== (lang ?? "")) finding.lang = lang ?? "";
    if (model.task.workflow !== "roadmap") write(roadmapTitle, over ? t`What it made` : t`What it makes`);
    if (!designed) {
      write(summary, over ? t`It ended before there was anything to show.` : t`It appears here as soon as it is designed.`);
    }
    if (told) explain(told, over ? [...model.contents.values()].flatMap((each) => Object.values(each).map((one) => one.status)) : [], over);
    if (done !== spoken && total) {
      if (spoken >= 0) announce(ready(done, total));
      spoken = done;
    }
    tick();
  }

  function tick() {
    if (model.lastEvent) write(age, ago(model.lastEvent.at));
    const { created_at: from, took_s: took } = model.task;
    const over = took !== null && model.status === model.task.status;
    write(clock, over && took !== undefined ? t`took ${brief(1000 * took)} in all` : t`asked ${ago(from)}`);
  }

  function roadmap({ title: name, summary: text, version, kinds, language }) {
    designed = true;
    fill(roadmapTitle, name, version > 1 && h("span.version", {}, ` ${t`version ${version}`}`));
    views.tree.element.lang = summary.lang = language || "";
    write(summary, text);
    fill(legendLine, (told = legend({ kinds })));
  }
}
