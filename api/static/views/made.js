/** What a task of any workflow has made: the results of its steps, and its parts as they are made. */

import { complain, get, inWords, post } from "../lib/api.js";
import { isAway } from "../lib/presence.js";
import { fill, guarded, h, icon, said, slot, write } from "../lib/dom.js";
import { exact } from "../lib/exact.js";
import { figure, n, t } from "../lib/i18n.js";
import { moreIcons } from "../lib/more-icons.js";
import { recall, remember } from "../lib/place.js";
import { CONTENT_STATE, kindName, retryHelps } from "../lib/words.js";
import { Arriving } from "../model/arriving.js";
import { partId } from "../model/task-model.js";
import { bySchema } from "./by-schema.js";
import { markdown } from "./markdown.js";
import { causeInWords, marks, setMark } from "./parts.js";

moreIcons();

const TOOLS = { h, markdown, bySchema };
const RETRYABLE = new Set(["partial_failure", "completed"]);

/**
 * @param {{model: any, taskId: string, retried: () => void, stepName: (step: string) => string}} context
 * @param {any} workflow As `GET /workflows` tells it.
 * @param {{results: Record<string, Function>, parts: Record<string, Function>}} own The author's renderers.
 */
export function made(context, workflow, own) {
  const element = h("div.tree");
  const order = workflow.steps.map(({ name }) => name);
  const shown = new Map();
  let rows = new Map();
  let open = new Map();
  let structure = "";
  return { element, draw, update, reveal, refresh, arriving: ({ data }) => open.get(partId(data))?.arriving(data) };

  function draw({ results: found, parts }) {
    // of a workflow that is not known here any more, there are names and values only
    const steps = found.steps ?? Object.keys(found.results).map((step) => ({ step, title: context.stepName(step), round: 1, schema: {} }));
    steps.forEach((step) => drawResult(step, found.results[step.step], !parts.length));
    const now = JSON.stringify(parts.map((part) => [partId(part), part.kind, part.title]));
    if (now === structure) return parts.forEach((part) => update(partId(part)));
    structure = now;
    const wasOpen = open.size ? [...open.keys()] : recall("open", []);
    rows = new Map();
    open = new Map();
    const makers = new Map();
    for (const part of parts) {
      if (!makers.has(part.step)) makers.set(part.step, new Map());
      const keys = makers.get(part.step);
      if (!keys.has(part.key)) keys.set(part.key, part);
    }
    element.querySelectorAll(":scope > .stage").forEach((each) => each.remove());
    for (const [step, keys] of makers) put(stage(step, [...keys.values()]), step);
    wasOpen.filter((id) => rows.has(id)).forEach((id) => toggle(id, true));
  }

  /** What the steps made stands in the steps' order, whatever came first. */
  function put(made, step) {
    made.dataset.step = step;
    const later = [...element.children].find((each) => order.indexOf(each.dataset.step) > order.indexOf(step));
    element.insertBefore(made, later ?? null);
  }

  /** A step's result: what was opened stays open, and it is drawn anew only when it is another. */
  function drawResult({ step, title, round, schema }, value, open) {
    if (!shown.has(step)) {
      const place = slot();
      const details = h("details.result", { open }, h("summary", {}, h("h3", {}, title)), place.element);
      shown.set(step, { place, details });
      put(details, step);
    }
    shown.get(step).place.show([round, value], () => drawn(own.results[step], value, schema));
  }

  function stage(step, parts) {
    const tally = { counter: h("span.stage-count"), ids: parts.map(partId) };
    const list = h("ul.concepts", {}, parts.map((part) => row(part, tally)));
    count(tally);
    return h("section.stage", {}, h("header.stage-head", {}, h("h3", {}, context.stepName(step)), tally.counter), list);
  }

  function count({ counter, ids }) {
    const all = ids.flatMap((id) => Object.values(context.model.contents.get(id) ?? {}));
    const of = (state) => all.filter(({ status }) => status === state).length;
    const text = t`${figure(of("completed"))} of ${figure(all.length)} ready`;
    write(counter, of("failed") ? t`${text}, ${figure(of("failed"))} failed` : text);
  }

  function row(part, tally) {
    const id = partId(part);
    const states = context.model.contents.get(id) ?? {};
    const signs = marks(states);
    const button = h("button.concept-button", { type: "button", "aria-expanded": "false", onclick: () => toggle(id) }, icon("chevron"), said("span.concept-title", part.title));
    const element = h("li.concept", { dataset: { part: id } }, h("div.concept-row", {}, button, signs));
    rows.set(id, { element, button, part, signs, tally });
    verdict(id);
    return element;
  }

  function update(id) {
    const states = context.model.contents.get(id);
    const known = rows.get(id);
    if (!states || !known) return;
    const drawn = [...known.signs.children];
    if (drawn.length !== Object.keys(states).length) {
      const fresh = marks(states);
      known.signs.replaceWith(fresh);
      known.signs = fresh;
    } else drawn.forEach((mark) => setMark(mark, mark.dataset.kind, states[mark.dataset.kind].status));
    verdict(id);
    count(known.tally);
    open.get(id)?.update(states);
  }

  function verdict(id) {
    const all = Object.values(context.model.contents.get(id) ?? {}).map(({ status }) => status);
    rows.get(id).element.dataset.verdict = ["failed", "running", "pending"].find((each) => all.includes(each)) ?? "completed";
  }

  function toggle(id, wanted = !open.has(id)) {
    const { button, element: at, part } = rows.get(id);
    if (wanted === open.has(id)) return;
    button.setAttribute("aria-expanded", String(wanted));
    at.classList.toggle("is-open", wanted);
    if (wanted) {
      const panel = partPanel(part, workflow, context, own);
      open.set(id, panel);
      at.append(panel.element);
      panel.update(context.model.contents.get(id) ?? {});
    } else {
      open.get(id).element.remove();
      open.delete(id);
    }
    remember("open", [...open.keys()]);
  }

  function reveal(id) {
    if (!rows.has(id)) return;
    toggle(id, true);
    rows.get(id).button.focus({ preventScroll: true });
    rows.get(id).element.scrollIntoView({ block: "center" });
  }

  function refresh() {
    for (const [id, panel] of open) panel.update(context.model.contents.get(id) ?? {});
  }
}

