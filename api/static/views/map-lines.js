/** A map that fits any width: a line per stage, a station per concept, in as many columns as there is room for. */

const NARROWEST = 290;
const HEAD = 54;
const GAP = 18;
const DOT_X = 46;

/**
 * @param {any} roadmap
 * @param {{room: number, pitch: number, cut: (text: string, room: number, size?: number) => string}} how
 * @returns {import("./map.js").Drawn}
 */
export function lines(roadmap, { room, pitch, cut }) {
  const columns = Math.max(1, Math.min(roadmap.stages.length, Math.floor(room / NARROWEST)));
  const column = Math.max(NARROWEST, Math.floor(room / columns));
  const bottoms = new Array(columns).fill(0);
  const letters = column - DOT_X - 30;
  const drawn = { width: columns * column, height: 0, kind: "lines", places: new Map(), lines: [], labels: [], edges: [] };
  roadmap.stages.forEach((stage, number) => {
    const at = number % columns;
    const x = at * column + DOT_X;
    let y = bottoms[at] + HEAD;
    drawn.labels.push({ x: x - 9, y: bottoms[at] + 22, kind: "stage", text: cut(`${number + 1}. ${stage.title}`, letters, 18) });
    const from = y;
    for (const module of stage.modules) {
      drawn.labels.push({ x: x + 20, y: y - 8, kind: "module", text: cut(module.title, letters, 12) });
      y += 14;
      for (const concept of module.concepts) {
        drawn.places.set(concept.concept_id, { x, y, concept, width: column - DOT_X, text: cut(concept.title, letters) });
        y += pitch;
      }
      y += GAP;
    }
    drawn.lines.push({ x1: x, x2: x, y1: from + 14, y2: y - GAP - pitch });
    bottoms[at] = y + GAP;
  });
  drawn.height = Math.max(...bottoms) - GAP;
  for (const place of drawn.places.values()) drawn.edges.push(...edgesTo(place, drawn.places));
  return drawn;
}

function edgesTo({ x, y, concept }, places) {
  return concept.prerequisites.filter((id) => places.has(id)).map((id) => {
    const from = places.get(id);
    const bend = from.x === x ? Math.min(60, 14 + Math.abs(y - from.y) / 8) : (x - from.x) / 2;
    const [c1, c2] = from.x === x ? [x - bend, x - bend] : [from.x + bend, x - bend];
    return { from: id, to: concept.concept_id, d: `M${from.x} ${from.y}C${c1} ${from.y} ${c2} ${y} ${x} ${y}` };
  });
}
