/**
 * The roadmap as a map: a line per stage, a station per concept, and curves from what a concept
 * needs to the concept. Plain SVG with links; drawn anew only when the room for it changes, and a
 * concept whose state changes by itself. Pointing at a station shows what it needs and what needs it.
 */

import { h, iconButton, svg } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { recall, remember } from "../lib/place.js";
import { MARK } from "../lib/words.js";

const NARROWEST = 290;
const PITCH = 34;
const HEAD = 54;
const PADDING = 34;
const GAP = 18;
const DOT_X = 46;
const LETTER = 7.6;
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/;
const ZOOMS = [0.72, 0.85, 1, 1.25, 1.6];
const STATE = { ...MARK, failed: t`failed`, ready: t`ready`, waiting: t`waiting` };
/** What stands in a station beside its colour, from its middle on. */
const SIGN = { done: "m-3.5 0l2.5 3 4.5-5.5", skipped: "m-4 0h8", learning: "m-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0", failed: "m-3-3l6 6m0-6l-6 6" };

/**
 * @param {any} roadmap
 * @param {{address: (concept: any) => string, state: (concept: any) => string}} how `state` is
 *   learning, done, skipped, failed, ready or waiting.
 */
export function map(roadmap, { address, state }) {
  const paper = h("div.map", { tabIndex: 0, role: "region", "aria-label": t`Map of the roadmap` });
  const element = h("div.map-frame", {}, h("div.map-tools", {}, key(),
    h("div.zoom", { role: "group", "aria-label": t`Size` }, iconButton("minus", t`Smaller`, () => zoomBy(-1)), iconButton("plus", t`Larger`, () => zoomBy(1)))), paper);
  const graph = edgesOf(roadmap);
  let zoom = recall("zoom", ZOOMS.indexOf(1));
  /** @type {Map<string, {x: number, y: number, concept: any}>} */
  let places = new Map();
  let width = 0;
  let columns = 0;
  let column = NARROWEST;
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

  function draw(force = false) {
    const room = (paper.clientWidth - PADDING) / ZOOMS[zoom];
    if (room <= 0 || (room === width && !force)) return;
    width = room;
    columns = Math.max(1, Math.min(roadmap.stages.length, Math.floor(room / NARROWEST)));
    column = Math.max(NARROWEST, Math.floor(room / columns));
    const focused = paper.contains(document.activeElement) ? document.activeElement.getAttribute("data-concept") : null;
    paper.replaceChildren(picture());
    if (focused) /** @type {any} */ (paper.querySelector(`[data-concept="${focused}"]`))?.focus({ preventScroll: true });
  }

  function picture() {
    places = new Map();
    const lines = [];
    const labels = [];
    const bottoms = new Array(columns).fill(0);
    roadmap.stages.forEach((stage, number) => {
      const at = number % columns;
      const x = at * column;
      let y = bottoms[at] + HEAD;
      labels.push(svg("text", { x: x + DOT_X - 9, y: bottoms[at] + 22, class: "map-stage" }, cut(`${number + 1}. ${stage.title}`, 18)));
      const from = y;
      for (const module of stage.modules) {
        labels.push(svg("text", { x: x + DOT_X + 20, y: y - 8, class: "map-module" }, cut(module.title, 12)));
        y += 14;
        for (const concept of module.concepts) {
          places.set(concept.concept_id, { x: x + DOT_X, y, concept });
          y += PITCH;
        }
        y += GAP;
      }
      lines.push(svg("line", { x1: x + DOT_X, x2: x + DOT_X, y1: from + 14, y2: y - GAP - PITCH, class: "map-line" }));
      bottoms[at] = y + GAP;
    });
    const across = columns * column;
    const height = Math.max(...bottoms) - GAP;
    // curves lie under all labels, which have a border of the paper's colour
    const drawing = svg("svg", { width: across * ZOOMS[zoom], height: height * ZOOMS[zoom], viewBox: `0 0 ${across} ${height}` },
      lines, [...places.values()].flatMap((place) => edges(place, places)), labels, [...places.values()].map(station));
    for (const [kind, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
      drawing.addEventListener(/** @type {string} */ (kind), (event) => light(drawing, /** @type {Element} */ (event.target).closest("[data-concept]"), on));
    }
    return drawing;
  }

  function edges({ x, y, concept }, places) {
    return concept.prerequisites.filter((id) => places.has(id)).map((id) => {
      const from = places.get(id);
      const bend = from.x === x ? Math.min(60, 14 + Math.abs(y - from.y) / 8) : (x - from.x) / 2;
      const [c1, c2] = from.x === x ? [x - bend, x - bend] : [from.x + bend, x - bend];
      return svg("path", {
        d: `M${from.x} ${from.y}C${c1} ${from.y} ${c2} ${y} ${x} ${y}`, class: "map-edge", "data-from": id, "data-to": concept.concept_id,
      });
    });
  }

  /** As much of a text as there is room for, by itself whatever direction it has. */
  function cut(text, size = 14) {
    let room = (column - DOT_X - 30) / (LETTER * size / 14);
    const letters = [...text];
    const fits = letters.findIndex((letter) => (room -= WIDE.test(letter) ? 1.85 : 1) < 0);
    return `\u2068${fits < 0 ? text : `${letters.slice(0, fits - 1).join("").trimEnd()}…`}\u2069`;
  }

  function station({ x, y, concept }) {
    const now = state(concept);
    return svg("a", { href: address(concept), class: `map-station is-${now}`, "data-concept": concept.concept_id, "aria-label": `${concept.title}, ${STATE[now]}` },
      svg("rect", { x: x - 12, y: y - PITCH / 2, width: column - DOT_X, height: PITCH }), // room for a finger
      svg("circle", { cx: x, cy: y, r: 8 }),
      now in SIGN && svg("path", { d: `M${x} ${y}${SIGN[now]}`, class: "map-sign" }),
      svg("text", { x: x + 20, y: y + 5 }, cut(concept.title), svg("title", {}, concept.title)));
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
