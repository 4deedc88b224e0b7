/** The tasks, newest first: searched, filtered, continued; what is shown stands in the address. */

import { get, inWords, noticeRefusal } from "../lib/api.js";
import { fill, guarded, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { readdress, recall, remember } from "../lib/place.js";
import { isAway } from "../lib/presence.js";
import { announce } from "../lib/say.js";
import { taskRow, told } from "./task-row.js";

const REFRESH_MS = 5000;
const PAUSE_MS = 250;
const FIRST = 10;
const MORE = 20;
const MOST = 200;
const ACTIVE = new Set(["pending", "processing", "human_review_pending"]);
const FILTERS = {
  all: [t`All`, []],
  active: [t`Under way`, ["pending", "processing"]],
  review: [t`To review`, ["human_review_pending"]],
  complete: [t`Complete`, ["completed"]],
  failed: [t`Failed`, ["partial_failure", "failed"]],
  cancelled: [t`Cancelled`, ["cancelled"]],
};

/**
 * @param {{filtered?: (is: boolean) => void, workflow?: string}} how
 *   `filtered` is told whether it is less than everything; `workflow`
 *   is the only one whose tasks are shown.
 */
export function taskList({ filtered = () => {}, workflow = "" } = {}) {
  const asked = new URLSearchParams(location.search);
  let show = asked.get("show") ?? "all";
  if (!(show in FILTERS)) show = "all";
  let rows = new Map();
  let cursor = null;
  let timer = 0;
  let typing = 0;
  let turn = 0;
  const list = h("ul.task-list");
  const problem = h("div", { role: "status" });
  const more = h("button.button", { type: "button", hidden: true }, t`Show older ones`);
  const field = h("input", {
    type: "search", value: asked.get("q") ?? "", "aria-label": t`Search titles and goals`, placeholder: t`Search titles and goals`,
    maxLength: 200, dir: "auto", autocomplete: "off",
    oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(again, PAUSE_MS);
    },
  });
  const chips = Object.entries(FILTERS).map(([name, [words]]) => h("button.filter", {
    type: "button", dataset: { show: name }, onclick: () => {
      show = name;
      again();
    },
  }, words));
  const element = h("section.recent", { "aria-labelledby": "recent-title" },
    h("h2", { id: "recent-title" }, t`Lately`),
    h("search.filters", {}, field, h("div.filter-chips", { role: "group", "aria-label": t`Only those that are` }, chips)),
    problem, list, h("p.actions", {}, more));
  guarded(more, async () => {
    try {
      const page = await get(`/tasks?limit=${MORE}&cursor=${encodeURIComponent(cursor)}${query()}`);
      take(page.tasks);
      cursor = page.next_cursor;
      more.hidden = !cursor;
      remember("rows", rows.size);
    } catch (error) {
      failed(error);
    }
  });
  for (const kind of ["online", "offline"]) addEventListener(kind, () => read());
  mark();
  return { element, read };

  function query() {
    const words = field.value.trim();
    const only = workflow && `&workflow=${encodeURIComponent(workflow)}`;
    return FILTERS[show][1].map((status) => `&status=${status}`).join("") + only + (words && `&q=${encodeURIComponent(words)}`);
  }

  function mark() {
    chips.forEach((chip) => chip.setAttribute("aria-pressed", String(chip.dataset.show === show)));
    filtered(show !== "all" || field.value.trim() !== "");
  }

  /** Something else is asked for: the list begins anew, and the address says what it is. */
  async function again() {
    const words = field.value.trim();
    const said = new URLSearchParams({ ...(words && { q: words }), ...(show !== "all" && { show }) }).toString();
    readdress(location.pathname + (said && `?${said}`) + location.hash);
    remember("rows", FIRST);
    mark();
    rows = new Map();
    await read(true);
    announce(rows.size ? t`${rows.size} found` : t`Nothing found.`);
  }

  async function read(anew = false) {
    clearTimeout(timer);
    const mine = anew ? (turn += 1) : turn;
    const first = anew || !rows.size;
    let broken = false;
    try {
      // the first time as many as there were before "Back" or a reload
      const page = await get(`/tasks?limit=${Math.min(MOST, Math.max(FIRST, first ? recall("rows", FIRST) : moving()))}${query()}`);
      const apart = first ? [] : await strayed(page.tasks);
      if (mine !== turn) return; // something else was asked for meanwhile
      fill(problem);
      if (first) {
        cursor = page.next_cursor;
        more.hidden = !cursor;
        list.replaceChildren();
      }
      take([...page.tasks, ...apart]);
      if (!rows.size) fill(problem, h("p.quiet", {}, field.value.trim() || show !== "all" ? t`Nothing found.` : t`Nothing yet. What you ask for stands here.`));
    } catch (error) {
      failed(error);
      broken = error.status !== 401; // what is wrong goes by itself
    }
    if ((broken || alive().length) && !document.hidden) timer = setTimeout(read, REFRESH_MS);
  }

  /** What was shown stays; what is wrong stands above it. */
  async function failed(error) {
    noticeRefusal(error);
    if (error.status === 401 || (await isAway())) return;
    fill(problem, h("div.notice.is-bad", {}, h("p", {}, t`The list cannot be read now.`, " ", inWords(error)),
      h("p.actions", {}, guarded(h("button.button", { type: "button" }, t`Try again`), () => read()))));
  }

  /** The rows that may become others. */
  function alive() {
    return [...rows.values()].filter((row) => ACTIVE.has(row.task.status));
  }

  /** Down to where there are such rows. */
  function moving() {
    const order = [...list.children];
    return 1 + Math.max(...alive().map((row) => order.indexOf(row.element)), 0);
  }

  /** What became of those that are not among what was asked for any more. */
  async function strayed(tasks) {
    const known = new Set(tasks.map((task) => task.task_id));
    const away = alive().map(({ task }) => task.task_id).filter((id) => !known.has(id)).slice(0, FIRST);
    return (await Promise.all(away.map((id) => get(`/tasks/${id}`).catch(() => null)))).filter(Boolean);
  }

  function take(tasks) {
    for (const task of tasks) {
      const known = rows.get(task.task_id);
      const text = told(task);
      if (known?.text === text) continue;
      const row = taskRow(task);
      if (known) replace(known.element, row);
      else list.insertBefore(row, older(task));
      rows.set(task.task_id, { element: row, task, text });
    }
  }

  /** The row before which a new one stands; none, where all are newer. */
  function older({ created_at: at }) {
    const place = [...rows.values()].filter(({ task }) => Date.parse(task.created_at) < Date.parse(at));
    return place.sort((a, b) => Date.parse(b.task.created_at) - Date.parse(a.task.created_at))[0]?.element ?? null;
  }
}

/** Put a row in another's place; who was at it stays at it. */
function replace(old, row) {
  const focused = old.contains(document.activeElement);
  old.replaceWith(row);
  if (focused) row.querySelector("a")?.focus({ preventScroll: true });
}
