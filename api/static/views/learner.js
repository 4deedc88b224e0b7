/** What a person has learnt of a roadmap: marked at once, kept by the server, told to the other tabs. */

import { call, complain } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { note } from "../lib/say.js";
import { hear, tell } from "../lib/tabs.js";

/**
 * @param {string} roadmapId
 * @param {{concepts: any[]}} learnt As `GET /roadmaps/{id}/progress` gives it.
 */
export function learner(roadmapId, learnt) {
  const progress = new Map(learnt.concepts.map((each) => [each.concept_id, each]));
  const callbacks = new Set();
  const isDone = (id) => Boolean(progress.get(id)?.done_at);
  hear((message) => {
    if (message.type === "learnt" && message.roadmapId === roadmapId) take(message.concept);
  });
  return {
    isDone,
    quiz: (id) => progress.get(id)?.quiz ?? null,
    /** Call back with a concept's id whenever it was learnt, or not any more. */
    onChange: (callback) => callbacks.add(callback),
    /** Take what the server says of a concept. */
    learnt(concept) {
      take(concept);
      tell({ type: "learnt", roadmapId, concept });
    },
    mark,
  };

  function take(concept) {
    progress.set(concept.concept_id, concept);
    callbacks.forEach((callback) => callback(concept.concept_id));
  }

  /** Mark a concept as done or not: shown at once, and taken back when the server does not take it. */
  async function mark(id, done, { title, quietly = false }) {
    const before = progress.get(id) ?? { concept_id: id, done_at: null, quiz: null };
    take({ ...before, done_at: done ? new Date().toISOString() : null });
    try {
      const { data } = await call(`/roadmaps/${roadmapId}/concepts/${id}/done`, { method: done ? "PUT" : "DELETE" });
      take(data);
      tell({ type: "learnt", roadmapId, concept: data });
      if (quietly) return;
      note(done ? t`“${title}” is done.` : t`“${title}” is not done.`, {
        action: { label: t`Undo`, run: () => mark(id, !done, { title, quietly: true }) },
      });
    } catch (error) {
      take(before);
      complain(error);
    }
  }
}
