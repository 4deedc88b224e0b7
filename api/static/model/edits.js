/**
 * A reviewer's own changes: a working copy of the outline, and the API's `edits` that lead
 * from the outline under review to it. No DOM here.
 */

/** Return a copy to work on. Removed concepts stay in it, marked, so that they can come back. */
export function workingCopy(roadmap) {
  return roadmap.stages.map((stage) => ({
    stage_id: stage.stage_id,
    title: stage.title,
    modules: stage.modules.map((module) => ({
      module_id: module.module_id,
      title: module.title,
      concepts: module.concepts.map((concept) => ({
        concept_id: concept.concept_id,
        title: concept.title,
        description: concept.description,
        estimated_hours: concept.estimated_hours,
        difficulty: concept.difficulty,
        removed: false,
      })),
    })),
  }));
}

/** Return a concept to add; it has no id before the server gives it one. */
export function newConcept(title, key) {
  return {
    concept_id: null, key, title, description: "", estimated_hours: 2, difficulty: "beginner", removed: false,
  };
}

const isNew = (concept) => concept.concept_id === null;
const idOf = (concept) => concept.concept_id ?? concept.key;

export const modulesOf = (stages) => stages.flatMap((stage) => stage.modules);

/**
 * Return the edits, in an order in which each refers to what is there when it is applied.
 *
 * @param {any} roadmap
 * @param {any[]} stages
 * @param {string[]} [moved] The concepts that were moved by hand, the last one last.
 */
export function computeEdits(roadmap, stages, moved = []) {
  const before = workingCopy(roadmap);
  const known = new Map(modulesOf(before).flatMap((m) => m.concepts).map((c) => [c.concept_id, c]));
  const edits = [...titles(before, stages)];
  const modules = modulesOf(stages);
  const kept = modules.flatMap((module) => module.concepts.filter((concept) => !concept.removed));
  for (const concept of kept) {
    if (concept.concept_id) edits.push(...changes(known.get(concept.concept_id), concept));
  }
  const gone = new Set(modules.flatMap((m) => m.concepts).filter((c) => c.removed && c.concept_id).map((c) => c.concept_id));
  for (const id of gone) edits.push({ op: "remove", concept_id: id });
  edits.push(...places(before, modules, gone, moved));
  return edits;
}

/**
 * Return a working copy with edits made in it, as the server makes them; those of things that are not
 * there (any more) are left out.
 *
 * @param {any} roadmap
 * @param {any[]} edits
 */
export function applyEdits(roadmap, edits) {
  const stages = workingCopy(roadmap);
  const modules = new Map(modulesOf(stages).map((module) => [module.module_id, module]));
  const parts = new Map([...stages.map((stage) => [stage.stage_id, stage]), ...modules,
    ...modulesOf(stages).flatMap((module) => module.concepts).map((concept) => [concept.concept_id, concept])]);
  let added = 0;
  for (const { op, stage_id: stage, module_id: module, concept_id: concept, position, ...values } of edits) {
    if (op === "add") {
      if (modules.has(module)) insert(modules.get(module), { ...newConcept(values.title, `new-${(added += 1)}`), ...values }, position);
      continue;
    }
    const part = parts.get(concept ?? module ?? stage);
    if (!part) continue;
    if (op === "remove") part.removed = true;
    else if (op === "move") {
      const from = modulesOf(stages).find(({ concepts }) => concepts.includes(part));
      const to = modules.get(module) ?? from;
      from.concepts.splice(from.concepts.indexOf(part), 1);
      insert(to, part, position);
    } else Object.assign(part, values);
  }
  return stages;
}

/** Put a concept at a place among those that are not removed. */
function insert({ concepts }, concept, position) {
  const kept = concepts.filter(({ removed }) => !removed);
  const before = position === undefined ? undefined : kept[position];
  concepts.splice(before ? concepts.indexOf(before) : concepts.length, 0, concept);
}

/** Return what was done to each concept: `renamed`, `moved`, `changed`, `removed`. */
export function changesById(edits) {
  const words = { rename: "renamed", move: "moved", update: "changed", remove: "removed" };
  const found = new Map();
  for (const { op, concept_id: id } of edits) {
    if (id) found.set(id, [...(found.get(id) ?? []), words[op]]);
  }
  return found;
}

