/**
 * What a person has learnt of a roadmap: marked at once, told to the other tabs, and kept by the server. A mark that
 * the server has not taken yet is a draft of this browser: it is sent again until there is an answer.
 */

import { call, complain } from "../lib/api.js";
import { draft, draftsOf } from "../lib/drafts.js";
import { t } from "../lib/i18n.js";
import { announce, note } from "../lib/say.js";
import { hear, tell } from "../lib/tabs.js";

const AGAIN_MS = 8000;
const TOLD = {
  done: (title) => t`“${title}” is done.`, learning: (title) => t`You are learning “${title}”.`, skipped: (title) => t`“${title}” is skipped.`,
};

/**
 * @param {string} roadmapId
 * @param {{concepts: any[]}} learnt As `GET /roadmaps/{id}/progress` gives it.
 */
export function learner(roadmapId, learnt) {
  const progress = new Map(learnt.concepts.map((each) => [each.concept_id, each]));
  const callbacks = new Set();
  const draftOf = (id) => draft(`mark/${roadmapId}/${id}`);
  /** What the server has not taken yet, in the order of its making. */
  const unsent = new Map(draftsOf(`mark/${roadmapId}/`).map(({ key, value }) => [key.split("/")[2], value]));
  let sending = null;
  let timer = 0;
  let missed = false;
  const markOf = (id) => (unsent.get(id) ?? progress.get(id))?.mark ?? null;
  hear(({ type, roadmapId: about, concept }) => {
    if (type !== "learnt" || about !== roadmapId) return;
    // the other tab's is the newer; what it keeps until the server has taken it is not ours to forget
    if (unsent.has(concept.concept_id)) forget(concept.concept_id);
    take(concept);
  });
  addEventListener("online", () => send());
  unsent.forEach((wanted, id) => draftOf(id).write(wanted)); // this tab's as well, from now on
  if (unsent.size) send();
  return {
    markOf,
    isDone: (id) => markOf(id) === "done",
    /** Whether nothing more is to be done for it: it is done, or skipped. */
    isSettled: (id) => ["done", "skipped"].includes(markOf(id)),
    isUnsent: (id) => missed && unsent.has(id),
    quiz: (id) => progress.get(id)?.quiz ?? null,
    /** Call back with a concept's id whenever something about it is another. */
    onChange: (callback) => callbacks.add(callback),
    /** Take what the server says of a concept. */
    learnt(concept) {
      take(concept);
      tell({ type: "learnt", roadmapId, concept });
    },
    mark,
    /** Mark a concept, or take this mark away. */
    toggle: ({ concept_id: id, title }, wanted, how = {}) => mark(id, markOf(id) === wanted ? null : wanted, { title, ...how }),
  };

  function take(concept) {
    progress.set(concept.concept_id, concept);
    changed(concept.concept_id);
  }

  function changed(id) {
    callbacks.forEach((callback) => callback(id));
  }

  function forget(id) {
    unsent.delete(id);
    draftOf(id).clear();
  }

  /** Mark a concept, with `null` take its mark away; tell whether the server has taken it. */
  async function mark(id, wanted, { title, quietly = false }) {
    const before = markOf(id);
    unsent.delete(id); // the last to be made is the last to be sent
    unsent.set(id, { mark: wanted });
    draftOf(id).write({ mark: wanted });
    changed(id);
    tell({ type: "learnt", roadmapId, concept: { ...(progress.get(id) ?? { concept_id: id, quiz: null }), mark: wanted } });
    await send();
    if (unsent.has(id) || markOf(id) !== wanted) return false;
    const words = TOLD[wanted]?.(title) ?? t`“${title}” has no mark.`;
    if (quietly) announce(words);
    else note(words, { action: { label: t`Undo`, run: () => mark(id, before, { title, quietly: true }) } });
    return true;
  }

  /** Send what is not sent, one after the other. */
  async function send() {
    sending ??= work();
    await sending;
    sending = null;
  }

  async function work() {
    for (const [id, wanted] of unsent) {
      try {
        // whoever goes on to another page at once does not take it back
        const { data } = await call(`/roadmaps/${roadmapId}/concepts/${id}/mark`, { method: "PUT", body: wanted, keepalive: true });
        if (unsent.get(id) !== wanted) continue; // another wish by now
        forget(id);
        take(data);
      } catch (error) {
        if (error.temporary || error.status === 401) return later();
        if (unsent.get(id) === wanted) forget(id);
        changed(id);
        complain(error);
      }
    }
    if (missed) announce(t`Your marks are saved.`);
    missed = false;
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(send, AGAIN_MS);
    if (!missed) note(t`Not saved yet: the server does not answer. Your mark is kept here and sent again by itself.`, { tone: "bad" });
    missed = true;
    [...unsent.keys()].forEach(changed);
  }
}
