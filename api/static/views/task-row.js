/** A task in a list: what it is, where it stands, what comes of it. */

import { h, said } from "../lib/dom.js";
import { figure, n, t } from "../lib/i18n.js";
import { living } from "../lib/living.js";
import { ago, range } from "../lib/time.js";
import { called, contents } from "../lib/words.js";
import { chip } from "./parts.js";

const COUNTED = new Set(["processing", "partial_failure", "failed", "cancelled"]);

/** Return the page that a person wants of a task as it stands. */
export function targetOf({ task_id: id, status, roadmap_id: roadmapId }) {
  if (status === "human_review_pending") return `/tasks/${id}/review`;
  return status === "completed" && roadmapId ? `/roadmaps/${roadmapId}` : `/tasks/${id}`;
}

/** What a task waits for, or how long it takes from here; nothing when neither is known. */
export function prospect({ status, line, time_left_s: left }) {
  if (line) return inLine(line);
  return left && status === "processing" ? t`about ${range(left)} left` : "";
}

function inLine({ position, reason, message }) {
  if (reason === "user_limit") return t`waits for your other tasks`;
  if (reason === "worker" && position === 1) return t`next in line`;
  return reason === "worker" && position ? t`number ${position} in line` : message;
}

/** What of a task makes its row another one. */
export const told = (task) => JSON.stringify([task.status, task.progress, task.failed_count, task.line, task.time_left_s, task.roadmap_id]);

export function taskRow(task) {
  const { done, total } = task.progress;
  const facts = [
    prospect(task),
    total > 0 && COUNTED.has(task.status) && t`${figure(done)} of ${figure(total)} ready`,
    task.status === "completed" && total > 0 && contents(total),
    task.failed_count > 0 && n(task.failed_count, "{n} failed", "{n} failed"),
  ];
  return h("li", {},
    h("a.task-row", { href: targetOf(task), dataset: { task: task.task_id } },
      said("span.task-goal", called(task)), chip(task.status), h("span.quiet", {}, facts.filter(Boolean).map((fact) => `${fact} · `), living(task.created_at, ago))));
}
