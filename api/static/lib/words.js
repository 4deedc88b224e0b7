/** The words that the page shows for the API's statuses, steps, kinds and error codes. */

const kinds = new Map();

/** Take over what the server says of the kinds of contents. */
export function learnKinds(roadmap) {
  for (const kind of roadmap.kinds ?? []) kinds.set(kind.name, kind);
}

/** What people call a kind of content, as a heading. */
export function kindName(kind) {
  return kinds.get(kind)?.label ?? capitalized(kind);
}

/** The field of a kind of content that is a text with HTML beside it, if there is one. */
export function textOf(kind) {
  return kinds.get(kind)?.text;
}

/** A field's or a kind's name in words: `worked_examples` is "Worked examples". */
export function capitalized(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const CONTENT_STATE = {
  pending: "waiting", running: "being written", completed: "ready", failed: "failed",
};

export const STATUS = {
  pending: "Waiting for a worker",
  processing: "Working",
  human_review_pending: "Needs your review",
  completed: "Complete",
  partial_failure: "Partly failed",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** Status to the tone of its chip. */
export const TONE = {
  pending: "quiet",
  processing: "busy",
  human_review_pending: "ask",
  completed: "good",
  partial_failure: "bad",
  failed: "bad",
  cancelled: "quiet",
};

export const STEP = {
  queued: "Accepted",
  intent_analysis: "Understand the goal",
  curriculum_design: "Design the roadmap",
  structure_validation: "Check the structure",
  edit_plan_analysis: "Plan the changes",
  roadmap_edit: "Change the roadmap",
  human_review: "Your review",
  content_generation: "Write the contents",
  resuming: "Going on",
  completed: "Complete",
};

export const TRANSPORT = { websocket: "WebSocket", sse: "SSE", polling: "polling" };

/** Error code to its cause in words, and what helps. */
const CAUSE = {
  content_refused: ["The language model declined to write this.", "Trying again seldom helps; another title or goal might."],
  provider_unauthorized: ["The language model's provider refused our credentials.", "The operator has to check the key; then a retry will do."],
  provider_rate_limited: ["The language model was asked too often.", "Try again in a few minutes."],
  provider_unavailable: ["The language model's provider did not answer.", "Try again in a few minutes."],
  provider_timeout: ["The language model took too long.", "A retry usually helps."],
  provider_error: ["The language model's provider gave no usable answer.", "A retry may help."],
  provider_rejected: ["The language model's provider did not accept the request.", "The operator has to check its address and model; then a retry will do."],
  content_invalid: ["The language model's answer could not be read, also when it was asked again.", "A retry may help."],
  content_truncated: ["The language model's answer broke off in the middle, also when it was asked again.", "A retry may help."],
  step_timeout: ["It took longer than allowed.", "A retry usually helps."],
  task_timeout: ["The whole work took longer than allowed.", "A retry goes on where it stopped."],
  worker_lost: ["The workers kept dying while they worked on this.", "The operator should look at their logs; then a retry will do."],
  token_budget_exceeded: ["The token budget of this task is used up.", "The operator can raise it; then a retry goes on."],
  structure_invalid: ["No usable structure came out of the design.", "A retry, or a clearer goal, may help."],
  service_unavailable: ["A service that is needed could not be reached.", "A retry usually helps."],
  invalid_request: ["The request itself is not valid.", "Send a corrected one."],
  task_revoked: ["An operator stopped the task.", ""],
};

/** Return `[what happened, what helps]` for an error of a task or a content. */
export function cause({ code, message }) {
  return CAUSE[code] ?? [message || "Something went wrong.", ""];
}

/** Return the goal in its asker's words; where none was named, what the API calls the task. */
export function called({ goal, title = "" }) {
  return goal.trim() ? goal : title.trim() || "(no goal)";
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

export function hours(value) {
  return `${Number(value).toLocaleString(undefined, { maximumFractionDigits: 1 })} h`;
}

const NTH = ["", "first", "second", "third", "fourth", "fifth", "sixth"];

/** Return which one it is in words: `second`, and from the seventh on `7th`. */
export function nth(number) {
  if (NTH[number]) return NTH[number];
  const teen = number % 100 > 10 && number % 100 < 14;
  return `${number}${(!teen && { 1: "st", 2: "nd", 3: "rd" }[number % 10]) || "th"}`;
}
