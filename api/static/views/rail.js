/** The steps of a task, with states, durations and attempts. */

import { h, write } from "../lib/dom.js";
import { n, t } from "../lib/i18n.js";
import { brief, now } from "../lib/time.js";
import { attempt, stepName, times } from "../lib/words.js";

const STATE = {
  waiting: t`to come`, running: t`under way`, done: t`done`, failed: t`failed`, stopped: t`stopped`,
};

export function rail() {
  const list = h("ol.rail");
  let rows = new Map();
  let steps = [];
  return {
    element: h("section.card.rail-card", { "aria-labelledby": "rail-title" },
      h("h2.card-title", { id: "rail-title" }, t`Steps`), list),
    set(next) {
      const names = next.map((step) => step.name).join();
      if (names !== steps.map((step) => step.name).join()) {
        rows = new Map(next.map((step) => [step.name, row(step.name)]));
        list.replaceChildren(...[...rows.values()].map((each) => each.element));
      }
      steps = next;
      steps.forEach(draw);
    },
    tick() {
      steps.filter((step) => step.state === "running").forEach(draw);
    },
  };

  function row(name) {
    const note = h("span.rail-note");
    const time = h("span.rail-time");
    const state = h("span.unseen");
    const element = h("li.rail-step", {}, h("span.rail-dot", { "aria-hidden": "true" }),
      h("span.rail-name", {}, stepName(name), state), time, note);
    return { element, note, time, state };
  }

  function draw(step) {
    const { element, note, time, state } = rows.get(step.name);
    if (element.dataset.state !== step.state) {
      element.dataset.state = step.state;
      if (step.state === "running") element.setAttribute("aria-current", "step");
      else element.removeAttribute("aria-current");
    }
    write(state, `, ${STATE[step.state]}`);
    const spent = step.durationMs + (step.startedAt ? now() - Date.parse(step.startedAt) : 0);
    const timed = step.state !== "waiting" && (step.durationMs || step.startedAt) && step.name !== "completed";
    write(time, timed ? brief(Math.max(0, spent)) : "");
    write(note, notes(step));
  }
}

function notes({ round, tries, retries }) {
  const parts = [];
  if (round > 1) parts.push(times(round));
  if (tries > 1) parts.push(attempt(tries));
  if (retries) parts.push(n(retries, "{n} model call tried again", "{n} model calls tried again"));
  return parts.join(" · ");
}
