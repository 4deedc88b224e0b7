/** The words that the page shows for the API's statuses, steps, kinds and error codes. */

import { figure, language, locale, n, t } from "./i18n.js";

const kinds = new Map();
const KIND = { tutorial: t`Tutorial`, resources: t`Resources`, quiz: t`Quiz` };

/** Take over what the server says of the kinds of contents. */
export function learnKinds(roadmap) {
  for (const kind of roadmap.kinds ?? []) kinds.set(kind.name, kind);
}

/** What people call a kind of content, as a heading. */
export function kindName(kind) {
  if (language !== "en" && kind in KIND) return KIND[kind];
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
  pending: t`waiting`, running: t`being written`, completed: t`ready`, failed: t`failed`,
};

export const STATUS = {
  pending: t`Waiting`,
  processing: t`Working`,
  human_review_pending: t`Needs your review`,
  completed: t`Complete`,
  partial_failure: t`Partly failed`,
  failed: t`Failed`,
  cancelled: t`Cancelled`,
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

/** What a learner says of a concept. */
export const MARK = { learning: t`learning`, done: t`done`, skipped: t`skipped` };

const STEP = {
  queued: t`Accepted`,
  intent_analysis: t`Understand the goal`,
  curriculum_design: t`Design the roadmap`,
  structure_validation: t`Check the structure`,
  edit_plan_analysis: t`Plan the changes`,
  roadmap_edit: t`Change the roadmap`,
  human_review: t`Your review`,
  content_generation: t`Write the contents`,
  resuming: t`Going on`,
  completed: t`Complete`,
};

const steps = new Map();

/** Take over what a workflow calls its steps. */
export function learnSteps(found) {
  for (const { name, title } of found) steps.set(name, title);
}

/** What a step is called; those of other workflows by their own names. */
export const stepName = (step) => STEP[step] ?? steps.get(step) ?? capitalized(step);

const DECIDED = { approve: t`approved`, reject: t`sent back`, edit: t`approved with changes` };

/**
 * What was decided about a review.
 *
 * @param {{decision?: string, then?: string}} decided
 */
export const decisionName = ({ decision, then }) => (then === "review" ? t`changed, to be looked at again` : DECIDED[decision ?? ""] ?? decision);

export const TRANSPORT = { websocket: "WebSocket", sse: "SSE", polling: "polling" };

/** Error code to its cause in words, what helps, and whether trying the same again is likely to. */
const CAUSE = {
  content_refused: [t`The language model declined to write this.`, t`Trying again seldom helps; another title or goal might.`, false],
  provider_unauthorized: [t`The language model's provider refused our credentials.`, t`The operator has to check the key; then a retry will do.`, false],
  provider_rate_limited: [t`The language model was asked too often.`, t`Try again in a few minutes.`, true],
  provider_unavailable: [t`The language model's provider did not answer.`, t`Try again in a few minutes.`, true],
  provider_timeout: [t`The language model took too long.`, t`A retry usually helps.`, true],
  provider_error: [t`The language model's provider gave no usable answer.`, t`A retry may help.`, true],
  provider_rejected: [t`The language model's provider did not accept the request.`, t`The operator has to check its address and model; then a retry will do.`, false],
  content_invalid: [t`The language model's answer could not be read, also when it was asked again.`, t`A retry may help.`, true],
  content_truncated: [t`The language model's answer broke off in the middle, also when it was asked again.`, t`A retry may help.`, true],
  step_timeout: [t`It took longer than allowed.`, t`A retry usually helps.`, true],
  task_timeout: [t`The whole work took longer than allowed.`, t`A retry goes on where it stopped.`, true],
  worker_lost: [t`The workers kept dying while they worked on this.`, t`The operator should look at their logs; then a retry will do.`, false],
  token_budget_exceeded: [t`The token budget of this task is used up.`, t`The operator can raise it; then a retry goes on.`, false],
  structure_invalid: [t`No usable structure came out of the design.`, t`A retry, or a clearer goal, may help.`, true],
  service_unavailable: [t`A service that is needed could not be reached.`, t`A retry usually helps.`, true],
  invalid_request: [t`The request itself is not valid.`, t`Send a corrected one.`, false],
  task_revoked: [t`An operator stopped the task.`, "", true],
};

/** Return `[what happened, what helps]` for an error of a task or a content. */
export function cause({ code, message }) {
  return (CAUSE[code] ?? [message || t`Something went wrong.`, ""]).slice(0, 2);
}

/** Whether trying the same once more is the first thing to do after an error. */
export const retryHelps = ({ code }) => CAUSE[code]?.[2] ?? true;

/** Return the goal in its asker's words; where none was named, what the API calls the task. */
export function called({ goal, title = "" }) {
  return goal.trim() ? goal : title.trim() || t`(no goal)`;
}

/** Return a text that is not longer than so many letters. */
export function cut(text, most = 70) {
  return text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text;
}

/** So many of so many contents or concepts: one text, since "of" asks for another form of the noun in some languages. */
export const contentsReady = (done, number) => n(number, "{done} of {n} content ready", "{done} of {n} contents ready", { done: figure(done) });
export const conceptsReady = (done, number) => n(number, "{done} of {n} concept ready", "{done} of {n} concepts ready", { done: figure(done) });
export const conceptsDone = (done, number) => n(number, "{done} of {n} concept done", "{done} of {n} concepts done", { done: figure(done) });
/** What is said beside how many are done, if there is something to say. */
export const andSkipped = (number) => (number ? t`, ${figure(number)} skipped` : "");
export const contents = (number) => n(number, "{n} content", "{n} contents");
export const concepts = (number) => n(number, "{n} concept", "{n} concepts");

export function hours(value) {
  return t`${figure(Number(value), { maximumFractionDigits: 1 })} h`;
}

/** Return dollars as people read them: small ones with more digits. */
export function dollars(value) {
  const digits = value < 0.01 ? 4 : 2;
  return value.toLocaleString(locale, { style: "currency", currency: "USD", minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const LEVEL = { beginner: t`beginner`, intermediate: t`intermediate`, advanced: t`advanced` };
export const levelName = (level) => LEVEL[level] ?? level;

/** Which attempt it is, and how often a step was done. */
export const attempt = (number) => (language === "en" ? `${nth(number)} attempt` : t`attempt ${number}`);
export const times = (number) => n(number, "{n} time", "{n} times");

const NTH = ["", "first", "second", "third", "fourth", "fifth", "sixth"];

/** Return which one it is in English words: `second`, and from the seventh on `7th`. */
export function nth(number) {
  if (NTH[number]) return NTH[number];
  const teen = number % 100 > 10 && number % 100 < 14;
  return `${number}${(!teen && { 1: "st", 2: "nd", 3: "rd" }[number % 10]) || "th"}`;
}

/** An address as people read it: letters of other scripts are letters. */
export function onPaper(address) {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}
