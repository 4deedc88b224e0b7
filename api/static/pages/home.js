/** The home page: a form to ask for a roadmap, and the recent tasks. */

import { client, get, inWords, noticeRefusal } from "../lib/api.js";
import { start, title } from "../lib/chrome.js";
import { fill, guarded, h, to } from "../lib/dom.js";
import { hear } from "../lib/tabs.js";
import { ago } from "../lib/time.js";
import { called, count } from "../lib/words.js";
import { chip } from "../views/parts.js";

const IDEAS = ["Learn Rust", "Bake sourdough bread", "Play chess well", "Hold a conversation in Spanish"];
const LEVELS = [["beginner", "I am new to it"], ["intermediate", "I know the basics"], ["advanced", "I want to go deep"]];
const LANGUAGES = [["", "The language of the goal"], ["en", "English"], ["de", "Deutsch"], ["fr", "Français"], ["es", "Español"], ["zh", "中文"]];
const REFRESH_MS = 5000;
const COUNTED = new Set(["processing", "partial_failure", "failed", "cancelled"]);
const ACTIVE = new Set(["pending", "processing", "human_review_pending"]);

start(async (main) => {
  title("What do you want to learn?");
  const recent = recentTasks();
  fill(main, h("div.home-page", {}, askForm(), recent.element));
  main.querySelector("#goal").focus({ preventScroll: true });
  await recent.read();
});

function askForm() {
  const goal = h("textarea", {
    id: "goal", rows: 1, maxLength: 2000, required: true, autocomplete: "off",
    placeholder: "Rust, chess, sourdough …", "aria-describedby": "goal-help",
    oninput: grow,
    onkeydown: (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        submit.click();
      }
    },
  });
  const level = select("level", "How much do you know?", LEVELS);
  const language = select("language", "Written in", LANGUAGES);
  const weekly = h("input", { id: "hours", type: "number", min: 1, max: 168, value: 5, inputMode: "numeric" });
  const background = h("textarea", { id: "background", rows: 2, maxLength: 4000, placeholder: "Ten years of Python" });
  const review = h("input", { id: "review", type: "checkbox", checked: true });
  const problem = h("p.field-error", { role: "alert" });
  const submit = guarded(h("button.button.is-primary.is-large", { type: "submit" }, "Make my roadmap"), send);
  let key = crypto.randomUUID();
  let keyFor = "";
  return h("section.hero", {}, h("form", { onsubmit: (event) => event.preventDefault() },
    h("h1", {}, h("label", { htmlFor: "goal" }, "What do you want to learn?")),
    h("div.ask", {}, goal, submit),
    h("p.ideas", { id: "goal-help" }, "In your own words, in any language. For instance ",
      IDEAS.map((idea, at) => [at ? ", " : "", h("button.link", { type: "button", onclick: () => take(idea) }, idea)]), "."),
    problem,
    h("details.preferences", {}, h("summary", {}, "Preferences"),
      h("div.fields", {}, level.element, language.element,
        h("p.field", {}, h("label", { htmlFor: "hours" }, "Hours a week"), weekly),
        h("p.field.is-wide", {}, h("label", { htmlFor: "background" }, "What you bring along"), background),
        h("p.field.is-wide.is-check", {}, review, h("label", { htmlFor: "review" }, "Show me the outline first, so that I can change it"))))));

  function take(idea) {
    goal.value = idea;
    grow();
    goal.focus();
  }

  function grow() {
    goal.style.height = "auto";
    goal.style.height = `${goal.scrollHeight}px`;
  }

  async function send() {
    problem.textContent = "";
    const wanted = goal.value.trim();
    if (!wanted) {
      problem.textContent = "Say in a few words what you want to learn.";
      return goal.focus();
    }
    const body = {
      goal: wanted,
      preferences: {
        level: level.value(),
        hours_per_week: Number(weekly.value) || 5,
        ...(language.value() && { language: language.value() }),
        ...(background.value.trim() && { background: background.value.trim() }),
      },
      review: review.checked,
    };
    // the same request, sent again because no answer came, is the same task
    if (JSON.stringify(body) !== keyFor) key = crypto.randomUUID();
    keyFor = JSON.stringify(body);
    try {
      const task = await client.createTask(body, { idempotencyKey: key });
      location.assign(to(`/tasks/${task.task_id}`));
    } catch (error) {
      noticeRefusal(error);
      problem.textContent = inWords(error);
      goal.focus();
    }
  }
}

function select(id, label, options) {
  const field = h("select", { id }, options.map(([value, text]) => h("option", { value }, text)));
  return {
    element: h("p.field", {}, h("label", { htmlFor: id }, label), field),
    value: () => field.value,
  };
}

function recentTasks() {
  const list = h("ul.task-list");
  const more = h("button.button", { type: "button", hidden: true }, "Show older ones");
  const element = h("section.recent", { "aria-labelledby": "recent-title", hidden: true },
    h("h2", { id: "recent-title" }, "Lately"), list, h("p.actions", {}, more));
  const rows = new Map();
  let cursor = null;
  let timer = 0;
  guarded(more, async () => {
    const page = await get(`/tasks?limit=20&cursor=${encodeURIComponent(cursor)}`);
    show(page.tasks);
    cursor = page.next_cursor;
    more.hidden = !cursor;
  });
  hear((message) => message.type === "retried" && read());
  document.addEventListener("visibilitychange", () => document.hidden || read());
  return { element, read };

  async function read() {
    clearTimeout(timer);
    const page = await get("/tasks?limit=10");
    if (!rows.size) {
      cursor = page.next_cursor;
      more.hidden = !cursor;
    }
    show(page.tasks, true);
    element.hidden = rows.size === 0;
    const active = [...rows.values()].some((row) => ACTIVE.has(row.task.status));
    if (active && !document.hidden) timer = setTimeout(() => read().catch(noticeRefusal), REFRESH_MS);
  }

  function show(tasks, first = false) {
    const fresh = [];
    for (const task of tasks) {
      const known = rows.get(task.task_id);
      const text = JSON.stringify([task.status, task.progress, task.failed_count]);
      if (known?.text === text) continue;
      const element = row(task);
      if (known) known.element.replaceWith(element);
      else fresh.push(element);
      rows.set(task.task_id, { element, task, text });
    }
    if (first) list.prepend(...fresh);
    else list.append(...fresh);
  }
}

function row(task) {
  const { done, total } = task.progress;
  const facts = [
    total > 0 && COUNTED.has(task.status) && `${done} of ${total} ready`,
    task.status === "completed" && count(total, "content"),
    task.failed_count > 0 && `${task.failed_count} failed`,
    ago(task.created_at),
  ];
  return h("li", {},
    h("a.task-row", { href: target(task) },
      h("span.task-goal", {}, called(task)), chip(task.status), h("span.quiet", {}, facts.filter(Boolean).join(" · "))));
}

function target({ task_id: id, status, roadmap_id: roadmapId }) {
  if (status === "human_review_pending") return `/tasks/${id}/review`;
  return status === "completed" && roadmapId ? `/roadmaps/${roadmapId}` : `/tasks/${id}`;
}
