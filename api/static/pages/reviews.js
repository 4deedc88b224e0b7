/** The review inbox: every open review, the most urgent first. */

import { get, inWords, noticeRefusal } from "../lib/api.js";
import { start, title } from "../lib/chrome.js";
import { fill, h, said, slot } from "../lib/dom.js";
import { COMMA, t } from "../lib/i18n.js";
import { isAway } from "../lib/presence.js";
import { hear } from "../lib/tabs.js";
import { ago, due, isLate } from "../lib/time.js";
import { called, concepts, hours } from "../lib/words.js";
import { totals } from "../model/edits.js";

const EVERY_MS = 10_000;
const MOST = 50;

start(async (main) => {
  title(t`Reviews`);
  const list = slot(h("ul.task-list"));
  const problem = slot();
  const known = new Map();
  await read();
  fill(main, h("div.reviews-page", {}, h("h1", {}, t`Reviews`),
    h("p.lead", {}, t`Outlines that wait for a decision; nothing is written before.`), problem.element, list.element));
  hear((message) => message.type === "retried" && read());
  addEventListener("online", read);
  setInterval(() => document.hidden || read(), EVERY_MS);

  async function read() {
    try {
      const { tasks } = await get(`/tasks?status=human_review_pending&limit=${MOST}`);
      const found = await Promise.all(tasks.map(withReview));
      found.sort((a, b) => (a.review?.due_at ?? "~").localeCompare(b.review?.due_at ?? "~"));
      problem.show(null, () => []);
      list.show(found.map(({ task, review }) => [task.task_id, review?.review_id, review && isLate(review.due_at)]), () =>
        (found.length ? found.map(row) : h("li.quiet", {}, t`Nothing waits for you.`)));
    } catch (error) {
      noticeRefusal(error);
      if (error.status !== 401 && !(await isAway())) problem.show(error.message, () => h("div.notice.is-bad", {}, inWords(error)));
    }
  }

  /** A review is read once: another round is another one, under a newer event. */
  async function withReview(task) {
    const name = `${task.task_id}/${task.last_seq}`;
    if (!known.has(name)) known.set(name, await get(`/tasks/${task.task_id}/review`).catch(() => null));
    return { task, review: known.get(name) };
  }
});

function row({ task, review }) {
  const size = review?.roadmap && totals(review.roadmap.stages);
  const facts = [
    size && `${concepts(size.concepts)}${COMMA}${hours(size.hours)}`,
    review && t`version ${review.round}`,
    ago(review?.created_at ?? task.created_at),
  ];
  return h("li", {}, h("a.task-row", { href: `/tasks/${task.task_id}/review` },
    said("span.task-goal", called(task)),
    review && h(`span.chip.is-${isLate(review.due_at) ? "bad" : "ask"}`, {}, isLate(review.due_at) ? due(review.due_at) : t`due ${due(review.due_at)}`),
    h("span.quiet", {}, facts.filter(Boolean).join(" · "))));
}
