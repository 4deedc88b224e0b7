/**
 * What the page knows of a task: a snapshot, moved on by events. No DOM here; each event says what
 * it has touched, so that only this is drawn again.
 */

/** The way of a roadmap; the two steps of an edit show up only when they happened. */
const ROADMAP = [
  "queued", "intent_analysis", "curriculum_design", "structure_validation",
  "edit_plan_analysis", "roadmap_edit", "human_review", "content_generation", "completed",
];
const OPTIONAL = new Set(["edit_plan_analysis", "roadmap_edit", "human_review"]);
const TERMINAL = {
  task_completed: "completed", task_partially_failed: "partial_failure",
  task_failed: "failed", task_cancelled: "cancelled",
};
const CONTENT_EVENTS = {
  content_started: "running", content_completed: "completed", content_failed: "failed",
};

const WORK = new Set([...Object.keys(CONTENT_EVENTS), "task_started", "task_recovered", "step_started", "step_completed", "step_retrying"]);
/** After these it waits for a worker anew. */
const LINED_UP = new Set(["task_queued", "task_retried", "review_decided"]);

export class TaskModel {
  /**
   * @param {any} task As `GET /tasks/{id}` gives it.
   * @param {string[]} [way] The steps of its workflow; those of others show up as they happen.
   */
  constructor(task, way = (task.workflow ?? "roadmap") === "roadmap" ? ROADMAP : ["queued", "completed"]) {
    this.steps = new Map(way.map((step) => [step, newStep()]));
    this.contents = new Map();
    this.order = [];
    this.running = 0;
    this.failed = 0;
    this.lastEvent = null;
    this.review = null;
    /** Whether events tell of work that a worker does, so that no place in the line is true any more. */
    this.atWork = false;
    this.takeSnapshot(task);
  }

  /** Take the task's own row for true, unless a newer one or events have told newer things already. */
  takeSnapshot(task) {
    if (task.last_seq < this.task?.last_seq) return; // it was asked for earlier and has come later
    const older = this.lastEvent && task.last_seq < this.lastEvent.seq;
    this.task = older && this.atWork ? { ...task, line: null } : task;
    if (older) return;
    this.status = task.status;
    this.step = task.current_step;
    this.progress = task.progress;
    this.attempt = task.attempt;
    this.error = task.error;
  }

