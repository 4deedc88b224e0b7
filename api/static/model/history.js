/** Steps that can be taken back and done again, each told by something that JSON can tell. No DOM here. */

const MOST = 100;

export class History {
  #past;
  #future;

  /** @param {{past?: any[], now: any, future?: any[]}} from */
  constructor({ past = [], now, future = [] }) {
    this.#past = past;
    this.now = now;
    this.#future = future;
  }

  /** Take a step; nothing happens when it leads nowhere else. Return whether it did. */
  step(to) {
    if (JSON.stringify(to) === JSON.stringify(this.now)) return false;
    this.#past = [...this.#past, this.now].slice(-MOST);
    this.now = to;
    this.#future = [];
    return true;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  undo() {
    if (!this.canUndo) return false;
    this.#future = [this.now, ...this.#future];
    this.now = this.#past.at(-1);
    this.#past = this.#past.slice(0, -1);
    return true;
  }

  redo() {
    if (!this.canRedo) return false;
    this.#past = [...this.#past, this.now];
    [this.now, ...this.#future] = this.#future;
    return true;
  }

  toJSON() {
    return { past: this.#past, now: this.now, future: this.#future };
  }
}
