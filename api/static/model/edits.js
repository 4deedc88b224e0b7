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

/** Return the edits, in an order in which each refers to what is there when it is applied. */
export function computeEdits(roadmap, stages) {
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
  edits.push(...places(before, modules, gone));
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

/** Walk through the wanted order and put what is not in its place there, as the server will. */
function places(before, modules, gone) {
  const edits = [];
  const now = new Map(
    modulesOf(before).map((module) => [
      module.module_id,
      module.concepts.map((concept) => concept.concept_id).filter((id) => !gone.has(id)),
    ]),
  );
  for (const module of modules) {
    const wanted = module.concepts.filter((concept) => !concept.removed);
    const list = now.get(module.module_id);
    const ids = wanted.map(idOf);
    wanted.forEach((concept, position) => {
      const id = ids[position];
      if (list[position] === id) return;
      const target = ids.indexOf(list[position]);
      if (list[position + 1] === id && target > position && !isNew(wanted[target])) {
        // one concept went down: say so, rather than that all others went up
        const [moved] = list.splice(position, 1);
        list.splice(target, 0, moved);
        edits.push({ op: "move", concept_id: moved, module_id: module.module_id, position: Math.min(target, list.length - 1) });
        return;
      }
      for (const other of now.values()) {
        const at = other.indexOf(id);
        if (at >= 0) other.splice(at, 1);
      }
      list.splice(position, 0, id);
      if (isNew(concept)) {
        const { title, description, estimated_hours, difficulty } = concept;
        edits.push({ op: "add", module_id: module.module_id, title, description, estimated_hours, difficulty, position });
      } else {
        edits.push({ op: "move", concept_id: id, module_id: module.module_id, position });
      }
    });
  }
  return edits;
}
