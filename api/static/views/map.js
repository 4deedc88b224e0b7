/**
 * The roadmap as a map: a station per concept, and curves from what a concept needs to the concept. Plain
 * SVG with links; drawn anew only when the room for it changes, and a concept whose state changes by
 * itself. Pointing at a station shows what it needs and what needs it.
 */

import { h, iconButton, svg } from "../lib/dom.js";
import { COMMA, t } from "../lib/i18n.js";
import { moreIcons } from "../lib/more-icons.js";
import { inTurns } from "../lib/turns.js";
import { MARK } from "../lib/words.js";
import { lines } from "./map-lines.js";
import { mayFit, tree } from "./map-tree.js";

moreIcons();

const AT_ONCE = 40;
const PITCH = 34;
const PADDING = 34;
const LETTER = 7.6;
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/;
/** A tree that must be smaller than so is hard to read. */
const LEAST_SHRUNK = 0.8;
const ZOOMS = [0.72, 0.85, 1, 1.25, 1.6];
const STATE = { ...MARK, failed: t`failed`, ready: t`ready`, waiting: t`waiting` };
/** What stands in a station beside its colour, from its middle on. */
const SIGN = { done: "m-3.5 0l2.5 3 4.5-5.5", skipped: "m-4 0h8", learning: "m-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0", failed: "m-3-3l6 6m0-6l-6 6" };

/**
 * @typedef {{x: number, y: number, width: number, concept: any, text: string}} Place Where a station is, and the room that it takes.
 * @typedef {{width: number, height: number, kind: string, places: Map<string, Place>, lines: any[],
 *   labels: {x: number, y: number, kind: string, text: string}[], edges: {from: string, to: string, d: string}[]}} Drawn
 */

/**
 * @param {any} roadmap
 * @param {{address: (concept: any) => string, state: (concept: any) => string, recall: any, remember: any}} how `state` is
 *   learning, done, skipped, failed, ready or waiting; `recall` and `remember` keep the size that was chosen.
 */
