/** What a notification says, in few words, and where it leads. */

import { SERVERS } from "../lib/i18n.js";
import { STATUS } from "../lib/words.js";

export const TONES = {
  review_required: "ask", review_reminder: "ask", task_completed: "good",
  task_partially_failed: "bad", task_failed: "bad",
};

const MEANS = {
  review_required: "human_review_pending", review_reminder: "human_review_pending", task_completed: "completed",
  task_partially_failed: "partial_failure", task_failed: "failed", task_cancelled: "cancelled",
};

/**
 * What an entry tells, without the title that stands beside it, and its language when that is another.
 *
 * @param {{kind: string, message: string, title?: string|null}} entry
 * @returns {[string, string|null]}
 */
export function inShort({ kind, message, title }) {
  const words = STATUS[MEANS[kind]];
  return words && title && (SERVERS || kind.startsWith("review") || kind === "task_cancelled") ? [words, null] : [message, SERVERS];
}

/** To the question, to what came of it, or to what went wrong. */
export function target({ task_id: taskId, kind, roadmap_id: roadmapId = null }) {
  if (kind === "task_completed" && roadmapId) return `/roadmaps/${roadmapId}`;
  return kind.startsWith("review") ? `/tasks/${taskId}/review` : `/tasks/${taskId}`;
}
