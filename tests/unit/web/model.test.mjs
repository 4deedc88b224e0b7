/** What the pages know and compute, without a page. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { computeEdits, newConcept, workingCopy } from "../../../api/static/model/edits.js";
import { isRight, score } from "../../../api/static/model/quiz.js";
import { Arriving } from "../../../api/static/model/arriving.js";
import { due, duration, range, upcoming } from "../../../api/static/lib/time.js";
import { called, kindName, learnKinds, nth, textOf } from "../../../api/static/lib/words.js";
import { around, pieces } from "../../../api/static/model/found.js";
import { begun, drawn } from "../../../api/static/model/contents.js";
import { TaskModel } from "../../../api/static/model/task-model.js";

const SAME = JSON.parse(readFileSync(new URL("../cli/said_alike.json", import.meta.url)));
const PROGRESS = { done: 0, total: 6, percent: 10 };
let seq = 0;

function event(type, data = {}, { at = "2026-11-22T10:00:00Z", status = "processing", step = "content_generation" } = {}) {
  return { seq: ++seq, type, data, at, status, current_step: step, progress: PROGRESS, message: type };
}

function concept(id, title = id) {
  const pending = { status: "pending", version: null, error: null };
  return {
    concept_id: id, title, description: "", estimated_hours: 2, difficulty: "beginner", prerequisites: [],
    contents: { tutorial: pending, resources: pending, quiz: pending },
  };
}

const roadmap = (...modules) => ({
  stages: [{ stage_id: "s", title: "Stage", modules: modules.map((ids, n) => ({ module_id: `m${n}`, title: `M${n}`, concepts: ids.map((id) => concept(id)) })) }],
});

function model(tree = roadmap(["a", "b"])) {
  const made = new TaskModel({ status: "processing", current_step: "content_generation", progress: PROGRESS, attempt: 1, error: null });
  made.takeTree(tree);
  return made;
}

const content = (id, kind, more = {}) => ({ concept_id: id, kind, version: 1, ...more });

test("an event touches its own concept and nothing else", () => {
  const known = model();
  const touched = known.apply(event("content_started", content("a", "quiz")));
  assert.deepEqual(touched, { concept: "a", steps: false, structure: false, ended: false });
  assert.equal(known.contents.get("a").quiz.status, "running");
  assert.equal(known.contents.get("b").quiz.status, "pending");
  assert.equal(known.running, 1);
});

test("failed contents are counted, found, and carry their cause and cost", () => {
  const known = model();
  const usage = { calls: 2, tokens: 300, cost: null };
  known.apply(event("content_started", content("b", "quiz")));
  known.apply(event("content_failed", content("b", "quiz", { code: "content_refused", error: "No.", ...usage })));
  assert.deepEqual(known.failedConcepts(), ["b"]);
  assert.equal(known.failed, 1);
  assert.deepEqual(known.contents.get("b").quiz.error, { code: "content_refused", message: "No." });
  assert.deepEqual(known.contents.get("b").quiz.usage, usage);
});

test("steps add up their rounds, retries and durations", () => {
  const known = model();
  for (const round of [1, 2]) {
    known.apply(event("step_started", { step: "structure_validation", round }));
    known.apply(event("step_retrying", { step: "structure_validation", round, code: "x" }));
    known.apply(event("step_completed", { step: "structure_validation", round, duration_s: 1.5 }));
  }
  const step = known.rail().find((each) => each.name === "structure_validation");
  assert.deepEqual([step.state, step.round, step.tries, step.retries, step.durationMs], ["done", 2, 1, 2, 3000]);
});

test("a step that a new worker, or a retry, does once more is another attempt and no new round", () => {
  const known = model();
  const shown = () => {
    const { round, tries } = known.rail().find((each) => each.name === "content_generation");
    return [round, tries];
  };
  const begin = () => known.apply(event("step_started", { step: "content_generation", round: 1 }));
  begin();
  assert.deepEqual(shown(), [1, 1]);
  known.apply(event("task_recovered"));
  begin();
  assert.deepEqual(shown(), [1, 2]);
  known.apply(event("task_partially_failed", {}, { status: "partial_failure" }));
  known.apply(event("task_retried", { attempt: 2 }));
  begin();
  assert.deepEqual(shown(), [1, 3]);
});

test("what a lost worker had spent counts as the step's time", () => {
  const known = model();
  const at = (second) => ({ at: `2026-11-22T10:00:${String(second).padStart(2, "0")}Z` });
  known.apply(event("step_started", { step: "content_generation", round: 1 }, at(0)));
  known.apply(event("task_recovered", {}, at(30)));
  known.apply(event("step_started", { step: "content_generation", round: 1 }, at(31)));
  known.apply(event("step_completed", { step: "content_generation", round: 1, duration_s: 20 }, at(51)));
  assert.equal(known.rail().find((each) => each.name === "content_generation").durationMs, 51_000);
});

test("what is due in a moment, or has been for one, is not due in no time", () => {
  const said = (ms) => due(new Date(Date.now() + ms).toISOString());
  assert.deepEqual([-4000, 4000, -61_000].map(said), ["1 min overdue", "in 1 min", "1 min overdue"]);
});

test("when a job comes next, in words", () => {
  const said = (ms) => upcoming(new Date(Date.now() + ms + 50).toISOString());
  assert.deepEqual([-5000, 0, 12_000, 185_000].map(said), ["due now", "due now", "next in 12 s", "next in 3 min 05 s"]);
});

test("a task without a goal has a name", () => {
  assert.equal(called({ title: "(no goal)", goal: "" }), "(no goal)");
  assert.equal(called({ goal: " " }), "(no goal)");
  assert.equal(called({ title: "Rust: from the first program on", goal: "Learn Rust" }), "Learn Rust");
});

test("which one it is, in words", () => {
  assert.deepEqual([1, 2, 6, 7, 11, 21, 22, 112].map(nth),
    ["first", "second", "sixth", "7th", "11th", "21st", "22nd", "112th"]);
});

test("durations and the time left are said as the command line says them", () => {
  assert.deepEqual(SAME.durations.map(([seconds]) => duration(1000 * seconds)), SAME.durations.map(([, text]) => text));
  assert.deepEqual(SAME.ranges.map(([p50, p90]) => range({ p50, p90 })), SAME.ranges.map(([, , text]) => text));
});

test("the review takes as long as the human takes", () => {
  const known = model();
  known.apply(event("review_required", {}, { at: "2026-11-22T10:00:00Z" }));
  assert.equal(known.rail().find((each) => each.name === "human_review").state, "running");
  known.apply(event("review_decided", {}, { at: "2026-11-22T10:05:00Z" }));
  const step = known.rail().find((each) => each.name === "human_review");
  assert.deepEqual([step.state, step.durationMs], ["done", 300_000]);
});

test("steps that only some tasks have are shown when they happened", () => {
  const known = model();
  assert.ok(!known.rail().some((each) => each.name === "roadmap_edit"));
  known.apply(event("step_started", { step: "roadmap_edit", round: 1 }));
  assert.ok(known.rail().some((each) => each.name === "roadmap_edit"));
});

test("a review that was not asked yet is still to come after a stop, and not where none is asked", () => {
  for (const [review, shown] of [[true, true], [false, false]]) {
    const known = model();
    known.task = { ...known.task, review };
    known.apply(event("step_started", { step: "curriculum_design", round: 1 }));
    known.apply(event("task_cancelled", { by: "me", step: "curriculum_design" }, { status: "cancelled" }));
    assert.equal(known.rail().some((each) => each.name === "human_review"), shown);
  }
});

test("the end leaves nothing running, and a retry clears what had failed", () => {
  const known = model();
  known.apply(event("step_started", { step: "content_generation", round: 1 }));
  known.apply(event("content_started", content("a", "quiz")));
  const touched = known.apply(event("task_cancelled", {}, { status: "cancelled" }));
  assert.ok(touched.ended);
  assert.equal(known.running, 0);
  assert.equal(known.contents.get("a").quiz.status, "pending");
  assert.equal(known.rail().find((each) => each.name === "content_generation").state, "stopped");
  const again = known.apply(event("task_retried", { attempt: 2, contents: 3 }));
  assert.ok(again.structure);
  assert.equal(known.attempt, 2);
  assert.equal(known.rail().find((each) => each.name === "content_generation").state, "waiting");
});

/** Apply edits the way the server does. */
function applied(tree, edits) {
  const modules = tree.stages[0].modules.map((m) => ({ id: m.module_id, title: m.title, list: m.concepts.map((c) => ({ id: c.concept_id, title: c.title, hours: c.estimated_hours })) }));
  const take = (id) => {
    for (const m of modules) {
      const at = m.list.findIndex((c) => c.id === id);
      if (at >= 0) return m.list.splice(at, 1)[0];
    }
    throw new Error(`no ${id}`);
  };
  const find = (id) => modules.flatMap((m) => m.list).find((c) => c.id === id);
  for (const edit of edits) {
    const home = modules.find((m) => m.id === edit.module_id);
    if (edit.op === "rename" && edit.concept_id) find(edit.concept_id).title = edit.title;
    else if (edit.op === "rename") home.title = edit.title;
    else if (edit.op === "update") find(edit.concept_id).hours = edit.estimated_hours ?? find(edit.concept_id).hours;
    else if (edit.op === "remove") take(edit.concept_id);
    else if (edit.op === "add") home.list.splice(edit.position, 0, { id: null, title: edit.title, hours: edit.estimated_hours });
    else if (edit.op === "move") home.list.splice(edit.position, 0, take(edit.concept_id));
  }
  return modules.map((m) => m.list.map((c) => c.title));
}

