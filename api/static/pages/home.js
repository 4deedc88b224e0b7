/** The home page: a form to ask for a roadmap, what needs one, and the recent tasks. */

import { call, complainIn, get, inWords, noticeRefusal } from "../lib/api.js";
import { start, title } from "../lib/chrome.js";
import { keepField } from "../lib/drafts.js";
import { fill, guarded, h, slot, to } from "../lib/dom.js";
import { STOP, listed, t } from "../lib/i18n.js";
import { once } from "../lib/once.js";
import { hear } from "../lib/tabs.js";
import { now } from "../lib/time.js";
import { learningList } from "../views/learning-list.js";
import { taskList } from "../views/task-list.js";
import { told, taskRow } from "../views/task-row.js";
import { LAST_ONES, learned, usually } from "../views/usually.js";
import { workflows } from "../lib/workflows.js";

const IDEAS = [t`Learn Rust`, t`Bake sourdough bread`, t`Play chess well`, t`Hold a conversation in Spanish`];
const LEVELS = [["beginner", t`I am new to it`], ["intermediate", t`I know the basics`], ["advanced", t`I want to go deep`]];
const WRITTEN_IN = [["", t`The language of the goal`], ["en", "English"], ["de", "Deutsch"], ["fr", "Français"], ["es", "Español"], ["zh", "中文"], ["ar", "العربية"]];
const FRESH_DAYS = 7;
const MOST_URGENT = 8;

start(async (main) => {
  title(t`What do you want to learn?`);
  const urgent = needsYou();
  const learning = learningList();
  const hint = h("p.usually.quiet");
  const list = taskList({ filtered: (is) => [urgent, learning].forEach((each) => each.hide(is)) });
  const form = askForm(hint);
  const others = h("p.other-workflows.quiet", { hidden: true });
  const lists = h("div", { hidden: true }, others, urgent.element, learning.element, list.element);
  fill(main, h("div.home-page", {}, form.element, lists));
  form.begin();
  hear((message) => message.type === "retried" && read());
  addEventListener("online", () => Promise.all([urgent.read(), learning.read()]));
  document.addEventListener("visibilitychange", () => document.hidden || read());
  await Promise.all([read(), showOthers(others)]);
  lists.hidden = false; // both at once, so that one does not push the other

  async function read() {
    await Promise.all([list.read(), urgent.read(), learning.read(), tellUsual()]);
  }

  /** Asked for by itself: what the list shows may be anything. */
  async function tellUsual() {
    try {
      fill(hint, usually(learned((await get(LAST_ONES)).tasks)));
    } catch (error) {
      noticeRefusal(error); // the list tells what is wrong
    }
  }
});

