/**
 * The roadmap as a map: a line per stage, a station per concept, and curves from what a concept
 * needs to the concept. Plain SVG with links; drawn anew only when the width changes.
 */

import { h, svg } from "../lib/dom.js";

const NARROWEST = 290;
const ROW = 44;
const HEAD = 54;
const PADDING = 34;
const GAP = 18;
const DOT_X = 46;
const LETTER = 7.6;

/**
 * @param {object} roadmap
 * @param {{address: (concept: object) => string, state: (concept: object) => string}} how `state`
 *   is done, failed, ready or waiting.
 */
export function map(roadmap, { address, state }) {
  const element = h("div.map", { tabIndex: 0, role: "region", "aria-label": "Map of the roadmap" });
  let width = 0;
  let columns = 0;
  let column = NARROWEST;
  const observer = new ResizeObserver(() => draw());
  observer.observe(element);
  return { element, redraw: () => draw(true) };

  function draw(force = false) {
    const room = element.clientWidth - PADDING;
    if (room <= 0 || (room === width && !force)) return;
    width = room;
    columns = Math.max(1, Math.min(roadmap.stages.length, Math.floor(room / NARROWEST)));
    column = Math.max(NARROWEST, Math.floor(room / columns));
    element.replaceChildren(picture());
  }

  function picture() {
    const places = new Map();
    const parts = [];
    const bottoms = new Array(columns).fill(0);
    roadmap.stages.forEach((stage, number) => {
      const at = number % columns;
      const x = at * column;
      let y = bottoms[at] + HEAD;
      parts.push(svg("text", { x: x + DOT_X - 9, y: bottoms[at] + 22, class: "map-stage" }, cut(`${number + 1}. ${stage.title}`)));
      const from = y;
      for (const module of stage.modules) {
        parts.push(svg("text", { x: x + DOT_X + 20, y: y - 8, class: "map-module" }, cut(module.title)));
        y += 14;
        for (const concept of module.concepts) {
          places.set(concept.concept_id, { x: x + DOT_X, y, concept });
          y += ROW - 10;
        }
        y += GAP;
      }
      parts.unshift(svg("line", { x1: x + DOT_X, x2: x + DOT_X, y1: from + 14, y2: y - GAP - ROW + 10, class: "map-line" }));
      bottoms[at] = y + GAP;
    });
    const across = columns * column;
    const height = Math.max(...bottoms) - GAP;
    return svg("svg", { width: across, height, viewBox: `0 0 ${across} ${height}` },
      parts, [...places.values()].flatMap((place) => edges(place, places)), [...places.values()].map(station));
  }

  function edges({ x, y, concept }, places) {
    return concept.prerequisites.map((id) => places.get(id)).filter(Boolean).map((from) => {
      const bend = from.x === x ? Math.min(60, 14 + Math.abs(y - from.y) / 8) : (x - from.x) / 2;
      const [c1, c2] = from.x === x ? [x - bend, x - bend] : [from.x + bend, x - bend];
      return svg("path", { d: `M${from.x} ${from.y}C${c1} ${from.y} ${c2} ${y} ${x} ${y}`, class: "map-edge" });
    });
  }

  function cut(text) {
    const letters = Math.floor((column - DOT_X - 30) / LETTER);
    return text.length > letters ? `${text.slice(0, letters - 1).trimEnd()}…` : text;
  }

  function station({ x, y, concept }) {
    const now = state(concept);
    return svg("a", { href: address(concept), class: `map-station is-${now}`, "aria-label": `${concept.title}, ${now}` },
      svg("circle", { cx: x, cy: y, r: 8 }),
      now === "done" && svg("path", { d: `M${x - 3.5} ${y}l2.5 3 4.5-5.5`, class: "map-tick" }),
      svg("text", { x: x + 20, y: y + 5 }, cut(concept.title), svg("title", {}, concept.title)));
  }
}

