/** An open concept in the tree: what each content is doing, why some failed, what it cost. */

import { complain, post } from "../lib/api.js";
import { fill, guarded, h, said } from "../lib/dom.js";
import { list as listing, t, within } from "../lib/i18n.js";
import { brief } from "../lib/time.js";
import { CONTENT_STATE, kindName, retryHelps } from "../lib/words.js";
import { Arriving } from "../model/arriving.js";
import { costOf } from "./concept-parts.js";
import { causeInWords } from "./parts.js";

const RETRYABLE = new Set(["partial_failure", "completed"]);

/**
 * @param {any} concept As in the tree.
 * @param {{model: any, roadmapId: () => string, retried: () => void}} context
 */
export function conceptPanel(concept, context) {
  const id = concept.concept_id;
  const list = h("ul.content-list");
  const why = h("div.causes");
  const actions = h("p.actions");
  const pieces = new Map();
  let shown = "";
  const element = h("div.concept-panel", {}, said("p.concept-about", concept.description), list, why, actions);
  return { element, update, arriving };

  function update(states) {
    const now = JSON.stringify([states, context.model.status]);
    if (now === shown) return;
    shown = now;
    const failed = Object.keys(states).filter((kind) => states[kind].status === "failed");
    fill(list, Object.entries(states).map(([kind, state]) => line(kind, state)));
    fill(why, causes(failed, states));
    const readable = Object.values(states).some(({ status }) => status === "completed");
    fill(actions, readable && h("a.button", { href: address() }, t`Open this concept`), failed.length > 0 && retryButton(failed, states));
  }

  function line(kind, state) {
    if (state.status !== "running") pieces.delete(kind);
    return h("li.content-line", { dataset: { state: state.status } },
      h("span.mark", { "aria-hidden": "true", dataset: { state: state.status } }),
      h("div", {},
        h("strong", {}, kindName(kind)), " ", CONTENT_STATE[state.status],
        took(state) && h("span.quiet", {}, ` · ${took(state)}`),
        state.status === "failed" && costOf(state.usage) && h("span.cost", {}, ` · ${costOf(state.usage)}`),
        pieces.has(kind) && arrivingText(kind)));
  }

  /** Each cause once, however many contents it was the end of. */
  function causes(failed, states) {
    const seen = new Map(failed.map((kind) => [JSON.stringify(states[kind].error), states[kind].error]));
    return [...seen.values()].filter(Boolean).map((error) => h("p.cause", {}, causeInWords(error)));
  }

  function took({ status, startedAt, finishedAt }) {
    if (status !== "completed" || !startedAt || !finishedAt) return "";
    return brief(Date.parse(finishedAt) - Date.parse(startedAt));
  }

  function retryButton(kinds, states) {
    const what = listing(kinds.map((kind) => within(kindName(kind))));
    if (!RETRYABLE.has(context.model.status)) {
      return h("span.quiet", {}, context.model.status === "processing"
        ? t`It can be tried again as soon as the rest is written.`
        : t`Retry the whole task to have this written.`);
    }
    const helps = kinds.some((kind) => retryHelps(states[kind].error ?? {}));
    const button = h(`button.button${helps ? ".is-primary" : ""}`, { type: "button" }, t`Retry ${what}`);
    return guarded(button, async () => {
      try {
        await post(`/roadmaps/${context.roadmapId()}/concepts/${id}/regenerate`, { kinds });
        context.retried();
      } catch (error) {
        complain(error);
      }
    });
  }

  /** Show a text while it is being written. */
  function arriving({ kind, ...piece }) {
    const had = pieces.has(kind);
    if (!had) pieces.set(kind, { text: new Arriving(), view: null });
    const each = pieces.get(kind);
    each.text.take(piece);
    if (had && each.view) each.view.textContent = each.text.text;
    else {
      shown = "";
      update(context.model.contents.get(id));
    }
  }

  function arrivingText(kind) {
    const each = pieces.get(kind);
    each.view = h("pre.arriving", { tabIndex: 0, dir: "auto", "aria-label": t`${kindName(kind)}, as it is being written` }, each.text.text);
    return each.view;
  }

  function address() {
    return `/roadmaps/${context.roadmapId()}/concepts/${id}`;
  }
}
