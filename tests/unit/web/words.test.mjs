/** What the pages say: of events, of an order that does not fit, and that no style holds by mistake. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { STATIC } from "./messages.mjs";
import { outOfOrder } from "../../../api/static/model/edits.js";
import { TaskModel } from "../../../api/static/model/task-model.js";

Object.defineProperty(globalThis, "navigator", { value: { languages: ["en"] }, configurable: true });
const { happened } = await import("../../../api/static/lib/happened.js");

test("a state is selected by its value: an attribute of ARIA that says false is there as well", () => {
  const files = readdirSync(STATIC, { recursive: true }).map(String).filter((name) => name.endsWith(".css"));
  const found = files.flatMap((name) => readFileSync(join(STATIC, name), "utf8").match(/[^\s,{}]*\[aria-[a-z]+\]/g) ?? []);
  assert.deepEqual(found, []);
});

test("events are told with the names that steps have for people", () => {
  const told = (type, data) => happened({ type, data, message: "as the server says it" })[0];
  assert.equal(told("task_cancelled", { step: "human_review" }), "Cancelled at the step “Your review”");
  assert.equal(told("step_started", { step: "structure_validation" }), "Check the structure …");
  assert.equal(told("task_failed", { step: "curriculum_design", code: "step_timeout" }), "Failed: Design the roadmap. It took longer than allowed.");
  assert.equal(told("review_decided", { decision: "edit", then: "review" }), "Your review: changed, to be looked at again");
  assert.equal(told("something_new", {}), "as the server says it");
});

test("every type of event has words of ours", () => {
  const bundle = readFileSync(join(STATIC, "lib/happened.js"), "utf8");
  const known = new Set([...bundle.matchAll(/^ {2}(\w+): \(/gm)].map(([, type]) => type));
  const types = readFileSync(join(STATIC, "../../notifications/event_types.py"), "utf8").matchAll(/^ {4}[A-Z_]+ = "(\w+)"/gm);
  const unknown = [...types].map(([, type]) => type).filter((type) => type !== "content_delta" && !known.has(type));
  assert.deepEqual(unknown, []);
});

test("a concept that stands before one it builds on is found, wherever both are, and not when one is removed", () => {
  const of = (...ids) => ({ modules: [{ concepts: ids.map((id) => ({ concept_id: id, removed: id === "gone" })) }] });
  const needs = new Map([["b", ["a"]], ["c", ["gone", "a"]], ["a", []]]);
  assert.deepEqual([...outOfOrder([of("b", "a"), of("c", "gone")], needs)], [["b", ["a"]]]);
  assert.deepEqual([...outOfOrder([of("a"), of("b", "c")], needs)], []);
});

test("a task that is worked on has no place in the line, also when an older row says so", () => {
  const row = { status: "processing", current_step: "resuming", progress: { done: 0, total: 0 }, attempt: 1, error: null, line: { position: 1 } };
  const model = new TaskModel({ ...row, last_seq: 3 });
  assert.equal(model.task.line.position, 1);
  const event = (seq, type) => ({ seq, type, data: { step: "content_generation", round: 1 }, status: "processing", current_step: "x", progress: row.progress, at: "2026-11-22T10:00:00Z" });
  model.apply(event(4, "step_started"));
  assert.equal(model.task.line, null);
  model.takeSnapshot({ ...row, last_seq: 3 });
  assert.equal(model.task.line, null);
  model.apply(event(5, "review_decided"));
  model.takeSnapshot({ ...row, last_seq: 5 });
  assert.equal(model.task.line.position, 1);
});
