/**
 * The roadmap as a map: a line per stage, a station per concept, and curves from what a concept
 * needs to the concept. Plain SVG with links; drawn anew only when the width changes.
 */

import { h, svg } from "../lib/dom.js";

const COLUMN = 290;
const ROW = 44;
const HEAD = 54;
const GAP = 18;
const DOT_X = 22;
const LETTERS = 30;

/**
 * @param {object} roadmap
 * @param {{address: (concept: object) => string, state: (concept: object) => string}} how `state`
 *   is done, failed, ready or waiting.
 */
export function map(roadmap, { address, state }) {
  const element = h("div.map", { tabIndex: 0, role: "region", "aria-label": "Map of the roadmap" });
  let columns = 0;
  const observer = new ResizeObserver(() => draw());
  observer.observe(element);
  return { element, redraw: () => draw(true) };

  function draw(force = false) {
    const fitting = Math.max(1, Math.min(roadmap.stages.length, Math.floor(element.clientWidth / COLUMN)));
    if (!element.clientWidth || (fitting === columns && !force)) return;
    columns = fitting;
    element.replaceChildren(picture());
  }

  function picture() {
    const places = new Map();
    const parts = [];
    const bottoms = new Array(columns).fill(0);
    roadmap.stages.forEach((stage, number) => {
      const column = number % columns;
      const x = column * COLUMN;
      let y = bottoms[column] + HEAD;
      parts.push(svg("text", { x: x + 8, y: bottoms[column] + 22, class: "map-stage" }, cut(`${number + 1}. ${stage.title}`)));
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
      bottoms[column] = y + GAP;
    });
    const width = columns * COLUMN;
    const height = Math.max(...bottoms);
    return svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` },
      parts, [...places.values()].flatMap((place) => edges(place, places)), [...places.values()].map(station));
  }

  function edges({ x, y, concept }, places) {
    return concept.prerequisites.map((id) => places.get(id)).filter(Boolean).map((from) => {
      const bend = from.x === x ? Math.min(60, 14 + Math.abs(y - from.y) / 8) : (x - from.x) / 2;
      const [c1, c2] = from.x === x ? [x - bend, x - bend] : [from.x + bend, x - bend];
      return svg("path", { d: `M${from.x} ${from.y}C${c1} ${from.y} ${c2} ${y} ${x} ${y}`, class: "map-edge" });
    });
  }

  function station({ x, y, concept }) {
    const now = state(concept);
    return svg("a", { href: address(concept), class: `map-station is-${now}`, "aria-label": `${concept.title}, ${now}` },
      svg("circle", { cx: x, cy: y, r: 8 }),
      now === "done" && svg("path", { d: `M${x - 3.5} ${y}l2.5 3 4.5-5.5`, class: "map-tick" }),
      svg("text", { x: x + 20, y: y + 5 }, cut(concept.title), svg("title", {}, concept.title)));
  }
}

function cut(text) {
  return text.length > LETTERS ? `${text.slice(0, LETTERS - 1).trimEnd()}…` : text;
}