const wanted = (stages) => stages[0].modules.map((m) => m.concepts.filter((c) => !c.removed).map((c) => c.title));

test("no change is no edit", () => {
  const tree = roadmap(["a", "b"], ["c"]);
  assert.deepEqual(computeEdits(tree, workingCopy(tree)), []);
});

test("every kind of change becomes an edit, and the edits lead to the wanted outline", () => {
  const tree = roadmap(["a", "b", "c"], ["d"]);
  const copy = workingCopy(tree);
  const [first, second] = copy[0].modules;
  first.concepts[0].title = "A!";
  first.concepts[0].estimated_hours = 5;
  first.concepts[1].removed = true;
  second.title = "Second";
  second.concepts.unshift(first.concepts.pop());
  first.concepts.push(newConcept("new", "k1"));
  const edits = computeEdits(tree, copy);
  assert.deepEqual(new Set(edits.map((edit) => edit.op)), new Set(["rename", "update", "remove", "move", "add"]));
  assert.deepEqual(applied(tree, edits), wanted(copy));
});

test("any reordering is reached by applying the edits one after the other", () => {
  let state = 7;
  const random = (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state % below;
  };
  for (let round = 0; round < 200; round++) {
    const tree = roadmap(["a", "b", "c", "d"], ["e", "f"], ["g"]);
    const copy = workingCopy(tree);
    const { modules } = copy[0];
    for (let n = 0; n < 1 + random(6); n++) {
      const from = modules[random(3)];
      if (!from.concepts.length) continue;
      const [moved] = from.concepts.splice(random(from.concepts.length), 1);
      const to = modules[random(3)];
      to.concepts.splice(random(to.concepts.length + 1), 0, moved);
      if (random(4) === 0) moved.removed = true;
      if (random(4) === 0) to.concepts.splice(random(to.concepts.length + 1), 0, newConcept(`n${n}`, `k${round}-${n}`));
    }
    assert.deepEqual(applied(tree, computeEdits(tree, copy)), wanted(copy), `round ${round}`);
  }
});