/**
 * Return the concepts that stand before some that they build on, and which these are.
 *
 * @param {any[]} stages
 * @param {Map<string, string[]>} needs By concept, what it builds on.
 */
export function outOfOrder(stages, needs) {
  const order = modulesOf(stages).flatMap((module) => module.concepts).filter(({ removed }) => !removed).map(idOf);
  const at = new Map(order.map((id, place) => [id, place]));
  const early = order.map((id, place) => [id, (needs.get(id) ?? []).filter((need) => at.get(need) > place)]);
  return new Map(early.filter(([, before]) => before.length));
}

/** Return what an outline is in numbers. */
export function totals(stages) {
  const kept = modulesOf(stages).flatMap((module) => module.concepts).filter((concept) => !concept.removed && concept.title);
  return { concepts: kept.length, hours: kept.reduce((sum, concept) => sum + concept.estimated_hours, 0) };
}

function titles(before, after) {
  const edits = [];
  before.forEach((stage, s) => {
    const now = after[s];
    if (now.title !== stage.title) edits.push({ op: "rename", stage_id: stage.stage_id, title: now.title });
    stage.modules.forEach((module, m) => {
      const title = now.modules[m].title;
      if (title !== module.title) edits.push({ op: "rename", module_id: module.module_id, title });
    });
  });
  return edits;
}

function changes(before, after) {
  const edits = [];
  const { concept_id: id } = after;
  if (after.title !== before.title) edits.push({ op: "rename", concept_id: id, title: after.title });
  const fields = ["description", "estimated_hours", "difficulty"].filter((f) => after[f] !== before[f]);
  if (fields.length) {
    edits.push({ op: "update", concept_id: id, ...Object.fromEntries(fields.map((f) => [f, after[f]])) });
  }
  return edits;
}

/**
 * The fewest moves that lead to the wanted order, as the server makes them one after the other. Of two neighbours
 * that changed places either may be said to have moved: it is the one that `moved` names, the last before earlier ones.
 */
function places(before, modules, gone, moved) {
  const edits = [];
  const now = new Map(
    modulesOf(before).map((module) => [
      module.module_id,
      module.concepts.map((concept) => concept.concept_id).filter((id) => !gone.has(id)),
    ]),
  );
  const weight = new Map(moved.map((id, at) => [id, 1 - MOVED * (at + 1)]));
  const staying = modules.map((module) => {
    const old = now.get(module.module_id);
    return longest(module.concepts.filter(({ removed }) => !removed).map(idOf).filter((id) => old.includes(id)),
      (id) => old.indexOf(id), (id) => weight.get(id) ?? 1);
  });
  modules.forEach((module, at) => {
    const list = now.get(module.module_id);
    let previous = null;
    for (const concept of module.concepts.filter(({ removed }) => !removed)) {
      const id = idOf(concept);
      if (!staying[at].has(id)) {
        for (const other of now.values()) if (other.includes(id)) other.splice(other.indexOf(id), 1);
        const position = list.indexOf(previous) + 1;
        list.splice(position, 0, id);
        const { title, description, estimated_hours, difficulty } = concept;
        edits.push(isNew(concept)
          ? { op: "add", module_id: module.module_id, title, description, estimated_hours, difficulty, position }
          : { op: "move", concept_id: id, module_id: module.module_id, position });
      }
      previous = id;
    }
  });
  return edits;
}

/** So much less weighs one that was moved; all of them together weigh less than one place. */
const MOVED = 1e-6;

/** The heaviest of those that stand in ascending order of their places. */
function longest(ids, place, weight) {
  const best = [];
  ids.forEach((id, at) => {
    const before = best.filter((each) => place(each.id) < place(id)).reduce((a, b) => (b.sum > a.sum ? b : a), { sum: 0, id: null, from: null });
    best[at] = { id, sum: before.sum + weight(id), from: before.id === null ? null : before };
  });
  const stays = new Set();
  let last = best.reduce((a, b) => (a && a.sum >= b.sum ? a : b), null);
  for (; last; last = last.from) stays.add(last.id);
  return stays;
}
