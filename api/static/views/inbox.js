/** The notifications behind the bell, fetched when somebody opens it. */

import { call, complain, get, post } from "../lib/api.js";
import { fill, h, refill, said } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { living } from "../lib/living.js";
import { announce } from "../lib/say.js";
import { tell } from "../lib/tabs.js";
import { ago } from "../lib/time.js";
import { cut } from "../lib/words.js";
import { TONES, inShort, target } from "./notification.js";

const MOST_TASKS = 30;
const MOST_OF_ONE = 3;

/**
 * Fill the panel of the bell.
 *
 * @param {HTMLElement} panel
 * @param {(page: {notifications: any[], unread: number}) => void} renewed What is told of a newer page.
 * @returns {(entries: any[], unread: number) => void} Draws what there is.
 */
export function inbox(panel, renewed) {
  const list = h("ul.inbox-list");
  const readAll = h("button.link", { type: "button", onclick: markAll }, t`Mark all as read`);
  fill(panel, h("header", {}, h("h2", {}, t`Notifications`), readAll), list);
  return (entries, unread) => {
    readAll.hidden = unread === 0;
    refill(list, entries.length
      ? byTask(entries).slice(0, MOST_TASKS).map(row)
      : h("li.empty", {}, t`Nothing yet. You will be told here when a roadmap is ready or needs you.`));
  };

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
            living(entry.created_at, ago));
        })));
  }

  function markOne(entry) {
    // this click leaves the page: the request goes on without it
    call(`/notifications/${entry.notification_id}/read`, { method: "POST", keepalive: true })
      .then(() => tell({ type: "inbox" }), () => {});
  }

  async function markAll() {
    try {
      await post("/notifications/read-all");
      renewed(await get("/notifications?limit=50"));
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
