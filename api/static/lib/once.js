/** The same request, sent again because no answer came, is the same task: after a reload and from another tab, too. */

import { newKey } from "../client/http.js";
import { draft } from "./drafts.js";

/** Whoever asks for the same later wants another one. */
const SAME_MS = 3_600_000;

/** @param {string} name What is asked for, as drafts are named. @param {{stringify: (value: any) => string}} [json] */
export function once(name, json = JSON) {
  const kept = draft(`${name}.key`);
  return {
    /** Return the key under which to send a request. */
    keyOf(body) {
      const text = json.stringify(body);
      const before = kept.read();
      if (before?.text === text && Date.now() - before.at < SAME_MS) return before.key;
      const key = newKey();
      kept.write({ text, key, at: Date.now() });
      return key;
    },
    /** An answer came: the next one is another request. */
    answered: kept.clear,
  };
}