  /** Take a roadmap's tree for true: its concepts and the states of their contents. */
  takeTree(roadmap) {
    this.contents = new Map();
    this.order = [];
    this.running = 0;
    this.failed = 0;
    for (const stage of roadmap.stages) {
      for (const module of stage.modules) {
        for (const { concept_id: id, contents } of module.concepts) {
          this.order.push(id);
          const states = Object.fromEntries(Object.entries(contents).map(([kind, state]) => [kind, { ...state }]));
          this.contents.set(id, states);
          Object.values(states).forEach(({ status }) => this.#tally(status, 1));
        }
      }
    }
    if (TERMINAL_STATUSES.has(this.status)) this.#settle();
  }

  /** Take the parts of a task of another workflow for true: their states, by step and key. */
  takeParts(parts) {
    this.contents = new Map();
    this.running = 0;
    this.failed = 0;
    for (const part of parts) {
      const { kind, status, version, error } = part;
      const id = partId(part);
      this.contents.set(id, { ...this.contents.get(id), [kind]: { status, version, error } });
      this.#tally(status, 1);
    }
    this.order = [...this.contents.keys()];
    if (TERMINAL_STATUSES.has(this.status)) this.#settle();
  }

  /** Take once more what happened to contents while a tree was on its way. */
  replay(events) {
    for (const { type, data, at } of events) {
      if (type in CONTENT_EVENTS) this.#content(data, CONTENT_EVENTS[type], at);
    }
    if (TERMINAL_STATUSES.has(this.status)) this.#settle(); // what began and was cancelled is not being written
  }

  /**
   * Take an event.
   *
   * @returns {{concept: string|null, steps: boolean, structure: boolean, ended: boolean}} What was
   *   touched: a concept's contents, the steps, the tree (read it anew), the end.
   */
  apply(event) {
    this.lastEvent = event;
    this.status = event.status;
    this.step = event.current_step;
    this.progress = event.progress;
    const touched = { concept: null, steps: false, structure: false, ended: false };
    const { type, data, at } = event;
    if (WORK.has(type)) {
      this.atWork = true;
      this.task = { ...this.task, line: null };
    } else if (LINED_UP.has(type)) this.atWork = false;
    if (type in CONTENT_EVENTS) {
      touched.concept = this.#content(data, CONTENT_EVENTS[type], at);
    } else if (type in TERMINAL) {
      touched.ended = touched.steps = true;
      this.#end(event);
    } else {
      touched.steps = this.#move(type, data, at);
      touched.structure = type === "roadmap_ready" || type === "task_retried"
        || (this.own && (type === "step_completed" || type === "step_started"));
    }
    if (this.own && type in CONTENT_EVENTS && !touched.concept) touched.structure = true;
    return touched;
  }

  /** Whether what it makes are parts of another workflow than the roadmap's. */
  get own() {
    return (this.task.workflow ?? "roadmap") !== "roadmap";
  }

  /** Return the steps to show, in order, with their states. */
  rail() {
    const shown = [...this.steps.keys()].filter((name) => !OPTIONAL.has(name)
      || this.#of(name).state !== "waiting" || (name === "human_review" && this.asked));
    return shown.map((name) => ({ name, ...this.#of(name) }));
  }

  /** Whether a review is still to be expected. */
  get asked() {
    const before = this.own || this.steps.get("content_generation")?.state === "waiting";
    // what was cancelled or failed before it may go on, and asks then
    return this.task.review !== false && before && !["completed", "partial_failure"].includes(this.status);
  }

  /** Return the ids of concepts with failed contents, in reading order. */
  failedConcepts() {
    return this.order.filter((id) => Object.values(this.contents.get(id)).some(({ status }) => status === "failed"));
  }

  #content(data, status, at) {
    const { kind, version, code, error, calls, tokens, cost } = data;
    const id = partId(data);
    const states = this.contents.get(id);
    if (!states) return null;
    const before = states[kind] ?? { status: "pending" };
    this.#tally(before.status, -1);
    this.#tally(status, 1);
    states[kind] = {
      status,
      version,
      error: status === "failed" ? { code, message: error } : null,
      usage: calls ? { calls, tokens, cost } : null,
      startedAt: status === "running" ? at : before.startedAt,
      finishedAt: status === "running" ? null : at,
    };
    return id;
  }

  #tally(status, by) {
    if (status === "running") this.running += by;
    else if (status === "failed") this.failed += by;
  }

  #move(type, data, at) {
    switch (type) {
      case "task_queued":
        return this.#set("queued", { state: "running", startedAt: at });
      case "task_started":
        return this.#finish("queued", at);
      case "step_started":
        this.#finish("queued", at);
        return this.#begin(data.step, at, data.round);
      case "step_completed":
        return this.#complete(data);
      case "step_retrying":
        return this.#set(data.step, { retries: this.#of(data.step).retries + 1 });
      case "task_recovered":
        return true;
      case "review_required":
        this.review = data;
        return this.#begin("human_review", at, data.round);
      case "review_decided":
        this.review = null;
        return this.#finish("human_review", at);
      case "task_retried":
        this.attempt = data.attempt;
        this.error = null;
        for (const [name, step] of this.steps) {
          if (step.state === "failed" || step.state === "stopped") this.#set(name, { state: "waiting" });
        }
        return this.#set("completed", { state: "waiting" });
      default:
        return false;
    }
  }

  /** Begin a step; the same round of it begins again after a lost worker, a stop or a retry. */
  #begin(name, at, round) {
    const step = this.#of(name);
    const again = step.round === round && step.tries > 0;
    return this.#set(name, {
      state: "running", startedAt: at, round, tries: again ? step.tries + 1 : 1,
      durationMs: step.durationMs + this.#spent(step, at),
    });
  }

  #complete({ step: name, duration_s: seconds }) {
    const { durationMs } = this.#of(name);
    return this.#set(name, { state: "done", durationMs: durationMs + seconds * 1000, startedAt: null });
  }

  #finish(name, at) {
    const step = this.#of(name);
    if (step.state !== "running") return false;
    return this.#set(name, { state: "done", durationMs: step.durationMs + this.#spent(step, at), startedAt: null });
  }

  #spent({ startedAt }, at) {
    return startedAt ? Date.parse(at) - Date.parse(startedAt) : 0;
  }

  #end(event) {
    const { type, data, at } = event;
    if (type === "task_failed") this.error = { code: data.code, message: data.error, step: data.step };
    for (const [name, step] of this.steps) {
      if (step.state !== "running") continue;
      this.#finish(name, at);
      if (type === "task_cancelled") this.#set(name, { state: "stopped" });
      else if (type !== "task_completed") this.#set(name, { state: "failed" });
    }
    if (type === "task_completed") this.#set("completed", { state: "done" });
    if (type === "task_partially_failed") this.#set(event.current_step, { state: "failed" });
    this.#settle();
  }

  /** Nothing is being written any more. */
  #settle() {
    for (const states of this.contents.values()) {
      for (const kind of Object.keys(states)) {
        if (states[kind].status === "running") states[kind] = { ...states[kind], status: "pending" };
      }
    }
    this.running = 0;
  }

  #of(name) {
    return this.steps.get(name) ?? newStep();
  }

  #set(name, changes) {
    const known = this.steps.has(name);
    const last = this.steps.get("completed");
    this.steps.set(name, { ...this.#of(name), ...changes });
    if (known || !last) return true;
    this.steps.delete("completed"); // what was not expected stands before the end
    this.steps.set("completed", last);
    return true;
  }
}

/** What names a part: a roadmap's concept, or step and key of another workflow's. */
export const partId = ({ concept_id: concept = null, step = "", key = "" }) => concept ?? `${step}/${key}`;

export const TERMINAL_STATUSES = new Set(Object.values(TERMINAL));

function newStep() {
  return { state: "waiting", round: 1, tries: 0, retries: 0, durationMs: 0, startedAt: null };
}
