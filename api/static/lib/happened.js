/** What events tell, in the interface's language and with the names that people know. */

import { COMMA, SERVERS, n, t } from "./i18n.js";
import { CONTENT_STATE, STATUS, cause, contentsReady, decisionName, kindName, stepName } from "./words.js";

const ASKED = "human_review";
const part = ({ kind, title, concept_title: concept = title }) => `${kindName(kind)}${concept ? ` “${concept}”` : ""}`;
const late = ({ overdue }) => (overdue ? `. ${t`Nobody decided in time.`}` : "");

/** By type, from what an event tells beside it. */
const TOLD = {
  task_queued: () => stepName("queued"),
  task_started: () => t`The work has begun`,
  task_recovered: () => t`Another worker goes on with it`,
  task_retried: () => stepName("resuming"),
  step_started: ({ step }) => `${stepName(step)} …`,
  step_retrying: (data) => `${data.kind ? part(data) : stepName(data.step)}: ${t`tried again.`} ${cause(data)[0]}`,
  roadmap_ready: ({ title }) => t`The outline of “${title}” is there`,
  review_required: () => STATUS.human_review_pending,
  review_reminder: () => STATUS.human_review_pending,
  review_decided: (data) => `${stepName(ASKED)}: ${decisionName(data)}${late(data)}`,
  task_cancel_requested: ({ step }) => t`Cancelled at the step “${stepName(step)}”`,
  task_cancelled: (data) => t`Cancelled at the step “${stepName(data.step)}”` + late(data),
  task_failed: (data) => `${STATUS.failed}: ${stepName(data.step)}. ${cause({ ...data, message: data.error })[0]}`,
};

/** What the server says as well in English. */
const TRANSLATED = {
  step_completed: ({ step }) => `${stepName(step)}: ${t`done`}`,
  content_started: (data) => `${part(data)}: ${CONTENT_STATE.running}`,
  content_completed: (data) => `${part(data)}: ${CONTENT_STATE.completed}`,
  content_failed: (data) => `${part(data)}: ${CONTENT_STATE.failed}. ${cause({ ...data, message: data.error })[0]}`,
  concept_completed: ({ concept_title: title }) => `“${title}”: ${CONTENT_STATE.completed}`,
  task_completed: () => STATUS.completed,
  task_partially_failed: ({ completed, failed }) => `${STATUS.partial_failure}: ${n(failed, "{n} failed", "{n} failed")}${COMMA}${contentsReady(completed, completed + failed)}`,
};

/**
 * Return an event in words, and the language they are in when it is not the interface's.
 *
 * @param {{type: string, message: string, data: any}} event
 * @returns {[string, string|null]}
 */
export function happened({ type, message, data }) {
  const say = TOLD[type] ?? (SERVERS ? TRANSLATED[type] : null);
  return say ? [say(data), null] : [message, SERVERS];
}
