/**
 * JSON of own workflows, with all digits: an integer that a browser's numbers would round is read as a BigInt, and
 * sent and kept as it came. Also plain `JSON.stringify` tells two of them apart from here on.
 */

/** How a text begins that stands for an integer, on this page only: nobody can have written it. */
const MARK = `exact-${Math.random()}:`;
/** Texts, which may hold digits, and numbers. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MARKED = new RegExp(`"${MARK.replace(".", "\\.")}(-?\\d+)"`, "g");

Object.defineProperty(BigInt.prototype, "toJSON", {
  configurable: true,
  value() {
    return MARK + this;
  },
});

/** Return an integer of any length from its digits, as a number where that has them all. */
export function integer(digits) {
  const number = Number(digits);
  const kept = Number.isSafeInteger(number) || String(number) === digits || !/^-?\d+$/.test(digits);
  return kept ? number : BigInt(digits);
}

export const isNumber = (value) => typeof value === "number" || typeof value === "bigint";

export const exact = {
  /** @returns {any} What `JSON.parse` makes of it, except for long integers. */
  parse(text) {
    const plain = JSON.parse(text); // what is no JSON is told in its own words
    if (!/\d{16}/.test(text)) return plain;
    const marked = text.replace(TOKEN, (token) => (token[0] !== "\"" && typeof integer(token) === "bigint" ? `"${MARK}${token}"` : token));
    return JSON.parse(marked, (_, value) => (typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value));
  },
  /** @param {any} value @param {number} [indent] @returns {string} */
  stringify: (value, indent) => JSON.stringify(value, null, indent).replace(MARKED, "$1"),
};
