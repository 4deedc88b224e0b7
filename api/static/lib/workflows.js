/** The workflows that the server has, and what their authors bring for these pages. */

import { get } from "./api.js";
import { BASE } from "./dom.js";
import { exact } from "./exact.js";
import { t } from "./i18n.js";
import { note } from "./say.js";
import { learnSteps } from "./words.js";

/**
 * @param {any} task
 * @returns {Promise<any>} Its workflow as `GET /workflows` tells it; null for a roadmap, which has pages of its own.
 */
export async function workflowOf({ workflow: name = "roadmap" }) {
  if (name === "roadmap") return null;
  const found = (await workflows()).find((each) => each.name === name);
  learnSteps(found?.steps ?? []);
  return found ?? { name, steps: [], page: null };
}

/** Return all workflows. */
export async function workflows() {
  return (await get("/workflows", { json: exact })).workflows;
}

/**
 * Return what the author's own module gives, or nothing: `results` and `parts`, each by step a function
 * `(value, tools) => Node` that draws instead of the page; `tools` are `h`, `markdown` and `bySchema`.
 *
 * @returns {Promise<{results: Record<string, Function>, parts: Record<string, Function>}>}
 */
export async function ownPage(workflow) {
  const nothing = { results: {}, parts: {} };
  if (!workflow?.page) return nothing;
  const file = workflow.page.split(":").at(-1).split("/").at(-1);
  try {
    const module = await import(`${BASE}/workflows/${workflow.name}/page/${encodeURIComponent(file)}`);
    return { ...nothing, ...module };
  } catch (error) {
    console.error(error);
    note(t`The workflow's own page cannot be loaded; its contents are shown plainly.`, { tone: "bad" });
    return nothing;
  }
}
