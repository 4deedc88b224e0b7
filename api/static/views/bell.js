/** The inbox: a bell with the unread count, live and the same in every tab. */

import { client, noticeRefusal, post } from "../lib/api.js";
import { fill, h, icon, to, write } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { insist, later } from "../lib/later.js";
import { note, settledHere } from "../lib/say.js";
import { hear, tell } from "../lib/tabs.js";
import { cut } from "../lib/words.js";
import { TONES, inShort, target } from "./notification.js";

/** The pages that an entry may be about. */
const OF_ONE = /\/(tasks|roadmaps)\//;

export function bell() {
  let entries = [];
  let unread = 0;
  let further = false;
  const number = h("span.bell-count", { "aria-hidden": "true", hidden: true });
  const button = h("button.icon-button.bell", {
    type: "button", "aria-expanded": "false", "aria-controls": "inbox", onclick: () => toggle(),
  }, icon("bell"), number);
  const panel = h("section.inbox", { id: "inbox", hidden: true, tabIndex: -1, "aria-label": t`Notifications` });
  let list = null; // what draws the panel, once somebody opened it
  const root = h("div.bell-root", { onkeydown: (event) => event.key === "Escape" && toggle(false) }, button, panel);

  document.addEventListener("pointerdown", (event) => root.contains(event.target) || toggle(false));
  const watch = client.watchInbox({
    onSnapshot: (page) => {
      renew(page);
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
    const held = root.contains(document.activeElement); // what is hidden has no focus any more
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) {
      panel.focus();
      watch.refresh();
      if (list) draw();
      else insist(load, () => !list && !panel.hidden);
    } else if (held) button.focus();
  }

  async function load() {
    fill(panel, h("p", {}, t`Loading…`));
    try {
      const { inbox } = await later("inbox", "inbox");
      list ??= inbox(panel, renew);
      draw();
    } catch (error) {
      if (!list) fill(panel, h("p", {}, t`This cannot be shown now`));
      throw error;
    }
  }

  function renew(page) {
    entries = page.notifications;
    unread = page.unread;
    draw();
  }

  function draw() {
    write(number, unread > 99 ? "99+" : String(unread));
    number.hidden = unread === 0;
    const label = unread ? t`Notifications, ${unread} unread` : t`Notifications`;
    button.setAttribute("aria-label", label);
    button.title = label;
    if (!panel.hidden) list?.(entries, unread);
  }

  /** Whoever looks at what an entry is about, or at a part of it, has read the entry. */
  function seen() {
    if (document.hidden) return;
    const news = entries.filter((entry) => !entry.read_at);
    if (unread > news.length && !further && OF_ONE.test(location.pathname)) {
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
}

/** Whether a page is one of those of an entry's task or roadmap. */
const shows = (path, { task_id: taskId, roadmap_id: roadmapId = null }) =>
  [`/tasks/${taskId}`, roadmapId && `/roadmaps/${roadmapId}`].some((start) => start && `${path}/`.startsWith(`${to(start)}/`));
