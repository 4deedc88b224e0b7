/** Parts of a concept's page that are drawn from data alone, without requests. */

import { h, icon } from "../lib/dom.js";
import { count, hours } from "../lib/words.js";

const UNVERIFIED = "“Not verified” means that nobody could check whether the address answers (offline, or it did not answer in time): it may lead nowhere.";
const WEB = new Set(["http:", "https:", "mailto:"]);

/** Return where a concept stands in its roadmap: its module, and what comes before and after. */
export function placeOf(roadmap, conceptId) {
  const all = roadmap.stages.flatMap((stage) => stage.modules)
    .flatMap((module) => module.concepts.map((concept) => ({ module, concept })));
  const at = all.findIndex(({ concept }) => concept.concept_id === conceptId);
  return { module: all[at]?.module ?? { title: "" }, before: all[at - 1]?.concept, after: all[at + 1]?.concept, number: at + 1, total: all.length };
}

export function facts({ estimated_hours: time, difficulty }) {
  return `${hours(time)} · ${difficulty}`;
}

/** What should be known before, as links. */
export function needs({ prerequisites }, roadmap) {
  const titles = new Map(roadmap.stages.flatMap((s) => s.modules).flatMap((m) => m.concepts).map((c) => [c.concept_id, c.title]));
  const known = prerequisites.filter((id) => titles.has(id));
  if (!known.length) return null;
  return [" · after ", known.map((id, at) => [at ? ", " : "", h("a", { href: `/roadmaps/${roadmap.roadmap_id}/concepts/${id}` }, titles.get(id))])];
}

export function costOf(usage) {
  if (!usage) return null;
  if (!usage.calls) return "It cost nothing.";
  const dollars = usage.cost ? `, about $${usage.cost < 0.01 ? usage.cost.toFixed(4) : usage.cost.toFixed(2)}` : "";
  return `It cost ${count(usage.calls, "model call")} and ${count(usage.tokens, "token")}${dollars}.`;
}

export function resourceList(resources) {
  const safe = resources.filter(({ url }) => WEB.has(protocolOf(url)));
  if (!safe.length) return h("p.quiet", {}, "None.");
  return [safe.every(({ verified }) => verified) ? null : h("p.quiet", {}, UNVERIFIED), h("ul.resources", {}, safe.map((each) => h("li.resource", {},
    h("p.resource-title", {},
      h("a", { href: each.url, target: "_blank", rel: "noopener noreferrer", hreflang: each.language }, each.title, icon("out"), h("span.unseen", {}, " (opens in a new tab)")),
      h("span.tag", { lang: "en" }, each.type),
      each.verified
        ? h("span.tag.is-verified", { lang: "en", title: "Its address answered when it was checked" }, icon("check"), "verified")
        : h("span.tag.is-unverified", { lang: "en", title: "Its address could not be checked" }, "not verified")),
    h("p.resource-why", {}, each.why),
    h("p.quiet.resource-host", {}, hostOf(each.url)))))];
}

function protocolOf(url) {
  try {
    return new URL(url).protocol;
  } catch {
    return "";
  }
}

function hostOf(url) {
  const { protocol, host } = new URL(url);
  return protocol === "mailto:" ? "by mail" : host;
}

/** Links to the concept before and after. */
export function neighbours({ before, after, number, total }, roadmapId) {
  const link = (concept, rel, words, name) => concept && h("a.neighbour", { class: `is-${rel}`, rel, href: `/roadmaps/${roadmapId}/concepts/${concept.concept_id}` },
    h("span.quiet", {}, rel === "prev" && icon(name), words, rel === "next" && icon(name)), h("strong", {}, concept.title));
  return h("nav.neighbours", { "aria-label": "Concepts" }, link(before, "prev", "Before", "back"),
    h("span.quiet.position", {}, `${number} of ${total}`), link(after, "next", "Next", "arrow"));
}
