/**
 * A map that shows how one thing leads to another: dagre puts each concept below what it needs, in a band
 * for each stage. It takes the more room the more concepts there are, so it is for few of them, and for a
 * wide window; `map-lines.js` is for all else.
 */

const MOST_CONCEPTS = 24;
const LEAST_ROOM = 560;
const BAND = 30;
const BOX = 44;
const WIDEST = 290;
/** Lengths are told rather too long, so that nothing is cut off at an edge; a box may be tighter. */
const ROOMY = 0.94;

/** Whether it is worth to fetch what lays it out. */
export const mayFit = (roadmap, room) => room >= LEAST_ROOM && roadmap.stages.flatMap((s) => s.modules).flatMap((m) => m.concepts).length <= MOST_CONCEPTS;

/**
 * @param {any} roadmap
 * @param {{pitch: number, cut: (text: string, room: number, size?: number) => string, long: (text: string) => number}} how
 * @returns {Promise<import("./map.js").Drawn>}
 */
export async function tree(roadmap, { pitch, cut, long }) {
  const { Graph, layout } = await import(new URL("../vendor/dagre/dagre.js", import.meta.url).href);
  const graph = new Graph().setGraph({ rankdir: "TB", nodesep: 14, ranksep: 24, edgesep: 12 }).setDefaultEdgeLabel(() => ({}));
  const concepts = roadmap.stages.map((stage) => stage.modules.flatMap((module) => module.concepts));
  const text = (concept) => cut(concept.title, WIDEST - BOX);
  for (const concept of concepts.flat()) graph.setNode(concept.concept_id, { width: Math.ceil(BOX + ROOMY * long(text(concept))), height: pitch });
  for (const { concept_id: id, prerequisites } of concepts.flat()) {
    for (const other of prerequisites) if (graph.hasNode(other)) graph.setEdge(other, id, { weight: 8 });
  }
  // what holds the bands apart: below all of a stage, and above all of the next; it hardly pulls.
  // Weights are whole numbers: of others dagre's sums may never come out even, and it does not end
  const borders = concepts.map((_, number) => `stage ${number}`);
  borders.forEach((border, number) => {
    graph.setNode(border, { width: 1, height: BAND });
    for (const { concept_id: id } of concepts[number]) graph.setEdge(border, id, { weight: 1 });
    for (const { concept_id: id } of concepts[number - 1] ?? []) graph.setEdge(id, border, { weight: 1 });
  });
  layout(graph);
  const { width, height } = graph.graph();
  const places = new Map(concepts.flat().map((concept) => {
    const { x, y, width: wide } = graph.node(concept.concept_id);
    return [concept.concept_id, { x: x - wide / 2 + 14, y, width: wide, concept, text: text(concept) }];
  }));
  return {
    width: width + 2, height: height + 2, kind: "tree", places,
    lines: borders.slice(1).map((border) => ({ x1: 0, x2: width, y1: graph.node(border).y - BAND / 2, y2: graph.node(border).y - BAND / 2 })),
    labels: borders.map((border, number) => ({ x: 2, y: graph.node(border).y + 6, kind: "stage", text: cut(`${number + 1}. ${roadmap.stages[number].title}`, width, 18) })),
    edges: graph.edges().filter(({ v, w }) => places.has(v) && places.has(w)).map((edge) => ({ from: edge.v, to: edge.w, d: curve(graph.edge(edge).points) })),
  };
}

/** A line by the middles of its points, bent at each of them. */
function curve([first, ...points]) {
  const bends = points.slice(0, -1).map(({ x, y }, at) => `Q${x} ${y} ${(x + points[at + 1].x) / 2} ${(y + points[at + 1].y) / 2}`);
  return `M${first.x} ${first.y}${bends.join("")}L${points.at(-1).x} ${points.at(-1).y}`;
}
