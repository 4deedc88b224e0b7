/** A text that arrives in pieces, some of which may be lost; it is shown as plain text only. */

export class Arriving {
  #version = null;
  text = "";
  /** Whether the beginning or a piece in between is missing. */
  broken = false;

  /** Take a piece (`data` of a `content_delta`). */
  take({ version, offset, text }) {
    if (version !== this.#version || offset === 0) {
      this.#version = version;
      this.text = "";
      this.broken = offset > 0;
    }
    if (!this.broken && offset > this.text.length) this.broken = true;
    if (this.broken) this.text += text;
    else this.text = this.text.slice(0, offset) + text;
  }

  reset() {
    this.#version = null;
    this.text = "";
    this.broken = false;
  }
}