function drawn(renderer, value, schema) {
  if (!renderer) return bySchema(value, schema);
  try {
    return renderer(value, { ...TOOLS, schema });
  } catch (error) {
    console.error(error);
    return bySchema(value, schema);
  }
}

/** An open part: each kind with its state, its text as it comes, and what was made of it. */
function partPanel({ step, key, title }, workflow, context, own) {
  const address = `/tasks/${context.taskId}/parts/${encodeURIComponent(step)}/${encodeURIComponent(key)}`;
  const kinds = new Map();
  const list = h("div.part-kinds");
  const actions = h("p.actions");
  const several = (workflow.steps.find(({ name }) => name === step)?.kinds ?? []).length > 1;
  const element = h("div.concept-panel", {}, list, actions);
  let shown = "";
  return { element, update, arriving };

  function update(states) {
    for (const [kind, state] of Object.entries(states)) show(kind, state);
    const now = JSON.stringify([states, context.model.status]);
    if (now === shown) return;
    shown = now;
    const failed = Object.keys(states).filter((kind) => states[kind].status === "failed");
    fill(actions, failed.length > 0 && RETRYABLE.has(context.model.status) && again(failed, states));
  }

  function show(kind, state) {
    if (!kinds.has(kind)) {
      const line = h("p.content-line", {}, h("span.mark", { "aria-hidden": "true" }), h("span"));
      const body = slot();
      const section = h("section.part-kind", { "aria-label": several ? kindName(kind) : title }, line, body.element);
      kinds.set(kind, { line, body, text: null, view: null });
      list.append(section);
    }
    const { line, body } = kinds.get(kind);
    line.dataset.state = line.firstChild.dataset.state = state.status;
    write(line.lastChild, [several && kindName(kind), CONTENT_STATE[state.status]].filter(Boolean).join(" "));
    if (state.status !== "running") kinds.get(kind).text = null;
    if (state.status === "completed") body.show(["completed", state.version], () => bodyOf(kind));
    else if (state.status === "failed") body.show(state, () => state.error && h("p.cause", {}, causeInWords(state.error)));
    else if (state.status === "pending") body.show(state.status, () => []);
  }

  function bodyOf(kind) {
    const place = h("div.part-body", { "aria-busy": "true" }, h("p.quiet", {}, t`Loading…`));
    get(`${address}?kind=${encodeURIComponent(kind)}`, { json: exact }).then(
      ({ body, schema, version }) => {
        fill(place, drawn(own.parts[step], body, schema), version > 1 && h("p.quiet", {}, t`version ${version}`));
        place.removeAttribute("aria-busy");
      },
      async (error) => {
        if (!(await isAway())) return fill(place, h("p.cause", {}, inWords(error)));
        addEventListener("online", () => place.isConnected && place.replaceWith(bodyOf(kind)), { once: true });
      },
    );
    return place;
  }

  function again(failed, states) {
    const helps = failed.some((kind) => retryHelps(states[kind].error ?? {}));
    const button = h(`button.button${helps ? ".is-primary" : ""}`, { type: "button" }, n(failed.length, "Make it anew ({n} failed)", "Make them anew ({n} failed)"));
    return guarded(button, async () => {
      try {
        await post(`${address}/regenerate`, several ? { kinds: failed } : {});
        context.retried();
      } catch (error) {
        complain(error);
      }
    });
  }

  /** Show a text while it is being written. */
  function arriving({ kind, ...piece }) {
    const each = kinds.get(kind);
    if (!each) return;
    if (!each.text) {
      each.text = new Arriving();
      each.view = h("div.arriving-text", { tabIndex: 0, "aria-label": t`${title}, as it is being written` });
      each.body.show("arriving", () => each.view);
    }
    each.text.take(piece);
    fill(each.view, markdown(each.text.text));
  }
}
