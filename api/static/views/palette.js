/** The palette: one field that finds pages, tasks and what this page can do. */

import { fill, h, to } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { maybeAdmin } from "../lib/session.js";
import { STATUS, called, cut } from "../lib/words.js";
import { targetOf } from "./task-row.js";

const PAUSE_MS = 180;
const MOST = 8;
let open = null;

/**
 * Open it, or close it when it is open.
 *
 * @param {{get: (path: string) => Promise<any>, commands: () => any[], concepts: () => any[], keyCap: (keys: string) => any}} page Of the page: how it
 *   asks the server, what it can do, and the concepts that it is about, and how its keys look.
 */
export function openPalette({ get, commands, concepts, keyCap }) {
  if (open) return open.close();
  let entries = [];
  let at = 0;
  let timer = 0;
  let asked = 0;
  const list = h("ul.palette-list", { id: "palette-list", role: "listbox", "aria-label": t`Results` });
  const field = h("input", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
    "aria-label": t`Search tasks, pages and actions`, placeholder: t`Search tasks, pages and actions`, autocomplete: "off", dir: "auto",
    oninput: () => {
      clearTimeout(timer);
      show([]);
      timer = setTimeout(find, PAUSE_MS);
    },
    onkeydown: keys,
  });
  open = h("dialog.palette", { "aria-label": t`Go anywhere, do anything`, onclose: closed, onclick: (event) => event.target === open && open.close() }, field, list);
  document.body.append(open);
  open.showModal();
  find();

  function closed() {
    open.remove();
    open = null;
  }

  async function find() {
    const words = field.value.trim();
    const mine = (asked += 1);
    show([]);
    try {
      const { tasks } = await get(`/tasks?limit=8${words && `&q=${encodeURIComponent(words)}`}`);
      if (open && mine === asked) show(tasks);
    } catch {
      // pages and actions are found without the server
    }
  }

  function show(tasks) {
    const words = field.value.trim().toLocaleLowerCase();
    const fixed = [
      { text: t`Home`, run: () => location.assign(to("/")) },
      { text: t`Reviews`, run: () => location.assign(to("/reviews")) },
      ...(maybeAdmin() ? [{ text: t`Operations`, run: () => location.assign(to("/operations")) }] : []),
      ...commands().filter(({ keys }) => keys !== "mod+k" && keys !== "g").map(({ words: text, run, keys }) => ({ text, keys, run })),
    ].filter(({ text }) => text.toLocaleLowerCase().includes(words));
    const found = tasks.map((task) => ({
      text: cut(called(task), 90), note: STATUS[task.status], run: () => location.assign(to(targetOf(task))),
    }));
    entries = [...here(words), ...found, ...fixed];
    at = Math.min(at, Math.max(0, entries.length - 1));
    fill(list, entries.length ? entries.map(row) : h("li.quiet", {}, t`Nothing found.`));
    mark();
  }

  /** Concepts of this roadmap: those whose titles have the words before those whose descriptions do. */
  function here(words) {
    if (!words) return [];
    const has = (text) => text.toLocaleLowerCase().includes(words);
    const named = concepts().filter(({ text }) => has(text));
    return [...named, ...concepts().filter((each) => !named.includes(each) && has(each.about))].slice(0, MOST);
  }

  function row({ text, note, keys: cap }, number) {
    return h("li.palette-entry", { id: `palette-${number}`, role: "option", onclick: () => choose(number) },
      h("span", { dir: "auto" }, text), note && h("span.quiet", {}, note), cap && keyCap(cap));
  }

  function mark() {
    [...list.children].forEach((each, number) => each.setAttribute("aria-selected", String(number === at)));
    field.setAttribute("aria-activedescendant", entries.length ? `palette-${at}` : "");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function keys(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && entries.length) {
      event.preventDefault();
      at = (at + by + entries.length) % entries.length;
      mark();
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      choose(at);
    }
  }

  function choose(number) {
    const entry = entries[number];
    if (!entry) return;
    open.close();
    entry.run(new KeyboardEvent("keydown"));
  }
}
