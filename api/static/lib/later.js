/** Views that few visitors need: each is fetched with its styles when it is needed, as a bundle of its own. */

import { complain } from "./api.js";
import { h } from "./dom.js";
import { heed, isAway } from "./presence.js";

/** How often each view did not come. */
const failures = new Map();

/**
 * @param {string} view The module in `views/`. It shares with the page what both import (`api/modules.py`).
 * @param {string[]} styles The style sheets that it needs beside those of the page.
 * @returns {Promise<any>} The module, once its styles are there, too.
 */
export async function later(view, ...styles) {
  const before = failures.get(view) ?? 0;
  const { href } = new URL(`../views/${view}.all.js${before ? `?${before}` : ""}`, import.meta.url); // Firefox asks no second time for an address that failed
  try {
    const [module] = await Promise.all([heed(import(href)), ...styles.map(styled)]);
    return module;
  } catch (cause) {
    failures.set(view, before + 1);
    throw Object.assign(new Error(view, { cause }), { code: "unreachable" });
  }
}

/**
 * Draw what needs such a view; where nobody answers, again as soon as somebody does.
 *
 * @param {() => Promise<any>} draw
 * @param {() => boolean} wanted Whether somebody still waits for it then.
 */
export async function insist(draw, wanted) {
  try {
    await draw();
  } catch (error) {
    if (await isAway()) addEventListener("online", () => wanted() && insist(draw, wanted), { once: true });
    else complain(error);
  }
}

/** Return what opens a dialog of such a view: once, however often it is asked for until it is there. */
export function summoned(view, open) {
  let coming = null;
  return () => (coming ??= later(view, "dialogs").then(open).catch(complain).finally(() => (coming = null)));
}

/** Without its styles a view can still be used: a sheet that does not come is no reason to show nothing. */
function styled(name) {
  const { href } = new URL(`../css/${name}.css`, import.meta.url);
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return null;
  return new Promise((done) => document.head.append(h("link", { rel: "stylesheet", href, onload: done, onerror: done })));
}
