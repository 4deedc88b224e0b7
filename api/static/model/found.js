/** Words in a text: where they stand, whatever their case. */

/** Return a text in pieces: every second one is the words as they stand there. */
export function pieces(text, words) {
  const escaped = words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return words ? text.split(new RegExp(`(${escaped})`, "iu")) : [text];
}

/** Return what stands around the first place of the words, in whole words. */
export function around(text, words, letters = 70) {
  const [before, found = "", ...rest] = pieces(text, words);
  const after = rest.join("");
  const from = before.length > letters ? before.indexOf(" ", before.length - letters) + 1 || before.length - letters : 0;
  const to = after.length > 2 * letters ? after.lastIndexOf(" ", 2 * letters) : after.length;
  return `${from ? "… " : ""}${before.slice(from)}${found}${after.slice(0, to)}${to < after.length ? " …" : ""}`;
}
