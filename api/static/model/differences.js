/** What is different between two values of JSON, place by place. */

const MOST = 1000;

/**
 * @returns {{path: string, before: any, after: any}[]} `before` is undefined for what is new, `after` for
 *   what is gone. Entries of lists are told apart by their `id`, `key`, `slug`, `name` or `title`, else by place.
 */
export function differences(before, after) {
  const found = [];
  compare(before, after, "", found);
  return found;
}

function compare(before, after, path, found) {
  if (found.length >= MOST || before === after) return;
  if (!isBranch(before) || !isBranch(after) || Array.isArray(before) !== Array.isArray(after)) {
    found.push({ path, before, after });
    return;
  }
  const [old, fresh] = [entries(before), entries(after)];
  const count = found.length;
  for (const [name, value] of old) if (!fresh.has(name)) found.push({ path: joined(path, name), before: value, after: undefined });
  for (const [name, value] of fresh) {
    if (old.has(name)) compare(old.get(name), value, joined(path, name), found);
    else found.push({ path: joined(path, name), before: undefined, after: value });
  }
  // only the order is another
  if (found.length === count && Array.isArray(before) && [...old.keys()].join("\0") !== [...fresh.keys()].join("\0")) found.push({ path, before: [...old.keys()].join(", "), after: [...fresh.keys()].join(", ") });
}

const isBranch = (value) => value !== null && typeof value === "object";
const joined = (path, name) => (path ? `${path} → ${name}` : name);

function entries(value) {
  if (!Array.isArray(value)) return new Map(Object.entries(value).filter(([, each]) => each !== undefined));
  const name = ["id", "key", "slug", "name", "title"].find((each) => value.every((entry) => typeof entry?.[each] === "string") && new Set(value.map((entry) => entry[each])).size === value.length);
  return new Map(value.map((entry, at) => [value.length && name ? entry[name] : String(at + 1), entry]));
}

/**
 * What an object holds, without its names; null where it is none, or holds more than plain values.
 * @param {any} value
 */
export function plainly(value) {
  if (!value || typeof value !== "object") return null;
  const inner = Object.values(value).filter((each) => each !== null && each !== "");
  return inner.length && inner.every((each) => typeof each !== "object") ? inner.join(", ") : null;
}
