/**
 * What people typed or ticked and have not sent yet. It is kept by this browser, so that neither an
 * error nor a reload, "Back", a closed tab or another tab loses it. A tab prefers its own; a new tab
 * begins with the newest. Signing out forgets all of it. Secrets are never drafts.
 */

const PREFIX = "roadmap.draft.";
const DAYS = 30;
const MOST = 200;
/** Where the browser forbids storage, drafts last as long as the page. */
const memory = new Map();

/**
 * @param {string} key What it is about, for example `home` or `task/…/feedback`.
 * @param {{parse: (text: string) => any, stringify: (value: any) => string}} [json] What writes and reads it, if anything but `JSON` should.
 * @returns {{read: () => any, write: (value: any) => void, clear: () => void, sent: () => void, onSent: (callback: () => void) => void}}
 *   `read` gives what was written last, or null; writing null clears, and so does `clear`, in this tab. `sent` says
 *   that there is an answer now: what any tab had written before is over, and `onSent` tells it to the others.
 */
export function draft(key, json = JSON) {
  const name = PREFIX + key;
  return {
    read: () => [own(), shared()].map((store) => take(store, name, json)).concat(memory.get(name)).find((each) => isOpen(name, each))?.value ?? null,
    write(value) {
      if (value === null || value === undefined) return forget(name);
      const sent = sentAt(name);
      const entry = { value, at: Math.max(Date.now(), sent + 1), ...(sent && { sent }) };
      memory.set(name, entry);
      put(own(), name, json.stringify(entry));
      put(shared(), name, json.stringify(entry));
    },
    clear: () => forget(name),
    sent() {
      memory.delete(name);
      own()?.removeItem(name);
      put(shared(), name, JSON.stringify({ at: Date.now(), sent: Date.now() }));
    },
    onSent: (callback) => addEventListener("storage", (event) => {
      if (event.key === name && sentIn(event.newValue) > sentIn(event.oldValue)) callback();
    }),
  };
}

/** Keep a field as it is typed into, and fill it with what was kept; `clear` when it was sent. */
export function keepField(field, key) {
  const kept = draft(key);
  const value = kept.read();
  const box = field.type === "checkbox";
  if (value !== null && box) field.checked = value;
  else if (value !== null) field.value = value;
  field.addEventListener(box || field.tagName === "SELECT" ? "change" : "input", () => save());
  return { save, clear: kept.clear, kept: value !== null };

  function save() {
    const now = box ? field.checked : field.value;
    const plain = box ? field.defaultChecked : field.defaultValue ?? "";
    kept.write(now === plain ? null : now);
  }
}

/** All drafts whose keys begin so. */
export function draftsOf(begin) {
  const keys = new Set([own(), shared()].flatMap(names).concat([...memory.keys()]).map((name) => name.slice(PREFIX.length)));
  return [...keys].filter((key) => key.startsWith(begin)).map((key) => ({ key, value: draft(key).read() })).filter(({ value }) => value !== null);
}

/** Forget all drafts whose keys begin so; all of them by default. */
export function forgetDrafts(begin = "") {
  for (const store of [own(), shared()]) {
    for (const name of names(store)) if (name.startsWith(PREFIX + begin)) store.removeItem(name);
  }
  for (const name of [...memory.keys()]) if (name.startsWith(PREFIX + begin)) memory.delete(name);
}

function forget(name) {
  const mine = take(own(), name);
  memory.delete(name);
  own()?.removeItem(name);
  // another tab may have written something newer there: that is not ours to forget
  if (mine && JSON.stringify(take(shared(), name)?.value) !== JSON.stringify(mine.value)) return;
  const sent = sentAt(name);
  if (sent) put(shared(), name, JSON.stringify({ at: Date.now(), sent }));
  else shared()?.removeItem(name);
}

/** @param {any} store @param {string} name @param {{parse: (text: string) => any}} [json] */
function take(store, name, json = JSON) {
  try {
    const found = json.parse(store?.getItem(name) ?? "null");
    return found && Date.now() - found.at < DAYS * 86_400_000 ? found : null;
  } catch {
    return null;
  }
}

/** When it was sent by any tab, or 0. */
const sentAt = (name) => take(shared(), name)?.sent ?? 0;
const sentIn = (text) => JSON.parse(text ?? "null")?.sent ?? 0;

/** Whether it is something that waits to be sent. */
const isOpen = (name, entry) => entry?.value !== undefined && entry.at > sentAt(name);

function put(store, name, text) {
  try {
    store?.setItem(name, text);
  } catch {
    sweep(store); // full: the oldest go
    try {
      store.setItem(name, text);
    } catch {
      // it lasts as long as the page, then
    }
  }
  if (names(store).length > MOST) sweep(store); // what else a page keeps there is none of theirs
}

function sweep(store) {
  const aged = names(store).map((name) => [JSON.parse(store.getItem(name)).at ?? 0, name]);
  aged.sort(([a], [b]) => a - b);
  aged.slice(0, Math.ceil(aged.length / 2)).forEach(([, name]) => store.removeItem(name));
}

function names(store) {
  return store ? Object.keys(store).filter((name) => name.startsWith(PREFIX)) : [];
}

/** @returns {Storage|null} */
function own() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/** @returns {Storage|null} */
function shared() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
