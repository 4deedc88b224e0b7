/** Views that few visitors need: each is fetched with its styles when it is needed, as a bundle of its own. */

import { h } from "./dom.js";

/**
 * @param {string} view The module in `views/`. It shares with the page what both import (`api/modules.py`).
 * @param {string[]} styles The style sheets that it needs beside those of the page.
 * @returns {Promise<any>} The module, once its styles are there, too.
 */
export async function later(view, ...styles) {
  const [module] = await Promise.all([import(new URL(`../views/${view}.all.js`, import.meta.url).href), ...styles.map(styled)]);
  return module;
}

/** Without its styles a view can still be used: a sheet that does not come is no reason to show nothing. */
function styled(name) {
  const { href } = new URL(`../css/${name}.css`, import.meta.url);
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return null;
  return new Promise((done) => document.head.append(h("link", { rel: "stylesheet", href, onload: done, onerror: done })));
}
