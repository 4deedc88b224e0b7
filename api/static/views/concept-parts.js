/** Parts of a concept's page that are drawn from data alone, without requests. */

import { h, icon, said } from "../lib/dom.js";
import { list, listed, n, t } from "../lib/i18n.js";
import { dollars, hours, levelName, onPaper } from "../lib/words.js";

const UNVERIFIED = t`“Not verified” means that nobody could check whether the address answers (offline, or it did not answer in time): it may lead nowhere.`;
const TYPE = { article: t`article`, book: t`book`, course: t`course`, documentation: t`documentation`, tool: t`tool`, video: t`video` };
const WEB = new Set(["http:", "https:", "mailto:"]);

/** Return where a concept stands in its roadmap: its module, and what comes before and after. */
export function placeOf(roadmap, conceptId) {
  const all = roadmap.stages.flatMap((stage) => stage.modules)
    .flatMap((module) => module.concepts.map((concept) => ({ module, concept })));
  const at = all.findIndex(({ concept }) => concept.concept_id === conceptId);
  return { module: all[at]?.module ?? { title: "" }, before: all[at - 1]?.concept, after: all[at + 1]?.concept, number: at + 1, total: all.length };
}

export function facts({ estimated_hours: time, difficulty }) {
  return `${hours(time)} · ${levelName(difficulty)}`;
}

/** What should be known before, as links. */
export function needs({ prerequisites }, roadmap) {
  const titles = new Map(roadmap.stages.flatMap((s) => s.modules).flatMap((m) => m.concepts).map((c) => [c.concept_id, c.title]));
  const known = prerequisites.filter((id) => titles.has(id));
  if (!known.length) return null;
  return [" · ", t`after`, " ", listed(known.map((id) => h("a", { dir: "auto", href: `/roadmaps/${roadmap.roadmap_id}/concepts/${id}` }, titles.get(id))))];
}

export function costOf(usage) {
  if (!usage) return null;
  if (!usage.calls) return t`It cost nothing.`;
  if (!usage.tokens && !usage.cost) return null; // nothing was counted
  const spent = [n(usage.calls, "{n} model call", "{n} model calls"), usage.tokens && n(usage.tokens, "{n} token", "{n} tokens"), usage.cost && dollars(usage.cost)];
  return t`It cost ${list(spent.filter(Boolean))}.`;
}

export function resourceList(resources) {
  const safe = resources.filter(({ url }) => WEB.has(protocolOf(url)));
  if (!safe.length) return h("p.quiet", {}, t`None.`);
  return [safe.every(({ verified }) => verified) ? null : h("p.quiet", {}, UNVERIFIED), h("ul.resources", {}, safe.map((each) => h("li.resource", { dir: "auto" },
    h("p.resource-title", {},
      h("a", { href: each.url, target: "_blank", rel: "noopener noreferrer", hreflang: each.language, lang: each.language, dataset: { address: onPaper(each.url) } }, each.title, icon("out"), h("span.unseen", {}, " ", t`(opens in a new tab)`)),
      h("span.tag", {}, TYPE[each.type] ?? each.type),
      each.verified
        ? h("span.tag.is-verified", { title: t`Its address answered when it was checked` }, icon("check"), t`verified`)
        : h("span.tag.is-unverified", { title: t`Its address could not be checked` }, t`not verified`)),
    said("p.resource-why", each.why),
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
  return protocol === "mailto:" ? t`by mail` : host;
}

/** Links to the concept before and after. */
export function neighbours({ before, after, number, total }, roadmapId) {
  const link = (concept, rel, words, name) => concept && h("a.neighbour", { class: `is-${rel}`, rel, href: `/roadmaps/${roadmapId}/concepts/${concept.concept_id}` },
    h("span.quiet", {}, rel === "prev" && icon(name), words, rel === "next" && icon(name)), said("strong", concept.title));
  return h("nav.neighbours", { "aria-label": t`Concepts` }, link(before, "prev", t`Before`, "back"),
    h("span.quiet.position", {}, t`${number} of ${total}`), link(after, "next", t`Next`, "arrow"));
}