export function map(roadmap, { address, state, recall, remember }) {
  const paper = h("div.map", { tabIndex: 0, role: "region", "aria-label": t`Map of the roadmap` });
  const element = h("div.map-frame", {}, h("div.map-tools", {}, key(),
    h("div.zoom", { role: "group", "aria-label": t`Size` }, iconButton("minus", t`Smaller`, () => zoomBy(-1)), iconButton("plus", t`Larger`, () => zoomBy(1)))), paper);
  const graph = edgesOf(roadmap);
  let zoom = recall("zoom", ZOOMS.indexOf(1));
  /** @type {Map<string, Place>} */
  let places = new Map();
  let width = 0;
  /** @type {Promise<Drawn>|null} */
  let asked = null;
  /** @type {Drawn|null} */
  let asTree = null;
  const observer = new ResizeObserver(() => draw());
  observer.observe(paper);
  return { element, update };

  function zoomBy(by) {
    zoom = Math.max(0, Math.min(ZOOMS.length - 1, zoom + by));
    remember("zoom", zoom);
    draw(true);
  }

  /** Let a concept's station tell another state. */
  function update(id) {
    const shown = [...stationsOf(paper)].find((each) => each.dataset.concept === id);
    if (!shown) return;
    const focused = shown === document.activeElement;
    const now = station(places.get(id));
    shown.replaceWith(now);
    if (focused) now.focus({ preventScroll: true });
  }

  async function draw(force = false) {
    const room = paper.clientWidth - PADDING;
    if (room <= 0 || (room === width && !force)) return;
    width = room;
    // a tree where there is room for it, whatever the size that it is looked at in
    if (mayFit(roadmap, room)) asTree = await (asked ??= tree(roadmap, { pitch: PITCH, cut, long }).catch(() => null));
    if (room !== width) return; // it was drawn meanwhile
    const focused = paper.contains(document.activeElement) ? document.activeElement.getAttribute("data-concept") : null;
    const shrunk = asTree ? Math.min(1, room / asTree.width) : 0;
    paper.replaceChildren(shrunk >= LEAST_SHRUNK ? picture(asTree, Math.max(ZOOMS[0], shrunk * ZOOMS[zoom]))
      : picture(lines(roadmap, { room: room / ZOOMS[zoom], pitch: PITCH, cut }), ZOOMS[zoom]));
    const drawing = paper.firstChild;
    // of many stations in turns, since letters take long to set; until they are there, or another drawing is
    await inTurns([...places.values()], (place) => paper.firstChild === drawing && drawing.append(station(place)), AT_ONCE);
    if (focused && paper.firstChild === drawing) /** @type {any} */ (paper.querySelector(`[data-concept="${focused}"]`))?.focus({ preventScroll: true });
  }

  function picture(drawn, size) {
    places = drawn.places;
    // curves lie under all labels, which have a border of the paper's colour
    const drawing = svg("svg", { class: `is-${drawn.kind}`, width: drawn.width * size, height: drawn.height * size, viewBox: `0 0 ${drawn.width} ${drawn.height}` },
      drawn.lines.map((ends) => svg("line", { ...ends, class: "map-line" })),
      drawn.edges.map(({ from, to, d }) => svg("path", { d, class: "map-edge", "data-from": from, "data-to": to })),
      drawn.labels.map(({ x, y, kind, text }) => svg("text", { x, y, class: `map-${kind}` }, text)));
    for (const [kind, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
      drawing.addEventListener(/** @type {string} */ (kind), (event) => light(drawing, /** @type {Element} */ (event.target).closest("[data-concept]"), on));
    }
    return drawing;
  }

  function station({ x, y, width: room, concept, text }) {
    const now = state(concept);
    return svg("a", { href: address(concept), class: `map-station is-${now}`, "data-concept": concept.concept_id, "aria-label": `${concept.title}${COMMA}${STATE[now]}` },
      svg("rect", { x: x - 14, y: y - PITCH / 2, width: room, height: PITCH, rx: 9 }), // room for a finger
      svg("circle", { cx: x, cy: y, r: 8 }),
      now in SIGN && svg("path", { d: `M${x} ${y}${SIGN[now]}`, class: "map-sign" }),
      svg("text", { x: x + 20, y: y + 5 }, text, svg("title", {}, concept.title)));
  }

  /** Let what a concept needs, and what needs it, stand out: most of all its own curves. */
  function light(drawing, station, on) {
    if (!station) return;
    const id = station.dataset.concept;
    const lit = on ? new Set([...reached(id, graph.before), ...reached(id, graph.after)]) : null;
    drawing.classList.toggle("is-lit", on && lit.size > 1);
    for (const each of stationsOf(drawing)) each.classList.toggle("is-near", Boolean(lit?.has(each.dataset.concept)));
    for (const each of drawing.querySelectorAll("[data-from]")) {
      each.classList.toggle("is-near", Boolean(lit?.has(each.dataset.from) && lit.has(each.dataset.to)));
      each.classList.toggle("is-own", on && [each.dataset.from, each.dataset.to].includes(id));
    }
  }
}

/** How wide a text is, about. */
const long = (text, size = 14) => [...text].reduce((sum, letter) => sum + (WIDE.test(letter) ? 1.85 : 1), 0) * LETTER * size / 14;

/** As much of a text as there is room for, by itself whatever direction it has. */
function cut(text, room, size = 14) {
  let left = room / (LETTER * size / 14);
  const letters = [...text];
  const fits = letters.findIndex((letter) => (left -= WIDE.test(letter) ? 1.85 : 1) < 0);
  return `\u2068${fits < 0 ? text : `${letters.slice(0, fits - 1).join("").trimEnd()}…`}\u2069`;
}

/** @returns {NodeListOf<SVGElement>} */
const stationsOf = (drawing) => drawing.querySelectorAll("[data-concept]");

function key() {
  return h("p.legend", {},
    Object.entries(STATE).map(([state, words]) => h("span", {}, h(`span.map-dot.is-${state}`, { "aria-hidden": "true" }), words)),
    h("span", {}, h("span.map-curve", { "aria-hidden": "true" }), t`what a concept needs`));
}

function edgesOf(roadmap) {
  const before = new Map();
  const after = new Map();
  for (const { concept_id: id, prerequisites } of roadmap.stages.flatMap((s) => s.modules).flatMap((m) => m.concepts)) {
    before.set(id, prerequisites);
    for (const other of prerequisites) after.set(other, [...(after.get(other) ?? []), id]);
  }
  return { before, after };
}

function reached(id, edges) {
  const found = new Set([id]);
  for (const each of found) for (const other of edges.get(each) ?? []) found.add(other);
  return found;
}