test("moving one concept up is one edit", () => {
  const tree = roadmap(["a", "b", "c"]);
  const copy = workingCopy(tree);
  copy[0].modules[0].concepts.unshift(copy[0].modules[0].concepts.pop());
  assert.deepEqual(computeEdits(tree, copy), [{ op: "move", concept_id: "c", module_id: "m0", position: 0 }]);
});

test("of two neighbours that changed places, the one that a person moved is named", () => {
  const tree = roadmap(["a", "b", "c"]);
  for (const [moved, order, position] of [["b", [1, 0, 2], 0], ["a", [1, 0, 2], 1], ["c", [0, 2, 1], 1], ["b", [0, 2, 1], 2]]) {
    const copy = workingCopy(tree);
    const [module] = copy[0].modules;
    module.concepts = order.map((at) => module.concepts[at]);
    assert.deepEqual(computeEdits(tree, copy, ["x", moved]), [{ op: "move", concept_id: moved, module_id: "m0", position }]);
  }
  const copy = workingCopy(tree);
  copy[0].modules[0].concepts.reverse();
  assert.deepEqual(computeEdits(tree, copy, ["a", "b"]).map((edit) => edit.concept_id).sort(), ["a", "b"], "the last two moved");
});

test("moving one concept to the end is one edit", () => {
  const tree = roadmap(["a", "b", "c", "d", "e"]);
  const copy = workingCopy(tree);
  copy[0].modules[0].concepts.push(copy[0].modules[0].concepts.shift());
  assert.deepEqual(computeEdits(tree, copy), [{ op: "move", concept_id: "a", module_id: "m0", position: 4 }]);
});

