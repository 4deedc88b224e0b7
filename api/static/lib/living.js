/** Times in words that stay true for as long as somebody looks at them. */

import { h, write } from "./dom.js";

const EVERY_MS = 5_000;
const wordsOf = new WeakMap();
let timer = 0;

/** @param {string} at @param {(at: string) => string} words As in `time.js`: how long ago, how long until. */
export function living(at, words) {
  timer ||= window.setInterval(renew, EVERY_MS);
  const element = h("time", { dateTime: at }, words(at));
  wordsOf.set(element, words);
  return element;
}

function renew() {
  for (const element of document.querySelectorAll("time")) {
    const words = wordsOf.get(element);
    if (words) write(element, words(element.dateTime));
  }
}
