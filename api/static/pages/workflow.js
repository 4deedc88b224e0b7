/** The page of a workflow: what it does, and the form that asks for a task of it. */

import { call, complainIn, noticeRefusal } from "../lib/api.js";
import { start, title } from "../lib/chrome.js";
import { draft, keepField } from "../lib/drafts.js";
import { BASE, fill, guarded, h, to } from "../lib/dom.js";
import { exact } from "../lib/exact.js";
import { t } from "../lib/i18n.js";
import { once } from "../lib/once.js";
import { hear } from "../lib/tabs.js";
import { stepName, learnSteps } from "../lib/words.js";
import { workflows } from "../lib/workflows.js";
import { schemaForm } from "../views/schema-form.js";
import { taskList } from "../views/task-list.js";

start(async (main) => {
  const name = decodeURIComponent(location.pathname.slice(BASE.length).split("/")[2] ?? "");
  const found = (await workflows()).find((each) => each.name === name);
  if (!found) return nowhere(main);
  learnSteps(found.steps);
  title(found.title);
  const list = taskList({ workflow: name });
  const form = ask(found);
  fill(main, h("div.home-page", {},
    h("section.hero.is-form", {}, h("p.crumbs", {}, h("a", { href: "/" }, t`Home`), " / ", found.title),
      h("h1", { dir: "auto" }, found.title), found.description && h("p.lead", { dir: "auto" }, found.description),
      h("p.quiet", {}, found.steps.map((step) => (step.reviewed ? `${stepName(step.name)} → ${t`Your review`}` : stepName(step.name))).join(" → ")), form),
    list.element));
  hear((message) => message.type === "retried" && list.read());
  await list.read();
});

function nowhere(main) {
  title(t`There is nothing here`);
  fill(main, h("section.failure", {}, h("h1", {}, t`There is no such workflow here`),
    h("p.actions", {}, h("a.button", { href: "/" }, t`Home`))));
}

function ask({ name, version, request_schema: schema, steps }) {
  const kept = draft(`workflow/${name}/${version}`, exact);
  const before = kept.read();
  const typed = draft(`workflow/${name}/${version}/half`);
  const fields = schemaForm(schema, { ...(before !== null && { value: before }), half: typed.read() ?? undefined, changed: keep });
  const review = h("input", { id: "review", type: "checkbox", defaultChecked: true });
  const problem = h("p.field-error", { role: "alert" });
  const submit = guarded(h("button.button.is-primary.is-large", { type: "submit" }, t`Begin`), send);
  const sending = once(`workflow/${name}`, exact);
  const keptReview = keepField(review, `workflow/${name}/review`);
  return h("form", { onsubmit: (event) => event.preventDefault(), novalidate: true }, fields.element,
    steps.some((step) => step.reviewed) && h("p.is-check.review-first", {}, review, h("label", { htmlFor: "review" }, t`Ask me before it goes on, so that I can change it`)),
    problem, submit);

  function keep(value, half) {
    if (value !== undefined) kept.write(value);
    typed.write(half);
  }

  async function send() {
    problem.textContent = "";
    try {
      const body = { request: fields.value(), review: review.checked };
      const { data: task } = await call(`/workflows/${name}/tasks`, { method: "POST", body, json: exact, headers: { "Idempotency-Key": sending.keyOf(body) } });
      sending.answered();
      kept.clear();
      typed.clear();
      keptReview.clear();
      location.assign(to(`/tasks/${task.task_id}`));
    } catch (error) {
      noticeRefusal(error);
      if (error.problem?.errors?.length) problem.textContent = fields.complain(error.problem.errors.map(pathOf)).join(" ");
      else await complainIn(problem, error);
    }
  }
}

/** Where in the request an error is, as the API tells it: `request.chapters.0`. */
function pathOf({ field, message }) {
  const path = field.split(".").filter(Boolean);
  if (path[0] === "body") path.shift();
  if (path[0] === "request") path.shift();
  return { path, message };
}
