/** The review inbox: every open review, the most urgent first. */

import { get, inWords, noticeRefusal } from "../lib/api.js";
import { start, title } from "../lib/chrome.js";
import { fill, guarded, h, said, slot } from "../lib/dom.js";
import { COMMA, t } from "../lib/i18n.js";
import { living } from "../lib/living.js";
import { isAway } from "../lib/presence.js";
import { hear } from "../lib/tabs.js";
import { ago, due, isLate } from "../lib/time.js";
import { called, concepts, hours } from "../lib/words.js";
import { totals } from "../model/edits.js";

const EVERY_MS = 10_000;
const RESTS = 20;
const PAGE = 200;
const MOST = 50;

start(async (main) => {
  title(t`Reviews`);
  const list = slot(h("ul.task-list"));
  const problem = slot();
  const known = new Map();
  const more = h("button.button", { type: "button", hidden: true }, t`Show more`);
  let most = MOST;
  let reading = null;
  let restUntil = 0;
  guarded(more, () => {
    most += MOST;
    return read();
  });
  await read();
  fill(main, h("div.reviews-page", {}, h("h1", {}, t`Reviews`),
    h("p.lead", {}, t`Outlines that wait for a decision; nothing is written before.`), problem.element, list.element,
    h("p.actions", {}, more)));
  hear((message) => message.type === "retried" && read());
  addEventListener("online", read);
  setInterval(() => document.hidden || reading || performance.now() < restUntil || read(), EVERY_MS);

  /** Reads that are asked for meanwhile come after this one. */
  function read() {
    const mine = Promise.resolve(reading).then(readNow).finally(() => {
      if (reading === mine) reading = null;
    });
    reading = mine;
    return mine;
  }

  async function readNow() {
    const began = performance.now();
    try {
      const tasks = await waiting();
      const found = await Promise.all(tasks.slice(0, most).map(withReview));
      problem.show(null, () => []);
      list.show(found.map(({ task, review }) => [task.task_id, review?.review_id, task.review_due_at && due(task.review_due_at)]), () =>
        (found.length ? found.map(row) : h("li.quiet", {}, t`Nothing waits for you.`)));
      more.hidden = tasks.length <= most;
    } catch (error) {
      noticeRefusal(error);
      if (error.status !== 401 && !(await isAway())) problem.show(error.message, () => h("div.notice.is-bad", {}, inWords(error)));
    }
    // thousands of reviews take long to read, and then are read less often
    restUntil = performance.now() + RESTS * (performance.now() - began);
  }

  /** Lists are newest first, so what waits longest stands on their last page. */
  async function waiting() {
    const found = [];
    let cursor = "";
    do {
      const page = await get(`/tasks?status=human_review_pending&limit=${PAGE}${cursor}`);
      found.push(...page.tasks);
      cursor = page.next_cursor && `&cursor=${encodeURIComponent(page.next_cursor)}`;
    } while (cursor);
    return found.sort((a, b) => (a.review_due_at ?? "~").localeCompare(b.review_due_at ?? "~"));
  }

  /** A review is read once: another round is another one, under a newer event. */
  async function withReview(task) {
    const name = `${task.task_id}/${task.last_seq}`;
    if (!known.has(name)) {
      const review = await get(`/tasks/${task.task_id}/review`).catch(() => null);
      if (!review) return { task, review };
      known.set(name, review);
    }
    return { task, review: known.get(name) };
  }
});

function row({ task, review }) {
  const at = task.review_due_at;
  const size = review?.roadmap && totals(review.roadmap.stages);
  const facts = [
    size && `${concepts(size.concepts)}${COMMA}${hours(size.hours)}`,
    review && t`version ${review.round}`,
  ];
  return h("li", {}, h("a.task-row", { href: `/tasks/${task.task_id}/review` },
    said("span.task-goal", called(task)),
    at && h(`span.chip.is-${isLate(at) ? "bad" : "ask"}`, {}, isLate(at) ? due(at) : t`due ${due(at)}`),
    h("span.quiet", {}, facts.filter(Boolean).map((fact) => `${fact} · `), living(review?.created_at ?? task.created_at, ago))));
}
