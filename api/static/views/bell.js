/** The inbox: a bell with the unread count, live and the same in every tab. */

import { call, client, complain, get, noticeRefusal, post } from "../lib/api.js";
import { fill, h, icon, said, to, write } from "../lib/dom.js";
import { SERVERS, t } from "../lib/i18n.js";
import { announce, note, settledHere } from "../lib/say.js";
import { hear, tell } from "../lib/tabs.js";
import { ago } from "../lib/time.js";
import { STATUS, cut } from "../lib/words.js";

const TONES = {
  review_required: "ask", review_reminder: "ask", task_completed: "good",
  task_partially_failed: "bad", task_failed: "bad",
};

const MEANS = {
  review_required: "human_review_pending", review_reminder: "human_review_pending", task_completed: "completed",
  task_partially_failed: "partial_failure", task_failed: "failed", task_cancelled: "cancelled",
};
const MOST_TASKS = 30;
const MOST_OF_ONE = 3;

export function bell() {
  let entries = [];
  let unread = 0;
  let further = false;
  const number = h("span.bell-count", { "aria-hidden": "true", hidden: true });
  const button = h("button.icon-button.bell", {
    type: "button", "aria-expanded": "false", "aria-controls": "inbox", onclick: () => toggle(),
  }, icon("bell"), number);
  const list = h("ul.inbox-list");
  const readAll = h("button.link", { type: "button", onclick: markAll }, t`Mark all as read`);
  const panel = h("section.inbox", { id: "inbox", hidden: true, tabIndex: -1, "aria-label": t`Notifications` },
    h("header", {}, h("h2", {}, t`Notifications`), readAll), list);
  const root = h("div.bell-root", { onkeydown: (event) => event.key === "Escape" && toggle(false) }, button, panel);

  document.addEventListener("pointerdown", (event) => root.contains(event.target) || toggle(false));
  const watch = client.watchInbox({
    onSnapshot: (page) => {
      entries = page.notifications;
      unread = page.unread;
      draw();
      seen();
    },
    onNotification: (entry) => {
      entries = [entry, ...entries.filter((each) => each.notification_id !== entry.notification_id)];
      if (!entry.read_at) unread += 1;
      draw();
      seen();
      // the task's own page shows it anyway, and so does one that asked for it; one's own act is no news
      if (!entry.read_at && location.pathname !== to(`/tasks/${entry.task_id}`) && !settledHere.has(entry.task_id)) {
        note(entry.title ? `${cut(entry.title, 60)}: ${inShort(entry)[0]}` : inShort(entry)[0], { tone: TONES[entry.kind], href: target(entry) });
      }
    },
    onError: noticeRefusal,
  }, { atFirst: 10 });
  // a decision settles what was told of its review
  hear((message) => ["inbox", "retried"].includes(message.type) && watch.refresh());
  document.addEventListener("visibilitychange", seen);
  addEventListener("pagehide", () => watch.stop());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  draw();
  return root;

  function toggle(open = panel.hidden) {
    if (open === !panel.hidden) return;
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) {
      draw();
      panel.focus();
      watch.refresh();
    } else if (root.contains(document.activeElement)) button.focus();
  }

  function draw() {
    write(number, unread > 99 ? "99+" : String(unread));
    number.hidden = unread === 0;
    const label = unread ? t`Notifications, ${unread} unread` : t`Notifications`;
    button.setAttribute("aria-label", label);
    button.title = label;
    readAll.hidden = unread === 0;
    if (panel.hidden) return;
    fill(list, entries.length
      ? byTask(entries).slice(0, MOST_TASKS).map(row)
      : h("li.empty", {}, t`Nothing yet. You will be told here when a roadmap is ready or needs you.`));
  }

  /** What was told of a task: the newest, and what came before it. */
  function row(told) {
    const [newest] = told;
    const unseen = told.filter((entry) => !entry.read_at);
    return h(`li.inbox-entry.is-${TONES[newest.kind]}`, { class: unseen.length ? "is-unread" : "" },
      h("a", { href: target(newest), onclick: () => unseen.forEach(markOne) },
        newest.title && said("strong.inbox-title", cut(newest.title)),
        told.slice(0, MOST_OF_ONE).map((entry, at) => {
          const [words, lang] = inShort(entry);
          return h(`span.inbox-line${at ? ".is-earlier" : ""}`, {}, h("span", { lang }, words, !entry.read_at && h("span.unseen", {}, ` ${t`(unread)`}`)),
            h("time", { dateTime: entry.created_at }, ago(entry.created_at)));
        })));
  }

  /** Whoever looks at what an entry is about, or at a part of it, has read the entry. */
  function seen() {
    if (document.hidden) return;
    const news = entries.filter((entry) => !entry.read_at);
    if (unread > news.length && !further) {
      further = true;
      watch.refresh(); // it may be among those that came before the newest
    }
    const here = news.filter((entry) => shows(location.pathname, entry));
    for (const id of new Set(here.map((entry) => entry.task_id))) {
      post(`/notifications/read-all?task_id=${id}`).then(() => tell({ type: "inbox" }), noticeRefusal);
    }
    if (!here.length) return;
    for (const entry of here) entry.read_at = entry.created_at;
    unread = Math.max(0, unread - here.length);
    draw();
  }

  function markOne(entry) {
    // this click leaves the page: the request goes on without it
    call(`/notifications/${entry.notification_id}/read`, { method: "POST", keepalive: true })
      .then(() => tell({ type: "inbox" }), () => {});
  }

  async function markAll() {
    try {
      await post("/notifications/read-all");
      const page = await get("/notifications?limit=50");
      entries = page.notifications;
      unread = page.unread;
      draw();
      panel.focus();
      announce(t`All notifications are read`);
      tell({ type: "inbox" });
    } catch (error) {
      complain(error);
    }
  }
}

/** Return the entries of each task, newest first, whatever order they came in. */
function byTask(entries) {
  const found = new Map();
  for (const entry of entries) found.set(entry.task_id, [...(found.get(entry.task_id) ?? []), entry]);
  return [...found.values()];
}

/**
 * What an entry tells, without the title that stands beside it, and its language when that is another.
 *
 * @param {{kind: string, message: string, title?: string|null}} entry
 * @returns {[string, string|null]}
 */
function inShort({ kind, message, title }) {
  const words = STATUS[MEANS[kind]];
  return words && title && (SERVERS || kind.startsWith("review") || kind === "task_cancelled") ? [words, null] : [message, SERVERS];
}

/** Whether a page is one of those of an entry's task or roadmap. */
const shows = (path, { task_id: taskId, roadmap_id: roadmapId = null }) =>
  [`/tasks/${taskId}`, roadmapId && `/roadmaps/${roadmapId}`].some((start) => start && `${path}/`.startsWith(`${to(start)}/`));

/** To the question, to what came of it, or to what went wrong. */
function target({ task_id: taskId, kind, roadmap_id: roadmapId = null }) {
  if (kind === "task_completed" && roadmapId) return `/roadmaps/${roadmapId}`;
  return kind.startsWith("review") ? `/tasks/${taskId}/review` : `/tasks/${taskId}`;
}
