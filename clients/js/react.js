/**
 * A task as a React value: `const { task, message } = useRoadmapTask(client, taskId)`.
 * Types and their documentation stand in `react.d.ts`.
 */

import { useCallback, useMemo, useSyncExternalStore } from "react";

const NOTHING = Object.freeze({
  task: null, events: Object.freeze([]), event: null, message: "", connection: null, error: null,
});
/** What the task says that its events do not: read again after these. */
const TELLING = new Set(["roadmap_ready", "review_required", "content_failed", "task_retried"]);

export function useRoadmapTask(client, taskId) {
  const following = useMemo(
    () => (taskId ? new Following(client, taskId) : null),
    [client, taskId],
  );
  const subscribe = useCallback(
    (changed) => following?.subscribe(changed) ?? (() => {}),
    [following],
  );
  const value = useCallback(() => following?.value ?? NOTHING, [following]);
  const told = useSyncExternalStore(subscribe, value, value);
  const resume = useCallback(() => following?.resume(), [following]);
  return { ...told, resume };
}

/** Watches a task while somebody looks; goes on where it was when they come back. */
class Following {
  value = NOTHING;
  #client;
  #taskId;
  #watch = null;
  #lastSeq = 0;
  #listeners = new Set();
  #next = null;
  #reading = 0;

  constructor(client, taskId) {
    this.#client = client;
    this.#taskId = taskId;
  }

  subscribe(changed) {
    this.#listeners.add(changed);
    if (!this.#watch) this.#start();
    return () => {
      this.#listeners.delete(changed);
      if (!this.#listeners.size) this.#stop();
    };
  }

  resume() {
    this.#change(() => ({ error: null }));
    this.#watch?.resume();
  }

  #start() {
    this.#watch = this.#client.watch(this.#taskId, {
      after: this.#lastSeq,
      onEvent: (event) => this.#received(event),
      onSnapshot: (task) => this.#change(() => ({ task })),
      onState: (connection) => this.#change(() => ({ connection })),
      onError: (error) => this.#change(() => ({ error })),
    });
    this.#read();
  }

  #stop() {
    this.#watch.stop();
    this.#watch = null;
    this.#reading += 1;
  }

  #received(event) {
    this.#lastSeq = event.seq;
    const { status, current_step, progress, message } = event;
    this.#change(({ events, task }) => ({
      event,
      message,
      events: [...events, event],
      task: task && { ...task, status, current_step, progress, last_seq: event.seq },
    }));
    if (TELLING.has(event.type)) this.#read();
  }

  /** Read the task; an answer older than an event that came meanwhile keeps the event's word. */
  async #read() {
    const reading = ++this.#reading;
    try {
      const task = await this.#client.task(this.#taskId);
      if (reading !== this.#reading) return;
      this.#change(({ event }) => ({
        task: event && event.seq > task.last_seq
          ? { ...task, status: event.status, current_step: event.current_step, progress: event.progress }
          : task,
      }));
    } catch {
      // the watch tells what is wrong, and that it is over
    }
  }

  /** Change the value, and tell it once for all changes of a moment. */
  #change(difference) {
    const before = this.#next ?? this.value;
    if (!this.#next) queueMicrotask(() => this.#tell());
    this.#next = { ...before, ...difference(before) };
  }

  #tell() {
    this.value = this.#next;
    this.#next = null;
    this.#listeners.forEach((changed) => changed());
  }
}
