/**
 * What a task of any workflow makes: the parts of its steps, each with its kinds, and what its other
 * steps gave. An event changes a mark and a count; a part's body is read when somebody opens it.
 */

import { get, inWords, post } from "../lib/api.js";
import { fill, guarded, h, icon, said, slot, write } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { recall, remember } from "../lib/place.js";
import { note } from "../lib/say.js";
import { CONTENT_STATE, kindName, retryHelps, stepName } from "../lib/words.js";
import { partId } from "../model/task-model.js";
import { anyContent } from "./content.js";
import { causeInWords, marks, setMark } from "./parts.js";

const RETRYABLE = new Set(["partial_failure", "completed"]);

/** @param {{model: any, taskId: string, retried: () => void}} context As of the tree of a roadmap. */
export function made(context) {
  const steps = h("div.tree");
  const results = slot(h("div.results"));
  const element = h("div", {}, steps, results.element);
  let rows = new Map();
  const open = new Map();
  return { element, draw, update, reveal, refresh, arriving: () => {} };

  /** Draw what there is: parts by step and key, and the results of the other steps. */
  function draw({ parts, results: given }) {
    const wasOpen = open.size ? [...open.keys()] : recall("open", []);
    rows = new Map();
    open.clear();
    const bySteps = grouped(parts, "step");
    fill(steps, [...bySteps].map(([step, all]) => stepView(step, all)));
    wasOpen.filter((id) => rows.has(id)).forEach((id) => toggle(id, true));
    const others = Object.entries(given).filter(([step]) => !bySteps.has(step));
    results.show(others, () => others.map(([step, value]) => h("details.stage.result", { dataset: { step } },
      h("summary", {}, h("strong", {}, stepName(step))), anyContent({ value }, { text: undefined, title: "" }))));
  }

  function stepView(step, all) {
    const counter = h("span.stage-count");
    const tally = { counter, ids: [] };
    const keys = grouped(all, "key");
    const list = h("ul.concepts", {}, [...keys].map(([key, kinds]) => partRow(step, key, kinds, tally)));
    count(tally);
    return h("section.stage", {}, h("header.stage-head", {}, h("h3", {}, stepName(step)), counter), list);
  }

  function partRow(step, key, kinds, tally) {
    const id = partId({ step, key });
    const signs = marks(Object.fromEntries(kinds.map(({ kind, status }) => [kind, { status }])));
    const button = h("button.concept-button", { type: "button", "aria-expanded": "false", onclick: () => toggle(id) },
      icon("chevron"), said("span.concept-title", kinds[0].title || key));
    const element = h("li.concept", { dataset: { part: id } }, h("div.concept-row", {}, button, signs));
    tally.ids.push(id);
    rows.set(id, { element, button, step, key, kinds: kinds.map(({ kind }) => kind), marks: [...signs.children], tally });
    return element;
  }

  function count({ counter, ids }) {
    const states = ids.map((id) => Object.values(context.model.contents.get(id) ?? {}).map(({ status }) => status));
    const ready = states.filter((all) => all.length && all.every((status) => status === "completed")).length;
    const failed = states.filter((all) => all.includes("failed")).length;
    const text = t`${ready} of ${ids.length} ready`;
    write(counter, failed ? t`${text}, ${failed} failed` : text);
  }

  /** Show a part's new states. */
  function update(id) {
    const row = rows.get(id);
    const states = context.model.contents.get(id);
    if (!row || !states) return;
    row.marks.forEach((mark) => setMark(mark, mark.dataset.kind, states[mark.dataset.kind]?.status ?? "pending"));
    const failed = Object.values(states).some(({ status }) => status === "failed");
    row.element.dataset.verdict = failed ? "failed" : "";
    count(row.tally);
    open.get(id)?.();
  }

  function toggle(id, wanted = !open.has(id)) {
    const row = rows.get(id);
    if (!row || wanted === open.has(id)) return;
    row.button.setAttribute("aria-expanded", String(wanted));
    row.element.classList.toggle("is-open", wanted);
    if (wanted) {
      const panel = panelOf(id, row);
      open.set(id, panel.update);
      row.element.append(panel.element);
      panel.update();
    } else {
      open.delete(id);
      row.element.querySelector(".concept-panel").remove();
    }
    remember("open", [...open.keys()]);
  }

  function panelOf(id, row) {
    const bodies = new Map(row.kinds.map((kind) => [kind, slot(h("section.part-body", { "aria-label": kindName(kind) }))]));
    const element = h("div.concept-panel", {}, [...bodies.values()].map((each) => each.element));
    return { element, update };

    function update() {
      const states = context.model.contents.get(id) ?? {};
      for (const [kind, body] of bodies) show(kind, body, states[kind] ?? { status: "pending" });
    }

    function show(kind, body, state) {
      const several = row.kinds.length > 1;
      const head = h("p", {}, h("span.mark", { "aria-hidden": "true", dataset: { state: state.status } }), " ",
        several && [h("strong", {}, kindName(kind)), ": "], CONTENT_STATE[state.status]);
      body.show([state.status, state.version, state.error, RETRYABLE.has(context.model.status)], () => [
        state.status !== "completed" && head,
        state.error && h("p.cause", {}, causeInWords(state.error)),
        state.status === "failed" && RETRYABLE.has(context.model.status) && again([kind], retryHelps(state.error ?? {})),
        state.status === "completed" && bodyOf(kind, several && h("h4", {}, kindName(kind))),
      ]);
    }

    function bodyOf(kind, title) {
      const place = h("div", {}, title, h("p.quiet", {}, t`Reading…`));
      get(address(row) + (kind && `?kind=${encodeURIComponent(kind)}`)).then(
        (part) => fill(place, title, anyContent({ ...wrapped(part.body), ...(part.html && { html: part.html }) }, { text: undefined, title: "" })),
        (error) => fill(place, h("p.cause", {}, inWords(error))),
      );
      return place;
    }

    function again(kinds, helps) {
      return h("p.actions", {}, guarded(h(`button.button${helps ? ".is-primary" : ""}`, { type: "button" }, t`Retry`), async () => {
        try {
          await post(`${address(row)}/regenerate`, { kinds });
          context.retried();
        } catch (error) {
          note(inWords(error), { tone: "bad" });
        }
      }));
    }
  }

  function wrapped(body) {
    return body !== null && typeof body === "object" && !Array.isArray(body) ? body : { value: body };
  }

  function address({ step, key }) {
    return `/tasks/${context.taskId}/parts/${encodeURIComponent(step)}/${encodeURIComponent(key)}`;
  }

  /** Open a part and go there. */
  function reveal(id) {
    const row = rows.get(id);
    if (!row) return;
    toggle(id, true);
    row.button.focus({ preventScroll: true });
    row.element.scrollIntoView({ block: "center" });
  }

  /** The task's status changed: what open parts offer may have changed with it. */
  function refresh() {
    open.forEach((show) => show());
  }
}

/** Things by the value of one of their fields, in the order of first mention. */
function grouped(things, field) {
  const groups = new Map();
  for (const thing of things) groups.set(thing[field], [...(groups.get(thing[field]) ?? []), thing]);
  return groups;
}