function askForm(hint) {
  const goal = h("textarea", {
    id: "goal", rows: 1, required: true, autocomplete: "off", dir: "auto",
    placeholder: t`Rust, chess, sourdough …`, "aria-describedby": "goal-help",
    oninput: grow,
    onkeydown: (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        submit.click();
      }
    },
  });
  const level = select("level", t`How much do you know?`, LEVELS);
  const language = select("language", t`Written in`, WRITTEN_IN);
  const weekly = h("input", { id: "hours", type: "number", min: 1, max: 168, defaultValue: "5", inputMode: "numeric" });
  const background = h("textarea", { id: "background", rows: 2, dir: "auto", placeholder: t`Ten years of Python` });
  const review = h("input", { id: "review", type: "checkbox", defaultChecked: true });
  const problem = h("p.field-error", { role: "alert" });
  const submit = guarded(h("button.button.is-primary.is-large", { type: "submit" }, t`Make my roadmap`), send);
  const more = h("details.preferences", {}, h("summary", {}, t`Preferences`),
    h("div.fields", {}, level.element, language.element,
      h("p.field", {}, h("label", { htmlFor: "hours" }, t`Hours a week`), weekly),
      h("p.field.is-wide", {}, h("label", { htmlFor: "background" }, t`What you bring along`), background)));
  const fields = { goal, level: level.field, language: language.field, hours: weekly, background, review };
  const keeping = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, keepField(field, `home.${name}`)]));
  more.open = ["level", "language", "hours", "background"].some((name) => keeping[name].kept);
  const sending = once("home");
  const element = h("section.hero", {}, h("form", { onsubmit: (event) => event.preventDefault() },
    h("h1", {}, h("label", { htmlFor: "goal" }, t`What do you want to learn?`)),
    h("div.ask", {}, goal, submit),
    h("p.ideas", { id: "goal-help" }, t`In your own words, in any language. For instance `,
      listed(IDEAS.map((idea) => h("button.link", { type: "button", onclick: () => take(idea) }, idea))), STOP),
    problem,
    h("p.is-check.review-first", {}, review, h("label", { htmlFor: "review" }, t`Show me the outline first, so that I can change it`)),
    hint,
    more));
  return {
    element,
    begin() {
      grow();
      goal.focus({ preventScroll: true });
      goal.setSelectionRange(goal.value.length, goal.value.length);
    },
  };

  /** What belongs to this goal alone is forgotten; the preferences stay for the next one, the box among them. */
  function begun() {
    for (const [name, field] of Object.entries({ goal, background })) {
      keeping[name].clear();
      field.value = "";
    }
  }

  function take(idea) {
    goal.value = idea;
    keeping.goal.save();
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
      problem.textContent = t`Say in a few words what you want to learn.`;
      return goal.focus();
    }
    if (weekly.validity.badInput) return wrongHours(t`Hours a week: this is no number.`);
    const body = {
      goal: wanted,
      preferences: {
        level: level.field.value,
        hours_per_week: weekly.value === "" ? 5 : Number(weekly.value),
        ...(language.field.value && { language: language.field.value }),
        ...(background.value.trim() && { background: background.value.trim() }),
      },
      review: review.checked,
    };
    try {
      const { data: task } = await call("/tasks", { method: "POST", body, headers: { "Idempotency-Key": sending.keyOf(body) } });
      sending.answered();
      begun();
      location.assign(to(`/tasks/${task.task_id}`));
    } catch (error) {
      if (error.problem?.errors?.some(({ field }) => field.endsWith("hours_per_week"))) return wrongHours(inWords(error));
      await complainIn(problem, error);
      goal.focus();
    }
  }

  function wrongHours(words) {
    problem.textContent = words;
    more.open = true;
    weekly.focus();
  }
}

/** What else can be asked for here: workflows of other teams. */
async function showOthers(place) {
  try {
    const found = (await workflows()).filter(({ name }) => name !== "roadmap");
    if (!found.length) return;
    fill(place, t`Something else: `, listed(found.map(({ name, title: words }) => h("a", { href: `/workflows/${name}` }, words))));
    place.hidden = false;
  } catch (error) {
    noticeRefusal(error); // the list tells what is wrong
  }
}

function select(id, label, options) {
  const field = h("select", { id }, options.map(([value, text]) => h("option", { value }, text)));
  return { element: h("p.field", {}, h("label", { htmlFor: id }, label), field), field };
}

/** Open reviews, and what failed lately. */
function needsYou() {
  const list = slot(h("ul.task-list"));
  const element = h("section.recent.needs-you", { "aria-labelledby": "needs-title", hidden: true },
    h("h2", { id: "needs-title" }, t`Needs you`), list.element);
  let filtered = false;
  let some = false;
  return { element, read, hide };

  async function read() {
    try {
      // asked for apart: many new failures would leave no room for the reviews in one list
      const [reviews, failures] = await Promise.all(["status=human_review_pending", "status=partial_failure&status=failed"]
        .map(async (which) => (await get(`/tasks?${which}&limit=50`)).tasks));
      const young = now() - FRESH_DAYS * 86_400_000;
      reviews.sort((a, b) => (a.review_due_at ?? "~").localeCompare(b.review_due_at ?? "~"));
      const mine = [...reviews, ...failures.filter((task) => Date.parse(task.created_at) > young)].slice(0, MOST_URGENT);
      some = mine.length > 0;
      list.show(mine.map((task) => [task.task_id, told(task)]), () => mine.map(taskRow));
      hide(filtered);
    } catch (error) {
      noticeRefusal(error); // the list below says what is wrong
    }
  }

  function hide(is) {
    filtered = is;
    element.hidden = is || !some;
  }
}