test("an answer is right with exactly the right options", () => {
  const question = { correct: [0, 2], options: ["a", "b", "c"] };
  assert.ok(isRight(question, [2, 0]));
  assert.ok(!isRight(question, [0]));
  assert.ok(!isRight(question, [0, 1, 2]));
  assert.equal(score([question, question], [[0, 2], []]), 1);
});

test("arriving text is put together, restarts with a new version, and tells when a piece is missing", () => {
  const text = new Arriving();
  text.take({ version: 1, offset: 0, text: "Own" });
  text.take({ version: 1, offset: 3, text: "ership" });
  assert.equal(text.text, "Ownership");
  text.take({ version: 1, offset: 3, text: "ing" });
  assert.equal(text.text, "Owning");
  text.take({ version: 1, offset: 20, text: "late" });
  assert.ok(text.broken);
  text.take({ version: 2, offset: 0, text: "New" });
  assert.deepEqual([text.text, text.broken], ["New", false]);
});

test("the kinds of contents are whatever the server says", () => {
  const pending = { status: "pending", version: null, error: null };
  const tree = roadmap(["a"]);
  tree.stages[0].modules[0].concepts[0].contents = { tutorial: pending, worked_examples: pending };
  const known = model(tree);
  known.apply(event("content_failed", content("a", "worked_examples", { code: "content_refused", error: "No." })));
  assert.deepEqual(known.failedConcepts(), ["a"]);
  assert.equal(kindName("worked_examples"), "Worked examples");
  learnKinds({ kinds: [{ name: "worked_examples", label: "Examples", text: "markdown" }] });
  assert.equal(kindName("worked_examples"), "Examples");
  assert.equal(textOf("worked_examples"), "markdown");
});

test("a kind that is younger than a concept's contents does not make it unfinished", () => {
  const ready = { status: "completed", version: 1 };
  const pending = { status: "pending", version: null };
  assert.deepEqual(begun({ tutorial: ready, exercise: pending }), [ready]);
  assert.deepEqual(begun({ tutorial: pending, exercise: pending }), [pending, pending]);
});

test("a content of any shape is drawn from texts, points and fields", () => {
  assert.deepEqual(drawn({ task: "Tie it", hints: ["Loop", 2], checked: true, note: null }), {
    fields: [["task", { text: "Tie it" }], ["hints", { points: [{ text: "Loop" }, { text: "2" }] }], ["checked", { text: "yes" }]],
  });
});

test("an answer that was asked for earlier and comes later takes nothing back", () => {
  const known = model();
  const row = (status, last_seq, calls) => ({ status, last_seq, current_step: status, progress: PROGRESS, attempt: 1, error: null, usage: { calls } });
  known.takeSnapshot(row("completed", 90, 12));
  known.takeSnapshot(row("processing", 40, 3));
  assert.equal(known.status, "completed");
  assert.equal(known.task.usage.calls, 12);
});

test("what was begun before the end and is replayed after it is not being written", () => {
  const known = model();
  const begun = event("content_started", content("a", "quiz"));
  known.apply(event("task_cancelled", {}, { status: "cancelled" }));
  known.takeTree(roadmap(["a", "b"]));
  known.replay([begun]);
  assert.equal(known.running, 0);
  assert.equal(known.contents.get("a").quiz.status, "pending");
});

test("words that were looked for are parted from the text around them, whatever their case or signs", () => {
  assert.deepEqual(pieces("Common Mistakes and mistakes", "mistakes"), ["Common ", "Mistakes", " and ", "mistakes", ""]);
  assert.deepEqual(pieces("a (b) c", "(B)"), ["a ", "(b)", " c"]);
  assert.deepEqual(pieces("nothing", ""), ["nothing"]);
  assert.equal(around("short and found here", "found"), "short and found here");
  assert.equal(around("one two three four found five six seven", "found", 6), "… four found five six …");
});
